"""Train T, and then each method of the comparison on poses that stay as T found them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from deepstroke.errors import DeepStrokeError
from deepstroke.networks import (
    AlignmentNetwork,
    AsymmetryDisentanglementNetwork,
    DoubleConvUNet3D,
    InPlanePose,
    ResidualUNet3D,
    mirrored,
)
from deepstroke.networks.pose_refinement import refined
from deepstroke.progress import Progress, silent
from deepstroke_training.asymmetry.cases import StrokeBatch, StrokeCase
from deepstroke_training.asymmetry.losses import AsymmetryLoss, aligned_mask, alignment_loss, segmentation_loss
from deepstroke_training.asymmetry.settings import AsymmetrySettings, Method

_BETAS, _DECAY, _POWER = (0.9, 0.999), 5e-4, 0.9
#: Of T's six numbers those of the rotation about k and of the shift along i, which every preset uses.
_TURN_AND_SHIFT = [2, 3]
#: Beyond this mean size tanh has no gradient to speak of.
_SATURATED = 0.97


def fit_alignment(
    cases: list[StrokeCase], settings: AsymmetrySettings, progress: Progress = silent
) -> AsymmetryDisentanglementNetwork:
    """An ADN whose T has learnt, without annotations, to align the cases; D and F are as they began.

    Raises:
        DeepStrokeError: T turns or moves every head as far as it can, from where no gradient leads back.
    """
    torch.manual_seed(settings.seed)
    network = AsymmetryDisentanglementNetwork(settings.preset, settings.base_channels)
    nn.init.zeros_(network.alignment.regress.weight)  # from no motion: random ones may lead heads out of the volume
    nn.init.zeros_(network.alignment.regress.bias)

    def loss(batch: StrokeBatch, epoch: int) -> Tensor:
        return alignment_loss(batch.image, network.alignment.pose(batch.image), settings.reconstruct)

    plain = replace(settings, precision="32")
    train = _Training(plain, settings.alignment_epochs, settings.alignment_batch, settings.lr_alignment)
    train.run(network.alignment, cases, loss, progress, "T")
    network.alignment.requires_grad_(False)
    _require_unsaturated(network.alignment, cases[: settings.alignment_batch], settings)
    return network


def _require_unsaturated(alignment: AlignmentNetwork, cases: list[StrokeCase], settings: AsymmetrySettings) -> None:
    with torch.no_grad():
        numbers = alignment(StrokeBatch.of(cases).image)[:, _TURN_AND_SHIFT].abs().mean(dim=0)
    if float(numbers.max()) > _SATURATED:
        raise DeepStrokeError(
            f"T turns or moves every head to its limit ({numbers[0]:.2f} and {numbers[1]:.2f} of 1): it learnt "
            f"too fast and can't come back; lr_alignment is {settings.lr_alignment:g}, try a tenth of it",
            code="alignment-diverged",
        )


@dataclass(frozen=True, eq=False)
class TrainedMethod:
    """One method of the comparison.

    Attributes:
        method: which.
        network: what was trained; an ADN with T, or a U-Net.
        alignment: T, where the method needs aligned heads.
        refine_steps: by which T's poses are made better where they are applied.
    """

    method: Method
    network: nn.Module
    alignment: AlignmentNetwork | None
    refine_steps: int = 0

    def probability(self, image: Tensor) -> Tensor:
        """Of the lesion, (B, 1, i, j, k), on the image's own grid."""
        pose = _pose_of(self.alignment, image)
        if self.alignment is not None:
            pose = refined(image, pose, self.refine_steps)
        if isinstance(self.network, AsymmetryDisentanglementNetwork):
            return self.network.disentangle_posed(image, pose).segmentation
        found = self.network(_baseline_input(self.method, image, pose))
        return found if self.alignment is None else pose.restore(found)


def fit_method(
    method: Method,
    aligner: AsymmetryDisentanglementNetwork,
    cases: list[StrokeCase],
    settings: AsymmetrySettings,
    progress: Progress = silent,
) -> TrainedMethod:
    """Train one method.

    Args:
        method: which.
        aligner: whose T has been trained; its weights are copied.
        cases: to learn from.
        settings: of the comparison.
        progress: told each epoch's loss.
    """
    torch.manual_seed(settings.seed)
    network = _network(method, aligner, settings)
    trained = TrainedMethod(method, network, _alignment(method, aligner), settings.refine_steps)
    loss = _adn_loss(trained, settings) if method.startswith("adn") else _baseline_loss(trained)
    learner = _Training(settings, settings.epochs, settings.batch, settings.learning_rate)
    learner.run(trained.network, cases, loss, progress, method)
    return trained


Loss = Callable[[StrokeBatch, int], Tensor]


def _adn_loss(trained: TrainedMethod, settings: AsymmetrySettings) -> Loss:
    tissue_weight = 0.0 if trained.method == "adn_without_tissue" else settings.tissue_weight
    of_maps = AsymmetryLoss(settings.preset, settings.regularisation, tissue_weight, settings.symmetric_tissue)

    def loss(batch: StrokeBatch, epoch: int) -> Tensor:
        pose = _pose_of(trained.alignment, batch.image)
        maps = cast(AsymmetryDisentanglementNetwork, trained.network).disentangle_posed(batch.image, pose)
        return of_maps(maps, batch.lesion, batch.tissue_maps(pose), warm=epoch < settings.warm_epochs)

    return loss


def _baseline_loss(trained: TrainedMethod) -> Loss:
    def loss(batch: StrokeBatch, epoch: int) -> Tensor:
        pose = _pose_of(trained.alignment, batch.image)
        lesion = batch.lesion if trained.alignment is None else aligned_mask(batch.lesion, pose)
        return segmentation_loss(trained.network(_baseline_input(trained.method, batch.image, pose)), lesion)

    return loss


def _baseline_input(method: Method, image: Tensor, pose: InPlanePose) -> Tensor:
    if method in ("residual", "unet"):
        return image
    aligned = pose.align(image)
    return torch.cat((aligned, mirrored(aligned)), dim=1) if method == "clerigues" else aligned


def _network(method: Method, aligner: AsymmetryDisentanglementNetwork, settings: AsymmetrySettings) -> nn.Module:
    if method.startswith("adn"):
        network = AsymmetryDisentanglementNetwork(settings.preset, settings.base_channels)
        network.alignment.load_state_dict(aligner.alignment.state_dict())
        network.alignment.requires_grad_(False)
        return network
    if method == "unet":
        return DoubleConvUNet3D(base_channels=settings.base_channels)
    return ResidualUNet3D(in_channels=2 if method == "clerigues" else 1, base_channels=settings.base_channels)


def _alignment(method: Method, aligner: AsymmetryDisentanglementNetwork) -> AlignmentNetwork | None:
    return None if method in ("residual", "unet") else aligner.alignment


@torch.no_grad()
def _pose_of(alignment: AlignmentNetwork | None, image: Tensor) -> InPlanePose:
    """What T finds; where there is no T, no motion."""
    if alignment is not None:
        with torch.autocast(image.device.type, enabled=False):
            return alignment.pose(image)
    still = torch.zeros(len(image), 2, device=image.device)
    return InPlanePose.of(still[:, 0], still)


@dataclass(frozen=True)
class _Training:
    """AdamW with the poly schedule."""

    settings: AsymmetrySettings
    epochs: int
    batch: int
    lr: float

    def run(self, network: nn.Module, cases: list[StrokeCase], loss: Loss, progress: Progress, name: str) -> None:
        learnt = [each for each in network.parameters() if each.requires_grad]
        optimizer = torch.optim.AdamW(learnt, self.lr, _BETAS, weight_decay=_DECAY)
        order, copies = np.random.default_rng([self.settings.seed, 5]), self.settings.copies
        network.train()
        for epoch in range(self.epochs):
            for group in optimizer.param_groups:
                group["lr"] = self.lr * (1 - epoch / self.epochs) ** _POWER
            batches = self._batches(cases, order)
            varied = batches if copies is None else (copies.varied(batch, order) for batch in batches)
            losses = [self._step(optimizer, loss, batch, epoch) for batch in varied]
            progress((epoch + 1) / self.epochs, f"{name}, epoch {epoch + 1}: loss {np.mean(losses):.4f}")
        network.eval()

    def _batches(self, cases: list[StrokeCase], order: np.random.Generator) -> Iterator[StrokeBatch]:
        numbers = order.permutation(len(cases))
        for start in range(0, len(cases), self.batch):
            yield StrokeBatch.of([cases[number] for number in numbers[start : start + self.batch]])

    def _step(self, optimizer: torch.optim.Optimizer, loss: Loss, batch: StrokeBatch, epoch: int) -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(batch.image.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16"):
            value = loss(batch, epoch)
        value.backward()
        optimizer.step()
        return float(value.detach())

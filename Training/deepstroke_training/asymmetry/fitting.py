"""Train each method of the comparison, on poses that stay as they were found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from deepstroke.networks import (
    AlignmentNetwork,
    AsymmetryDisentanglementNetwork,
    DoubleConvUNet3D,
    InPlanePose,
    ResidualUNet3D,
    mirrored,
)
from deepstroke.progress import Progress, silent
from deepstroke_training.asymmetry.cases import StrokeBatch, StrokeCase
from deepstroke_training.asymmetry.losses import AsymmetryLoss, aligned_mask, segmentation_loss
from deepstroke_training.asymmetry.optimising import Loss, Optimising
from deepstroke_training.asymmetry.posing import pose_of, posed
from deepstroke_training.asymmetry.settings import AsymmetrySettings, Method


@dataclass(frozen=True, eq=False)
class TrainedMethod:
    """One method of the comparison.

    Attributes:
        method: which.
        network: what was trained; an ADN with T, or a U-Net.
        alignment: T, where the method needs aligned heads.
        refine_steps: by which T's poses are made better, as they were in training.
    """

    method: Method
    network: nn.Module
    alignment: AlignmentNetwork | None
    refine_steps: int = 0

    def probability(self, image: Tensor) -> Tensor:
        """Of the lesion, (B, 1, i, j, k), on the image's own grid."""
        if self.alignment is None:
            return self.network(image)
        pose = pose_of(self.alignment, image, self.refine_steps)
        if isinstance(self.network, AsymmetryDisentanglementNetwork):
            return self.network.disentangle_posed(image, pose).segmentation
        return pose.restore(self.network(_baseline_input(self.method, image, pose)))


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
        cases: to learn from; poses that they lack are found as they are in tests.
        settings: of the comparison.
        progress: told each epoch's loss.
    """
    torch.manual_seed(settings.seed)
    network = _network(method, aligner, settings)
    trained = TrainedMethod(method, network, _alignment(method, aligner), settings.refine_steps)
    if trained.alignment is not None:
        cases = posed(cases, trained.alignment, settings.refine_steps)
    loss = _adn_loss(trained, settings) if method.startswith("adn") else _baseline_loss(trained)
    learning = Optimising(
        epochs=settings.epochs,
        batch=settings.batch,
        lr=settings.learning_rate,
        copies=settings.copies,
        seed=settings.seed,
        bf16=settings.precision == "bf16",
    )
    learning.run(trained.network, cases, loss, progress, method)
    return trained


def _adn_loss(trained: TrainedMethod, settings: AsymmetrySettings) -> Loss:
    tissue_weight = 0.0 if trained.method == "adn_without_tissue" else settings.tissue_weight
    of_maps = AsymmetryLoss(
        settings.preset, settings.regularisation, tissue_weight, settings.symmetric_tissue, settings.warm_dice
    )

    def loss(batch: StrokeBatch, epoch: int) -> Tensor:
        maps = cast(AsymmetryDisentanglementNetwork, trained.network).disentangle_posed(batch.image, batch.pose)
        return of_maps(maps, batch.lesion, batch.tissue_maps(), warm=epoch < settings.warm_epochs)

    return loss


def _baseline_loss(trained: TrainedMethod) -> Loss:
    def loss(batch: StrokeBatch, epoch: int) -> Tensor:
        lesion = batch.lesion if trained.alignment is None else aligned_mask(batch.lesion, batch.pose)
        return segmentation_loss(trained.network(_baseline_input(trained.method, batch.image, batch.pose)), lesion)

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

"""Train T without annotations: on its own loss, as published, or on the poses that a descent on that loss finds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepstroke.errors import DeepStrokeError
from deepstroke.networks import AlignmentNetwork, AsymmetryDisentanglementNetwork
from deepstroke.progress import Progress, silent
from deepstroke_training.asymmetry.cases import StrokeBatch, StrokeCase
from deepstroke_training.asymmetry.losses import alignment_loss, pose_loss
from deepstroke_training.asymmetry.optimising import Optimising
from deepstroke_training.asymmetry.posing import posed
from deepstroke_training.asymmetry.settings import AsymmetrySettings

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
    learning = Optimising(
        epochs=settings.alignment_epochs,
        batch=settings.alignment_batch,
        lr=settings.lr_alignment,
        copies=settings.copies,
        seed=settings.seed,
        warm_up=settings.alignment_warm_up,
        clip=settings.alignment_clip,
    )
    if settings.descent_steps:  # T doesn't move yet: descents start from no motion
        cases = posed(cases, network.alignment, settings.descent_steps)
    learning.run(network.alignment, cases, _Alignment(network.alignment, settings), progress, "T")
    network.alignment.requires_grad_(False)
    _require_unsaturated(network.alignment, cases[: settings.alignment_batch], settings)
    return network


class _Alignment:
    """T's loss: its own, or how far it is from the poses that the cases bring along."""

    def __init__(self, alignment: AlignmentNetwork, settings: AsymmetrySettings) -> None:
        self.alignment, self.settings = alignment, settings

    def __call__(self, batch: StrokeBatch, epoch: int) -> Tensor:
        found = self.alignment.pose(batch.image)
        if self.settings.descent_steps:
            return pose_loss(found, batch.pose, batch.image.shape[2])
        return alignment_loss(batch.image, found, self.settings.reconstruct)


def _require_unsaturated(alignment: AlignmentNetwork, cases: list[StrokeCase], settings: AsymmetrySettings) -> None:
    with torch.no_grad():
        numbers = alignment(StrokeBatch.of(cases).image)[:, _TURN_AND_SHIFT].abs().mean(dim=0)
    if float(numbers.max()) > _SATURATED:
        raise DeepStrokeError(
            f"T turns or moves every head to its limit ({numbers[0]:.2f} and {numbers[1]:.2f} of 1): it learnt "
            f"too fast and can't come back; lr_alignment is {settings.lr_alignment:g}, try a tenth of it",
            code="alignment-diverged",
        )

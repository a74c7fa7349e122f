"""Varied cases in training, as the authors' published configuration has them: gamma, flip, rotation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from deepstroke.errors import ConfigError
from deepstroke.networks import InPlanePose, mirrored

if TYPE_CHECKING:
    from deepstroke_training.asymmetry.cases import StrokeBatch

_TISSUES = 3


@dataclass(frozen=True)
class PoseAugmentation:
    """How a batch is varied; the defaults are the reference's.

    Attributes:
        turn_deg: largest rotation within the slice, either way.
        shift: largest shift along i and j, a share of the volume's size.
        flip: probability of a mirror image.
        gamma: largest natural logarithm of the exponent of grey values, either way.

    Raises:
        ConfigError: a value is out of range; one fault a line.
    """

    turn_deg: float = 10.0
    shift: float = 0.0
    flip: float = 0.5
    gamma: float = 0.2

    def __post_init__(self) -> None:
        most = {"turn_deg": 90.0, "shift": 0.5, "flip": 1.0, "gamma": 1.0}
        faults = [
            f"{name}: 0 to {limit:g} is expected, found {getattr(self, name)}"
            for name, limit in most.items()
            if not 0 <= getattr(self, name) <= limit
        ]
        if faults:
            raise ConfigError("\n".join(faults), code="asymmetry-settings")

    def varied(self, batch: StrokeBatch, random: np.random.Generator) -> StrokeBatch:
        """The batch with another pose, side and brightness for each case; lesions, tissues and known poses go along."""
        from deepstroke_training.asymmetry.cases import StrokeBatch

        pose, flips = self._pose(batch.image, random), random.random(len(batch.image)) < self.flip
        exponents = torch.from_numpy(np.exp(random.uniform(-self.gamma, self.gamma, len(batch.image)))).float()
        image = pose.align(batch.image).clamp(0, 1) ** exponents.view(-1, 1, 1, 1, 1)
        lesion = (pose.align(batch.lesion) >= 0.5).float()
        tissue = _turned_tissue(batch.tissue, pose)
        aligning = batch.pose.after(pose).mirrored(torch.from_numpy(flips))
        image, lesion, tissue = (_flipped(each, flips) for each in (image, lesion, tissue))
        return StrokeBatch(image, lesion, tissue, aligning)

    def _pose(self, image: Tensor, random: np.random.Generator) -> InPlanePose:
        turns = random.uniform(-1, 1, len(image)) * math.radians(self.turn_deg)
        shifts = random.uniform(-self.shift, self.shift, (len(image), 2)) * np.array(image.shape[2:4])
        return InPlanePose.of(torch.from_numpy(turns), torch.from_numpy(shifts))


def _turned_tissue(tissue: Tensor, pose: InPlanePose) -> Tensor:
    """Each tissue where it has at least half of a voxel."""
    found = torch.zeros_like(tissue)
    for number in range(1, _TISSUES + 1):
        found[pose.align((tissue == number).float()) >= 0.5] = number
    return found


def _flipped(volume: Tensor, flips: np.ndarray) -> Tensor:
    return torch.where(torch.from_numpy(flips).view(-1, 1, 1, 1, 1), mirrored(volume), volume)

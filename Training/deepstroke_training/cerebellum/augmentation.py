"""Turned and shifted copies of an image with its mask, as the paper makes them once before training."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import ConfigError

Pair = tuple[NDArray[np.float32], NDArray[np.uint8]]


@dataclass(frozen=True)
class Augmentation:
    """How copies are made.

    Attributes:
        copies: of each image.
        angle_deg: largest rotation either way, about one axis drawn for each copy.
        shift_voxels: largest shift either way, along each axis.

    Raises:
        ConfigError: a number is below 0; one fault a line.
    """

    copies: int = 10
    angle_deg: float = 45.0
    shift_voxels: float = 20.0

    def __post_init__(self) -> None:
        faults = [f"{name}: 0 or more is expected, found {value}" for name, value in vars(self).items() if value < 0]
        if faults:
            raise ConfigError("\n".join(faults), code="cerebellum-augmentation")


@dataclass(frozen=True)
class RandomPose:
    """One rotation about an axis of the array through its centre, and a shift.

    Attributes:
        axis: 0, 1 or 2.
        angle_deg: right-handed about it.
        shift_voxels: along each axis, after the rotation.
    """

    axis: int
    angle_deg: float
    shift_voxels: tuple[float, float, float]

    @staticmethod
    def drawn(settings: Augmentation, rng: np.random.Generator) -> RandomPose:
        """A pose within the limits."""
        i, j, k = rng.uniform(-settings.shift_voxels, settings.shift_voxels, 3).tolist()
        return RandomPose(int(rng.integers(3)), float(rng.uniform(-1, 1) * settings.angle_deg), (i, j, k))

    def of_image(self, image: NDArray) -> NDArray[np.float32]:
        """The image (i, j, k), interpolated linearly; 0 beyond it."""
        return self._applied(image.astype(np.float32, copy=False), 1)

    def of_mask(self, mask: NDArray) -> NDArray[np.uint8]:
        """The mask (i, j, k) of 0 and 1, nearest voxels; 0 beyond it."""
        return self._applied(mask.astype(np.uint8, copy=False), 0)

    def _applied(self, array: NDArray, order: int) -> NDArray:
        centre = (np.array(array.shape) - 1) / 2
        back = self._matrix().T  # from where a voxel is to where it comes from
        offset = centre - back @ (centre + np.array(self.shift_voxels))
        return ndimage.affine_transform(array, back, offset, order=order, mode="constant", cval=0)

    def _matrix(self) -> NDArray[np.float64]:
        first, second = ((1, 2), (2, 0), (0, 1))[self.axis]
        cosine, sine = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        matrix = np.eye(3)
        matrix[first, first] = matrix[second, second] = cosine
        matrix[first, second], matrix[second, first] = -sine, sine
        return matrix


def augmented(image: NDArray, mask: NDArray, settings: Augmentation, rng: np.random.Generator) -> Iterator[Pair]:
    """The copies of one image (i, j, k) with its mask, the original not among them."""
    for _ in range(settings.copies):
        pose = RandomPose.drawn(settings, rng)
        yield pose.of_image(image), pose.of_mask(mask)

"""Softer and harder kernels and thicker slices: what acts along one axis after the other is one matrix an axis.

A blur, a sharpening and a stack of thick slices that is interpolated back are each linear along an axis; their product
is one n x n matrix for each sample and axis, and three batched matrix products apply all of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.head_batch import HeadBatch
from deepstroke_training.data.augmentation.settings import AugmentationSettings

Matrix = NDArray[np.float64]
AxisMatrices = tuple[Matrix, Matrix, Matrix]

#: Standard deviation in voxels of the blur that sharpening takes away.
_UNSHARP_VOXELS = 1.0
#: Smaller weights are none: numbers too small for float32's normal range make products ten times slower.
_LEAST_WEIGHT = 1e-7


def change_resolution(
    batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings, spacing_mm: float
) -> HeadBatch:
    """Blur, sharpen and thicken the slices of those samples on which it falls."""
    drawn = [_drawn(one, settings, spacing_mm, batch.shape) for one in draws]
    image = apply_to_some(batch.image[:, 0], drawn)
    return replace(batch, image=image[:, None])


def apply_to_some(images: torch.Tensor, matrices: Sequence[AxisMatrices | None]) -> torch.Tensor:
    """Images (B, i, j, k) with the matrices of some of them applied along each axis."""
    which = [index for index, one in enumerate(matrices) if one is not None]
    if not which:
        return images
    chosen = [one for one in matrices if one is not None]
    stacks = [
        torch.as_tensor(np.stack([one[axis] for one in chosen]), dtype=torch.float32, device=images.device)
        for axis in range(3)
    ]
    changed = images.clone()
    changed[which] = along_axes(images[which], stacks)
    return changed


def along_axes(images: torch.Tensor, matrices: Sequence[torch.Tensor]) -> torch.Tensor:
    """Images (B, i, j, k) multiplied along each axis by matrices (B, n, n) that take old values to new ones."""
    b, ni, nj, nk = images.shape
    first, second, third = matrices
    images = torch.bmm(images.reshape(b, ni * nj, nk), third.mT).reshape(b, ni, nj, nk)
    images = torch.bmm(first, images.reshape(b, ni, nj * nk)).reshape(b, ni, nj, nk)
    turned = images.transpose(2, 3).reshape(b, ni * nk, nj)
    return torch.bmm(turned, second.mT).reshape(b, ni, nk, nj).transpose(2, 3)


def _drawn(
    draws: Draws, settings: AugmentationSettings, spacing_mm: float, shape: tuple[int, int, int]
) -> AxisMatrices | None:
    i, j, k = (np.eye(n) for n in shape)
    changed = False
    if draws.happens("blur", settings.blur_probability):
        sigma = draws.up_to("blur size", settings.blur_mm) / spacing_mm
        i, j, k, changed = gaussian(len(i), sigma), gaussian(len(j), sigma), gaussian(len(k), sigma), True
    if draws.happens("sharpen", settings.sharpen_probability):
        amount = draws.up_to("sharpen size", settings.sharpen)
        i, j, changed = sharpening(len(i), amount) @ i, sharpening(len(j), amount) @ j, True
    if draws.happens("thick slices", settings.thick_slice_probability):
        thickness = max(draws.up_to("slice thickness", settings.thick_slice_mm) / spacing_mm, 1.0)
        k, changed = thick_slices(len(k), thickness, draws.up_to("slice phase", 1.0)) @ k, True
    return (i, j, k) if changed else None


def gaussian(n: int, sigma: float) -> Matrix:
    """Gaussian smoothing of n values, sigma in voxels; beyond the ends counts nothing."""
    if sigma < 1e-3:
        return np.eye(n)
    away = np.subtract.outer(np.arange(n), np.arange(n))
    weights = np.exp(-0.5 * (away / sigma) ** 2)
    weights[weights < _LEAST_WEIGHT] = 0.0
    return weights / weights.sum(axis=1, keepdims=True)


def sharpening(n: int, amount: float) -> Matrix:
    """Add ``amount`` times the difference from a blurred line of n values."""
    return np.eye(n) + amount * (np.eye(n) - gaussian(n, _UNSHARP_VOXELS))


def thick_slices(n: int, thickness: float, phase: float) -> Matrix:
    """Average n values into contiguous slices and interpolate linearly between their middles.

    Args:
        n: number of values.
        thickness: of a slice in voxels, at least 1.
        phase: 0..1, by which part of a slice the first one is moved downwards.
    """
    bottoms = np.arange(-phase * thickness, n - 0.5, thickness) - 0.5
    voxels = np.arange(n)
    overlap = np.minimum.outer(bottoms + thickness, voxels + 0.5) - np.maximum.outer(bottoms, voxels - 0.5)
    average = np.clip(overlap, 0.0, None)
    seen = average.sum(axis=1) > 1e-6
    average = average[seen] / average[seen].sum(axis=1, keepdims=True)
    middles = (bottoms + thickness / 2.0)[seen]
    between = np.stack([np.interp(voxels, middles, row) for row in np.eye(len(middles))], axis=1)
    return np.asarray(between @ average)

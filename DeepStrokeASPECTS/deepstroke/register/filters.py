"""Separable filters for images and fields, as sums of shifted views: on a CPU these beat convolutions.

Every filter works on the last three axes (i, j, k) of a tensor; whatever stands before them is kept.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

_SPATIAL = (-3, -2, -1)


def box_mean(padded: Tensor, radius: int) -> Tensor:
    """Mean over the cubes of ``2 * radius + 1`` voxels within the image, which loses ``radius`` voxels on each side."""
    for axis in _SPATIAL:
        padded = _box_sum(padded, axis, 2 * radius + 1)
    return padded.mul_((2 * radius + 1.0) ** -3)


def gaussian(image: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing by ``sigma`` voxels, zeros beyond the border: that ties fields down at their grid's ends."""
    weights = _gaussian_weights(sigma)
    for axis in _SPATIAL:
        image = _symmetric_filter(image, axis, weights)
    return image


def halved(image: Tensor, times: int = 1) -> Tensor:
    """Means over cubes of ``2 ** times`` voxels, whose sides must divide the image's."""
    for _ in range(times):
        image = image[..., 0::2, :, :] + image[..., 1::2, :, :]
        image = image[..., 0::2, :] + image[..., 1::2, :]
        image = (image[..., 0::2] + image[..., 1::2]).mul_(0.125)
    return image


def doubled(image: Tensor) -> Tensor:
    """Linear interpolation at the centres of half-sized voxels, with the border's values repeated beyond it."""
    for axis in range(image.ndim - 3, image.ndim):
        shape, length = list(image.shape), image.shape[axis]
        wider = _repeated_border(image, axis, 1)
        near = image * 0.75
        out = image.new_empty([*shape[: axis + 1], 2, *shape[axis + 1 :]])
        for half, start in enumerate((0, 2)):
            torch.add(near, wider.narrow(axis, start, length), alpha=0.25, out=out.select(axis + 1, half))
        shape[axis] = 2 * length
        image = out.view(shape)
    return image


def _box_sum(image: Tensor, axis: int, wanted: int) -> Tensor:
    """Sums of ``wanted`` neighbours along one axis, built from sums of 1, 2, 4, ... neighbours."""
    length = image.shape[axis] - wanted + 1
    total: Tensor | None = None
    partial, width, done = image, 1, 0
    while True:
        if wanted & width:
            part = partial.narrow(axis, done, length)
            total = part if total is None else total + part
            done += width
        if total is not None and done == wanted:
            return total
        shorter = partial.shape[axis] - width
        partial = partial.narrow(axis, 0, shorter) + partial.narrow(axis, width, shorter)
        width *= 2


@lru_cache(maxsize=32)
def _gaussian_weights(sigma: float) -> tuple[float, ...]:
    """Weights of the centre and of the neighbours at 1, 2, ... voxels."""
    if sigma < 0.8:
        # A sampled Gaussian this narrow smooths less than its sigma says; three taps can have the right variance.
        return 1 - sigma**2, sigma**2 / 2
    weights = [math.exp(-0.5 * (distance / sigma) ** 2) for distance in range(math.ceil(3.5 * sigma) + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    return tuple(weight / total for weight in weights)


def _symmetric_filter(image: Tensor, axis: int, weights: tuple[float, ...]) -> Tensor:
    out, length = image * weights[0], image.shape[axis]
    for distance, weight in enumerate(weights[1:length], start=1):
        overlap = length - distance
        out.narrow(axis, distance, overlap).add_(image.narrow(axis, 0, overlap), alpha=weight)
        out.narrow(axis, 0, overlap).add_(image.narrow(axis, distance, overlap), alpha=weight)
    return out


def _repeated_border(image: Tensor, axis: int, width: int) -> Tensor:
    """The image with its border values repeated ``width`` times at both ends of one axis."""
    shape = list(image.shape)
    shape[axis] = width
    first, last = image.narrow(axis, 0, 1), image.narrow(axis, image.shape[axis] - 1, 1)
    return torch.cat([first.expand(shape), image, last.expand(shape)], dim=axis)

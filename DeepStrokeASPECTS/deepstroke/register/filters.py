"""Separable smoothing of channel-first images, written as sums of shifted views: on a CPU these beat convolutions.

Every filter takes a tensor of shape (channels, i, j, k) and treats what lies outside of it as zero.
"""

from __future__ import annotations

import math

from torch import Tensor

_SPATIAL = (1, 2, 3)


def box_mean(image: Tensor, radius: int) -> Tensor:
    """Mean over cubes of ``2 * radius + 1`` voxels, zeros outside, of a (C, I, J, K) tensor."""
    for axis in _SPATIAL:
        image = _box_sum(image, axis, radius)
    return image.mul_((2 * radius + 1.0) ** -3)


def gaussian(image: Tensor, sigma: float) -> Tensor:
    """Gaussian smoothing by ``sigma`` voxels, cut at 3.5 sigma and normalised, of a (C, I, J, K) tensor."""
    weights = _gaussian_weights(sigma)
    for axis in _SPATIAL:
        image = _symmetric_filter(image, axis, weights)
    return image


def halved(image: Tensor, times: int = 1) -> Tensor:
    """Block means over cubes of ``2 ** times`` voxels of a (C, I, J, K) tensor whose sides they divide."""
    for _ in range(times):
        image = image[:, 0::2] + image[:, 1::2]
        image = image[:, :, 0::2] + image[:, :, 1::2]
        image = (image[..., 0::2] + image[..., 1::2]).mul_(0.125)
    return image


def _padded(image: Tensor, axis: int, width: int) -> Tensor:
    shape = list(image.shape)
    shape[axis] += 2 * width
    out = image.new_zeros(shape)
    out.narrow(axis, width, image.shape[axis]).copy_(image)
    return out


def _box_sum(image: Tensor, axis: int, radius: int) -> Tensor:
    """Sums of ``2 * radius + 1`` neighbours along one axis, built from sums of 1, 2, 4, ... neighbours."""
    length, wanted = image.shape[axis], 2 * radius + 1
    partial = _padded(image, axis, radius)
    total: Tensor | None = None
    done, width = 0, 1
    while True:
        if wanted & width:
            part = partial.narrow(axis, done, length)
            total = part.clone() if total is None else total.add_(part)
            done += width
        if done == wanted:
            return total if total is not None else image
        shorter = partial.shape[axis] - width
        partial = partial.narrow(axis, 0, shorter) + partial.narrow(axis, width, shorter)
        width *= 2


def _gaussian_weights(sigma: float) -> list[float]:
    """Weights of the centre and of the neighbours at 1, 2, ... voxels."""
    radius = max(1, math.ceil(3.5 * sigma))
    weights = [math.exp(-0.5 * (d / sigma) ** 2) for d in range(radius + 1)]
    total = weights[0] + 2 * sum(weights[1:])
    return [w / total for w in weights]


def _symmetric_filter(image: Tensor, axis: int, weights: list[float]) -> Tensor:
    radius, length = len(weights) - 1, image.shape[axis]
    padded = _padded(image, axis, radius)
    out = image * weights[0]
    for distance in range(1, radius + 1):
        for start in (radius - distance, radius + distance):
            out.add_(padded.narrow(axis, start, length), alpha=weights[distance])
    return out

"""Displacement fields on a grid of voxels: sampling, composing, inverting and folding, with PyTorch.

A field is a tensor of shape (3, I, J, K) holding displacements in voxels; its channels stand in the order k, j, i,
the order in which ``torch.nn.functional.grid_sample`` takes coordinates. A field u maps a voxel x to x + u(x).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

Shape = tuple[int, int, int]


@lru_cache(maxsize=16)
def _identity(shape: Shape, device: torch.device) -> Tensor:
    """Voxel centres in the -1..1 of ``grid_sample`` (``align_corners=False``), channels k, j, i."""
    ticks = [(2 * torch.arange(n, device=device, dtype=torch.float32) + 1) / n - 1 for n in shape]
    i, j, k = torch.meshgrid(*ticks, indexing="ij")
    return torch.stack([k, j, i])


@lru_cache(maxsize=16)
def _voxel(shape: Shape, device: torch.device) -> Tensor:
    """Length of a voxel in the -1..1 of ``grid_sample``, channels k, j, i, shape (3, 1, 1, 1)."""
    return torch.tensor([2.0 / n for n in reversed(shape)], device=device).view(3, 1, 1, 1)


def shape_of(field: Tensor) -> Shape:
    """The grid (I, J, K) of a (C, I, J, K) tensor."""
    _, i, j, k = field.shape
    return i, j, k


def warp(image: Tensor, field: Tensor, outside: Literal["zeros", "border"] = "zeros") -> Tensor:
    """The (C, I, J, K) image at x + u(x), linearly interpolated."""
    shape = shape_of(field)
    places = torch.addcmul(_identity(shape, field.device), field, _voxel(shape, field.device))
    sampled = grid_sample(image[None], places.permute(1, 2, 3, 0)[None], padding_mode=outside, align_corners=False)
    return sampled[0]


def composed(first: Tensor, then: Tensor) -> Tensor:
    """The field of x -> (x + first(x)) + then(x + first(x))."""
    return first + warp(then, first, "border")


def inverted(field: Tensor, tolerance: float = 1e-3, most: int = 60) -> Tensor:
    """The inverse field by fixed-point iteration, until no voxel moves by more than ``tolerance`` voxels.

    For v the inverse of u: v(x) = -u(x + v(x)); see Chen et al., Medical Physics 35 (2008) 81.
    """
    inverse = -field
    for _ in range(most):
        better = -warp(field, inverse, "border")
        change = float((better - inverse).abs().max())
        inverse = better
        if change <= tolerance:
            break
    return inverse


def resized(field: Tensor, shape: Shape) -> Tensor:
    """The field on another grid over the same space, its displacements in the new voxels."""
    scale = torch.tensor([n / o for n, o in zip(reversed(shape), reversed(shape_of(field)), strict=True)])
    finer = interpolate(field[None], size=shape, mode="trilinear", align_corners=False)[0]
    return finer * scale.to(field.device).view(3, 1, 1, 1)


def central_gradient(image: Tensor) -> Tensor:
    """Central differences per voxel of a (1, I, J, K) image, channels k, j, i; zero at the border."""
    gradient = image.new_zeros((3, *image.shape[1:]))
    plane = image[0]
    for channel, axis in enumerate((2, 1, 0)):
        n = plane.shape[axis] - 2
        inner = gradient[channel].narrow(axis, 1, n)
        torch.sub(plane.narrow(axis, 2, n), plane.narrow(axis, 0, n), out=inner)
    return gradient.mul_(0.5)

"""Displacement fields in voxels: warping, composing and inverting them, with PyTorch.

Fields are tensors of shape (N, 3, I, J, K) for N maps at once; their channels stand in the order k, j, i, the order
in which ``torch.nn.functional.grid_sample`` takes coordinates. A field u maps a voxel x to x + u(x).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from deepstroke.register.filters import doubled, halved

Shape = tuple[int, int, int]


@lru_cache(maxsize=8)
def _identity(shape: Shape, device: torch.device) -> Tensor:
    """Voxel centres in the -1..1 of ``grid_sample`` (``align_corners=False``), channels k, j, i."""
    ticks = [(2 * torch.arange(n, device=device, dtype=torch.float32) + 1) / n - 1 for n in shape]
    i, j, k = torch.meshgrid(*ticks, indexing="ij")
    return torch.stack([k, j, i])


def shape_of(image: Tensor) -> Shape:
    """The grid (I, J, K) of an image or a field."""
    i, j, k = image.shape[-3:]
    return i, j, k


def warped(images: Tensor, fields: Tensor, outside: Literal["zeros", "border"] = "zeros") -> Tensor:
    """The images (N, C, I, J, K) at x + u(x), linearly interpolated."""
    shape = shape_of(fields)
    voxel = torch.tensor([2.0 / n for n in reversed(shape)], device=fields.device).view(3, 1, 1, 1)
    places = torch.addcmul(_identity(shape, fields.device), fields, voxel).permute(0, 2, 3, 4, 1)
    return grid_sample(images, places, padding_mode=outside, align_corners=False)


def composed(first: Tensor, then: Tensor) -> Tensor:
    """The fields of x -> (x + first(x)) + then(x + first(x))."""
    return first + warped(then, first, "border")


def refined(fields: Tensor) -> Tensor:
    """The fields on a grid of half-sized voxels, in those voxels."""
    return doubled(fields).mul_(2)


def inverted(field: Tensor, tolerance: float = 2e-3, most: int = 60) -> Tensor:
    """The inverse of one field (1, 3, I, J, K) by fixed-point iteration, to ``tolerance`` voxels.

    For v the inverse of u: v(x) = -u(x + v(x)); see Chen et al., Medical Physics 35 (2008) 81. Where u stretches so
    much that this would diverge, steps are shortened; voxels that are done are left alone. A field on a grid of even
    sides is first inverted on one of doubled voxels, which gives a near start at little cost.
    """
    even = all(n % 2 == 0 for n in shape_of(field))
    inverse = (refined(inverted(halved(field) / 2, tolerance, most)) if even else -field).view(3, -1)
    places = _identity(shape_of(field), field.device).view(3, -1)
    active = torch.arange(inverse.shape[1], device=field.device)
    found = inverse
    missed = found + _at(field, places, found)
    share = torch.ones_like(missed[:1])
    for _ in range(most):
        wrong = _squared_length(missed)[0] > tolerance**2
        if not bool(wrong.any()):
            break
        active, places, found, missed, share = (values[..., wrong] for values in (active, places, found, missed, share))
        trial = torch.addcmul(found, share, missed, value=-1)
        left = trial + _at(field, places, trial)
        better = _squared_length(left) < _squared_length(missed)
        found, missed = torch.where(better, trial, found), torch.where(better, left, missed)
        share = torch.where(better, share, share / 2)
        inverse[:, active] = found
    return inverse.view(field.shape)


def _at(field: Tensor, places: Tensor, moved: Tensor) -> Tensor:
    """One field (1, 3, I, J, K) at places (3, N) in the -1..1 of ``grid_sample`` moved by (3, N) voxels."""
    voxel = torch.tensor([2.0 / n for n in reversed(shape_of(field))], device=field.device).view(3, 1)
    points = torch.addcmul(places, moved, voxel).T.view(1, 1, 1, -1, 3)
    return grid_sample(field, points, padding_mode="border", align_corners=False).view(3, -1)


def longest(fields: Tensor) -> Tensor:
    """Length of the longest displacement of each field, shape (N, 1, 1, 1, 1)."""
    squared = torch.stack([_squared_length(field) for field in fields])
    return torch.amax(squared, dim=(2, 3, 4), keepdim=True).sqrt()


def _squared_length(vectors: Tensor) -> Tensor:
    """Of vectors (3, ...), as (1, ...); much faster than a norm over the first axis."""
    k, j, i = vectors.split(1)
    return (k * k).addcmul_(j, j).addcmul_(i, i)


def central_gradient(images: Tensor) -> Tensor:
    """Central differences per voxel of (N, I, J, K) images as (N, 3, I, J, K), channels k, j, i; 0 at the border."""
    gradient = images.new_zeros((len(images), 3, *images.shape[1:]))
    for channel, axis in enumerate((3, 2, 1)):
        inner = images.shape[axis] - 2
        out = gradient[:, channel].narrow(axis, 1, inner)
        torch.sub(images.narrow(axis, 2, inner), images.narrow(axis, 0, inner), out=out)
    return gradient.mul_(0.5)

"""Large grids window by window, for networks that were trained on windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Shape = tuple[int, int, int]
#: Standard deviation of the weights within a window, as a share of its size.
_SIGMA = 0.125


def over_windows(apply: Callable[[Tensor], Tensor], image: Tensor, window: Shape, overlap: float) -> Tensor:
    """A network's output on a grid of any size; outputs of windows that overlap are joined by weights.

    Weights fall off towards a window's border as a Gaussian (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z).

    Args:
        apply: (B, 1, i, j, k) of the window's shape to (B, K, i, j, k).
        image: (B, 1, i, j, k).
        window: voxels; a grid that is smaller along an axis is widened by its border values.
        overlap: of neighbouring windows, as a fraction below 1.

    Returns:
        (B, K, i, j, k), where ``apply`` leaves its outputs.
    """
    shape: Shape = (image.shape[2], image.shape[3], image.shape[4])
    image = widened(image, tuple(max(a, b) for a, b in zip(shape, window, strict=True)))
    total: Tensor | None = None
    for place in _places(tuple(image.shape[2:]), window, overlap):
        everywhere = (slice(None), slice(None), *place)
        output = apply(image[everywhere])
        if total is None:
            weights = _weights(window, output)
            total = output.new_zeros((*output.shape[:2], *image.shape[2:]))
            sums = output.new_zeros(image.shape[2:])
        total[everywhere] += output * weights
        sums[place] += weights
    assert total is not None
    return (total / sums)[..., : shape[0], : shape[1], : shape[2]]


def widened(image: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(B, C, i, j, k) brought to a shape that is no smaller, by repeating the values at its far borders."""
    from torch.nn.functional import pad

    missing = [wanted - size for wanted, size in zip(shape, image.shape[2:], strict=True)]
    if not any(missing):
        return image
    return pad(image, [n for size in reversed(missing) for n in (0, size)], mode="replicate")


def _places(shape: tuple[int, ...], window: Shape, overlap: float) -> Iterator[tuple[slice, ...]]:
    """Evenly spread windows that cover the grid and overlap at least as much as asked."""
    starts = []
    for size, length in zip(shape, window, strict=True):
        step = max(int(length * (1.0 - overlap)), 1)
        count = -(-(size - length) // step) + 1
        starts.append([round(n * (size - length) / max(count - 1, 1)) for n in range(count)])
    for corner in product(*starts):
        yield tuple(slice(start, start + length) for start, length in zip(corner, window, strict=True))


def _weights(window: Shape, like: torch.Tensor) -> Tensor:
    """Weights (i, j, k) of a window's voxels."""
    import torch

    weights = like.new_ones(window)
    for axis, length in enumerate(window):
        at = (torch.arange(length, device=like.device) - (length - 1) / 2.0) / (_SIGMA * length)
        weights = weights * torch.exp(-0.5 * at**2).view([-1 if a == axis else 1 for a in range(3)])
    return weights.clamp_min(float(weights.max()) * 1e-4)

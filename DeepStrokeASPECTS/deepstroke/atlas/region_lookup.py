"""The region at places between an atlas's voxels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.volume import LabelMap

_CORNERS = np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
#: Of a cell whose corners differ.
_MIXED = 255


class RegionLookup:
    """The region with the largest share after linear interpolation of each region by itself.

    Nearly all cells between eight voxels hold a single label; which these are is told once, so that a place in one of
    them costs a single access.

    Args:
        labels: 0..20; nothing lies beyond its grid.
    """

    def __init__(self, labels: LabelMap) -> None:
        voxels = np.argwhere(labels.mask) if labels.mask.any() else np.zeros((1, 3), np.intp)
        first, last = voxels.min(axis=0), voxels.max(axis=0)
        part = labels.data[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
        #: labels with a border of background, and where in the grid their first voxel lies
        self._labels, self._first = np.pad(part, 1), first - 1
        self._cells = _cells(self._labels)

    def at(self, places: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Labels (N,) at fractional voxel places (N, 3); ties go to the higher number."""
        low = np.floor(places).astype(np.intp) - self._first
        near = np.flatnonzero(((low >= 0) & (low < self._cells.shape)).all(axis=1))
        low = low[near]
        found = self._cells[tuple(low.T)]
        mixed = np.flatnonzero(found == _MIXED)
        if len(mixed):
            fraction = (places[near[mixed]] - (low[mixed] + self._first)).astype(np.float32)
            found[mixed] = _arg_max(self._corners_of(low[mixed]), _weights(fraction))
        out = np.zeros(len(places), dtype=np.uint8)
        out[near] = found
        return out

    def _corners_of(self, low: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Labels (N, 8) at the corners of cells."""
        shape = self._labels.shape
        first, steps = np.ravel_multi_index(tuple(low.T), shape), np.ravel_multi_index(tuple(_CORNERS.T), shape)
        return self._labels.ravel()[first[:, None] + steps]


def _cells(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The label that all corners of each cell have, by the cell's lowest corner, or ``_MIXED``."""
    ends = np.array(labels.shape) - 1
    corners = [labels[tuple(slice(at, at + end) for at, end in zip(c, ends, strict=True))] for c in _CORNERS]
    least, most = corners[0].copy(), corners[0].copy()
    for corner in corners[1:]:
        np.minimum(least, corner, out=least)
        np.maximum(most, corner, out=most)
    least[least != most] = _MIXED
    return least


def _weights(fraction: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear weight of each of the eight corners, (N, 8)."""
    sides = np.stack([1 - fraction, fraction], axis=1)
    return np.stack([sides[:, i, 0] * sides[:, j, 1] * sides[:, k, 2] for i, j, k in _CORNERS], axis=1)


def _arg_max(corners: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Per point the label whose corners weigh most together."""
    shares = np.zeros_like(weights)
    for other in range(corners.shape[1]):
        shares += np.where(corners == corners[:, other : other + 1], weights[:, other : other + 1], 0.0)
    shares += 1e-6 * corners
    return corners[np.arange(len(corners)), shares.argmax(axis=1)]

"""Least distances between the supports of labels (Kujawa et al. 2024, eq. 2), exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from deepstroke.labels.supports import Support
from deepstroke.progress import Progress, silent

#: Edge of the cells in which border voxels are compared first, in mm.
_CELL_MM = 4.0
#: Above so many pairs of points a tree is faster than all distances.
_MOST_PAIRS = 500_000


def support_distances(
    supports: tuple[Support, ...], spacing_mm: tuple[float, float, float], progress: Progress = silent
) -> NDArray[np.float64]:
    """The least distance between any voxel of one support and any of another.

    Overlap is looked for first: the borders of a support inside another may be far apart.

    Args:
        supports: of n labels.
        spacing_mm: voxel size along i, j and k.
        progress: told how many labels are done.

    Returns:
        (n, n) in mm, symmetric, 0 on the diagonal and for supports that share a voxel, infinite to an empty support.
    """
    borders = [None if each.is_empty else _Border.of(each, spacing_mm) for each in supports]
    distances = np.full((len(supports),) * 2, np.inf)
    np.fill_diagonal(distances, 0.0)
    for a, border in enumerate(borders):
        progress(a / len(borders), f"distances of label {a + 1} of {len(borders)}")
        for b in range(a):
            other = borders[b]
            if border is not None and other is not None:
                apart = 0.0 if supports[a].overlaps(supports[b]) else border.distance_to(other)
                distances[a, b] = distances[b, a] = apart
    return distances


@dataclass(frozen=True, eq=False)
class _Border:
    """The border voxels of a support, in cells.

    Attributes:
        points: (n, 3) in mm, sorted by cell.
        cell: (n,) the cell of each.
        heads: (cells, 3) one of the points of each cell.
        reach: (cells,) largest distance in mm from a cell's head to its points.
    """

    points: NDArray[np.float64]
    cell: NDArray[np.intp]
    heads: NDArray[np.float64]
    reach: NDArray[np.float64]

    @staticmethod
    def of(support: Support, spacing_mm: tuple[float, float, float]) -> _Border:
        corner = np.array([each.start for each in support.box])
        points = (np.argwhere(inner_border(support.mask)) + corner) * np.asarray(spacing_mm)
        _, first, cell = np.unique(np.floor(points / _CELL_MM), axis=0, return_index=True, return_inverse=True)
        cell = cell.ravel()
        heads = points[first]
        reach = np.zeros(len(heads))
        np.maximum.at(reach, cell, np.linalg.norm(points - heads[cell], axis=1))
        return _Border(points, cell, heads, reach)

    def distance_to(self, other: _Border) -> float:
        """Least distance in mm; only cells that may hold the nearest points are looked into."""
        between = cdist(self.heads, other.heads)
        may_hold = between - self.reach[:, None] - other.reach[None, :] <= between.min() + 1e-9
        mine = self.points[may_hold.any(1)[self.cell]]
        others = other.points[may_hold.any(0)[other.cell]]
        if len(mine) * len(others) <= _MOST_PAIRS:
            return float(cdist(mine, others).min())
        return float(cKDTree(mine).query(others)[0].min())


def inner_border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of a mask with one of six neighbours outside of it; what lies beyond the array is outside."""
    inside = mask.copy()
    for axis in range(mask.ndim):
        before, after = [slice(None)] * mask.ndim, [slice(None)] * mask.ndim
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        inside[tuple(after)] &= mask[tuple(before)]
        inside[tuple(before)] &= mask[tuple(after)]
        for end in (0, -1):
            edge = [slice(None)] * mask.ndim
            edge[axis] = slice(end, None) if end else slice(0, 1)
            inside[tuple(edge)] = False
    return mask & ~inside

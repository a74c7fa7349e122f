"""Carry the regions of an atlas to a scan: to a grid, or to any points such as those of tilted source slices."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deepstroke.atlas.checks import require_sides
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.region_lookup import RegionLookup
from deepstroke.errors import InputError
from deepstroke.volume import LabelMap, Volume

#: Points labelled at once; bounds the memory.
_CHUNK = 1 << 19
#: In-plane step of the first search for the regions, and how far around them the grid is labelled, mm.
_SEARCH_STEP_MM, _SEARCH_MARGIN_MM = 6.0, 12.0


class PointMap(Protocol):
    """What carries points of a scan (RAS+ mm) to points of the atlas (RAS+ mm), both of shape (N, 3)."""

    def map_points(self, ras: NDArray) -> NDArray[np.float64]:
        """Scan points to atlas points."""


class RegionMap:
    """The regions of an atlas as a transform brings them to a scan.

    Every place takes the region with the largest share after linear interpolation of each region by itself, so borders
    are smooth although labels are whole numbers. A region's side is the atlas' own.

    Args:
        atlas: whose regions are carried.
        transform: scan points to atlas points.
    """

    def __init__(self, atlas: Atlas, transform: PointMap) -> None:
        self._labels, self._transform = atlas.labels, transform
        self._lookup = RegionLookup(atlas.labels)

    def on_grid(self, reference: Volume) -> LabelMap:
        """Labels 1..20 on a scan's grid; see ``propagate_labels``."""
        out = np.zeros(reference.shape, dtype=np.uint8)
        box = _box_of_regions(self._labels, self._transform, reference)
        if box is not None:
            out[box] = self._in_box(reference, box)
        labels = reference.with_labels(out)
        if not labels.mask.any():
            raise InputError(
                "no region of the atlas falls on the scan: the registration or the scan's position is wrong",
                code="no-regions",
            )
        require_sides(labels)
        return labels

    def at(self, ras_points: NDArray) -> NDArray[np.uint8]:
        """Labels (...) at points (..., 3) of the scan; see ``propagate_to_points``."""
        points = np.asarray(ras_points, dtype=np.float64)
        flat = points.reshape(-1, 3)
        found = np.zeros(len(flat), dtype=np.uint8)
        for start in range(0, len(flat), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            found[chunk] = self._lookup.at(self._labels.ijk_of(self._transform.map_points(flat[chunk])))
        return found.reshape(points.shape[:-1])

    def _in_box(self, reference: Volume, box: tuple[slice, ...]) -> NDArray[np.uint8]:
        """Labels of a box of the reference's grid, some rows at a time."""
        shape = tuple(part.stop - part.start for part in box)
        out = np.zeros(shape, dtype=np.uint8)
        rows = max(1, _CHUNK // (shape[1] * shape[2]))
        for start in range(0, shape[0], rows):
            stop = min(start + rows, shape[0])
            ticks = [np.arange(box[0].start + start, box[0].start + stop)]
            ticks += [np.arange(part.start, part.stop) for part in box[1:]]
            ijk = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1)
            out[start:stop] = self.at(reference.ras_of(ijk.reshape(-1, 3))).reshape(ijk.shape[:-1])
        return out


def propagate_labels(atlas: Atlas, transform: PointMap, reference: Volume) -> LabelMap:
    """The atlas regions on a scan's grid.

    Args:
        atlas: whose regions are carried.
        transform: scan points to atlas points.
        reference: the scan; only its grid is used.

    Returns:
        Labels 1..20 on the scan's grid.

    Raises:
        InputError: no region falls on the scan.
        GeometryError: the transform exchanges left and right.
    """
    return RegionMap(atlas, transform).on_grid(reference)


def propagate_to_points(atlas: Atlas, transform: PointMap, ras_points: NDArray) -> NDArray[np.uint8]:
    """The atlas region at any points of a scan, 0 where there is none.

    Args:
        atlas: whose regions are carried.
        transform: scan points to atlas points.
        ras_points: (..., 3) in RAS+ mm of the scan, such as the voxel centres of source slices.

    Returns:
        Labels of shape (...).
    """
    return RegionMap(atlas, transform).at(ras_points)


def _box_of_regions(labels: LabelMap, transform: PointMap, reference: Volume) -> tuple[slice, ...] | None:
    """The part of the reference's grid around the regions, found on every few voxels."""
    steps = [max(1, int(_SEARCH_STEP_MM / spacing)) for spacing in reference.spacing_mm]
    ticks = [_every(step, n) for step, n in zip(steps, reference.shape, strict=True)]
    ijk = np.stack(np.meshgrid(*ticks, indexing="ij"), axis=-1).reshape(-1, 3)
    mapped = transform.map_points(reference.ras_of(ijk))
    places = np.argwhere(labels.mask)
    margin = _SEARCH_MARGIN_MM / np.array(labels.spacing_mm)
    at = labels.ijk_of(mapped)
    inside = ((at >= places.min(axis=0) - margin) & (at <= places.max(axis=0) + margin)).all(axis=1)
    if not inside.any():
        return None
    first = np.maximum(ijk[inside].min(axis=0) - steps, 0)
    last = np.minimum(ijk[inside].max(axis=0) + steps + 1, reference.shape)
    return tuple(slice(int(start), int(stop)) for start, stop in zip(first, last, strict=True))


def _every(step: int, count: int) -> NDArray[np.int64]:
    """0, step, 2 step, ... and the last index."""
    return np.unique(np.append(np.arange(0, count, step), count - 1))

"""Straighten a stack of slices: onto an orthogonal grid whose planes lie in the planes of the slices.

A tilted gantry shifts each slice in its own plane, and scanners change the step between slices within one series. So
only two things are interpolated, both linearly: the shift within the plane, and the height along the normal with the
true position of every slice. Upright, evenly spaced stacks keep every value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.stack import SliceStack
from deepstroke.errors import GeometryError
from deepstroke.frames import reorient_to_ras
from deepstroke.volume import Volume

#: Slices within this distance of even spacing count as evenly spaced.
EVEN_TOLERANCE_MM = 0.01
#: Shifts smaller than this fraction of a pixel are rounding.
SHIFT_TOLERANCE_PIXELS = 0.01
#: A part of the series with at least this fraction of the steps keeps its slice distance.
THIN_PART_FRACTION = 0.2


def straighten(stack: SliceStack, hu: NDArray[np.float32], fill: float) -> Volume:
    """Resample a stack onto an orthogonal grid with axes nearest to right, anterior and superior.

    Args:
        stack: the place of each slice.
        hu: (slices, rows, columns).
        fill: the value outside the slices.

    Returns:
        float32 volume in RAS+ mm; its planes are parallel to the slices, its pixel spacing is theirs.

    Raises:
        GeometryError: two slices lie in one plane, or there are fewer than two.
    """
    offsets = stack.offsets_mm
    if len(offsets) < 2 or np.diff(offsets).min() <= EVEN_TOLERANCE_MM:
        raise GeometryError("a volume needs two or more slices in different planes", code="no-stack")
    frame = _slice_frame(stack)
    shifts = _in_plane_shifts(stack, frame)
    planes = plane_offsets(offsets)
    shape = (len(planes), *(np.ceil(shifts.max(axis=0)).astype(int) + hu.shape[1:]))
    data = np.full(shape, fill, np.float32)
    for index, lower, weight in _between(planes, offsets):
        data[index] = _shifted(hu[lower], shifts[lower], shape[1:], fill)
        if weight > 0:
            data[index] *= 1 - weight
            data[index] += weight * _shifted(hu[lower + 1], shifts[lower + 1], shape[1:], fill)
    ijk_to_ras = _grid_affine(stack, frame, planes)
    data, ijk_to_ras = reorient_to_ras(data.transpose(2, 1, 0), ijk_to_ras)
    return Volume(np.ascontiguousarray(data), ijk_to_ras)


def plane_offsets(offsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights in mm of the grid's planes for slices at rising ``offsets``, both ends included.

    Evenly spaced slices keep their planes. Otherwise the planes are even, and as dense as the thinner part of the
    series if that part holds a fifth of the steps: thin slices over the skull base aren't thrown away, and a single
    overlapping slice doesn't multiply the planes.
    """
    steps = np.diff(offsets)
    even = np.linspace(offsets[0], offsets[-1], len(offsets))
    if np.abs(even - offsets).max() <= EVEN_TOLERANCE_MM:
        return even
    step = float(np.quantile(steps, THIN_PART_FRACTION, method="lower"))
    count = max(round(float(offsets[-1] - offsets[0]) / step), 1) + 1
    return np.linspace(offsets[0], offsets[-1], count)


def _slice_frame(stack: SliceStack) -> NDArray[np.float64]:
    """Orthonormal rows: along the rows, along the columns, along the normal, in RAS+."""
    normal = stack.normal_ras
    mean_row = stack.row_directions_ras.mean(axis=0)
    along_row = mean_row - normal * (mean_row @ normal)
    along_row /= np.linalg.norm(along_row)
    return np.stack([along_row, np.cross(normal, along_row), normal])


def _in_plane_shifts(stack: SliceStack, frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """(slices, 2): rows and columns by which each slice lies beyond the grid's first pixel, >= 0."""
    row_step, column_step = stack.pixel_spacing_mm
    along = stack.positions_ras @ frame[:2].T
    shifts = (along - along.min(axis=0))[:, ::-1] / (row_step, column_step)
    whole = np.rint(shifts)
    return np.where(np.abs(shifts - whole) < SHIFT_TOLERANCE_PIXELS, whole, shifts)


def _grid_affine(stack: SliceStack, frame: NDArray[np.float64], planes: NDArray[np.float64]) -> NDArray[np.float64]:
    row_step, column_step = stack.pixel_spacing_mm
    affine = np.eye(4)
    affine[:3, :3] = frame.T * (column_step, row_step, planes[1] - planes[0])
    along = stack.positions_ras @ frame.T
    affine[:3, 3] = frame.T @ (along[:, 0].min(), along[:, 1].min(), along[0, 2])
    return affine


def _between(planes: NDArray[np.float64], offsets: NDArray[np.float64]) -> list[tuple[int, int, float]]:
    """For each plane its index, the slice at or below it, and the weight of the slice above."""
    lower = np.clip(np.searchsorted(offsets, planes, side="right") - 1, 0, len(offsets) - 2)
    weights = np.clip((planes - offsets[lower]) / (offsets[lower + 1] - offsets[lower]), 0.0, 1.0)
    if len(planes) == len(offsets) and np.abs(planes - offsets).max() <= EVEN_TOLERANCE_MM:
        return [(index, index, 0.0) for index in range(len(planes))]
    return [(int(i), int(k), float(w)) for i, (k, w) in enumerate(zip(lower, weights, strict=True))]


def _shifted(
    image: NDArray[np.float32], shift: NDArray[np.float64], shape: tuple[int, int], fill: float
) -> NDArray[np.float32]:
    """An image moved by fractional rows and columns into a larger plane, linearly interpolated."""
    whole = np.floor(shift).astype(int)
    moved = image
    for axis, fraction in enumerate(shift - whole):
        if fraction > 0:
            before = np.concatenate([np.take(moved, [0], axis), np.delete(moved, -1, axis)], axis)
            moved = np.float32(1 - fraction) * moved + np.float32(fraction) * before
    plane = np.full(shape, fill, np.float32)
    plane[whole[0] : whole[0] + image.shape[0], whole[1] : whole[1] + image.shape[1]] = moved
    return plane

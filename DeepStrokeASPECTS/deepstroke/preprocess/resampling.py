"""Bring volumes onto other grids: a reference's, an isotropic one, or an orthogonal one instead of a sheared one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage
from scipy.sparse import csr_array

from deepstroke.errors import ConfigError, GeometryError
from deepstroke.frames import Affine, apply_affine, as_affine, corners, spacing_of
from deepstroke.volume import LabelMap, Volume

VolumeT = TypeVar("VolumeT", bound=Volume)

#: HU of what lies outside the scan.
AIR_HU = -1024.0
#: Largest number of voxels of a grid made here: 2 GiB of float32.
MAX_VOXELS = 2**29


class HasGrid(Protocol):
    """Whatever lies on a grid: a ``Grid``, a ``Volume`` or a ``LabelMap``."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along i, j and k."""
        ...

    @property
    def ijk_to_ras(self) -> Affine:
        """4 x 4 affine from voxel indices to RAS+ mm."""
        ...


@dataclass(frozen=True, eq=False)
class Grid:
    """A grid of voxels without values.

    Attributes:
        shape: number of voxels along i, j and k.
        ijk_to_ras: 4 x 4 affine from voxel indices (voxel centres) to RAS+ mm.

    Raises:
        GeometryError: the affine is not valid, an axis is empty, or there are more than ``MAX_VOXELS`` voxels.
    """

    shape: tuple[int, int, int]
    ijk_to_ras: Affine

    def __post_init__(self) -> None:
        ni, nj, nk = (int(n) for n in self.shape)
        if min(ni, nj, nk) < 1 or ni * nj * nk > MAX_VOXELS:
            raise GeometryError(f"a grid of {ni} x {nj} x {nk} voxels can't be made", code="grid-size")
        object.__setattr__(self, "shape", (ni, nj, nk))
        object.__setattr__(self, "ijk_to_ras", as_affine(self.ijk_to_ras))


def grid_around(points_ras: ArrayLike, axes: ArrayLike, spacing_mm: float | Sequence[float]) -> Grid:
    """The smallest grid with the given axes and spacing whose voxel centres enclose the points.

    Args:
        points_ras: RAS+ mm, shape (n, 3).
        axes: orthonormal 3 x 3 matrix; its columns are the directions of i, j and k in RAS+.
        spacing_mm: voxel size, one for all axes or one each.
    """
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), 3)
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise ConfigError(f"voxel sizes are above 0 mm, found {spacing_mm}", code="spacing")
    axes = np.asarray(axes, dtype=np.float64)
    along = np.asarray(points_ras, dtype=np.float64) @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    counts = np.ceil((high - low) / spacing - 1e-6).astype(int) + 1
    start = (low + high) / 2 - (counts - 1) * spacing / 2
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = axes * spacing
    ijk_to_ras[:3, 3] = axes @ start
    return Grid((counts[0], counts[1], counts[2]), ijk_to_ras)


def orthonormal_axes(ijk_to_ras: ArrayLike) -> NDArray[np.float64]:
    """Orthonormal axes (3 x 3, columns) near those of an affine, of the same handedness.

    The two axes that are closest to a right angle keep their plane: in a stack from a tilted gantry these are the
    axes of the slices, which stay whole; the third becomes the plane's normal.
    """
    columns = np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3] / np.array(spacing_of(ijk_to_ras))
    angles = np.abs(columns.T @ columns)
    first, second, third = min(((0, 1, 2), (0, 2, 1), (1, 2, 0)), key=lambda axes: round(angles[axes[0], axes[1]], 6))
    left, _, right = np.linalg.svd(columns[:, [first, second]], full_matrices=False)
    axes = np.empty((3, 3))
    axes[:, [first, second]] = left @ right
    normal = np.cross(axes[:, first], axes[:, second])
    axes[:, third] = normal * np.sign(normal @ columns[:, third])
    return axes


def isotropic_grid(volume: HasGrid, spacing_mm: float, mask: NDArray[np.bool_] | None = None) -> Grid:
    """An isotropic grid along the volume's own axes over its whole extent or over a mask's bounding box.

    Args:
        volume: what to cover; for sheared axes the nearest orthogonal ones are taken.
        spacing_mm: voxel size.
        mask: optional bool array on the volume's grid; its voxels with a margin of half a voxel are covered.

    Raises:
        GeometryError: the mask is empty or the grid too large.
    """
    low, high = np.zeros(3), np.array(volume.shape) - 1.0
    if mask is not None:
        box = bounding_box(mask)
        low, high = np.array([s.start for s in box], float), np.array([s.stop - 1 for s in box], float)
    ends = np.stack([low - 0.5, high + 0.5], axis=1)
    box_ijk = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    axes = orthonormal_axes(volume.ijk_to_ras)
    points = apply_affine(volume.ijk_to_ras, box_ijk)
    along = points @ axes
    centre = (along.min(axis=0) + along.max(axis=0)) / 2
    half = np.maximum((along.max(axis=0) - along.min(axis=0)) / 2 - spacing_mm / 2, 0.0)
    return grid_around(np.stack([centre - half, centre + half]) @ axes.T, axes, spacing_mm)


def bounding_box(mask: NDArray[np.bool_], margin: int = 0) -> tuple[slice, slice, slice]:
    """Slices over the voxels of a mask, widened by a margin of voxels within the array.

    Raises:
        GeometryError: the mask is empty.
    """
    slices = []
    for axis, size in enumerate(mask.shape):
        others = tuple(a for a in range(3) if a != axis)
        where = np.flatnonzero(mask.any(axis=others))
        if where.size == 0:
            raise GeometryError("an empty mask has no bounding box", code="empty-mask")
        slices.append(slice(max(int(where[0]) - margin, 0), min(int(where[-1]) + 1 + margin, size)))
    return slices[0], slices[1], slices[2]


def resample(
    volume: VolumeT, reference: HasGrid, order: int = 1, antialias: bool = True, fill: float = AIR_HU
) -> VolumeT:
    """The volume's values at the voxel centres of another grid.

    Args:
        volume: what to resample; a label map comes back as a label map, by nearest neighbour, with 0 outside.
        reference: the grid to fill; it may be oblique or sheared, as may the volume's.
        order: 0 nearest neighbour, 1 linear, 3 cubic spline.
        antialias: smooth first along axes that the reference samples more coarsely; not for order 0.
        fill: value more than half a voxel outside the volume.

    Returns:
        float32 for an image, the labels' own type for a label map.

    Raises:
        ConfigError: the order is not 0, 1 or 3.
    """
    if order not in (0, 1, 3):
        raise ConfigError(f"the interpolation order is 0, 1 or 3, found {order}", code="order")
    reference_to_volume = np.linalg.inv(volume.ijk_to_ras) @ reference.ijk_to_ras
    if isinstance(volume, LabelMap):
        data = _interpolate(volume.data, reference_to_volume, reference.shape, 0, 0.0)
    elif order == 1 and antialias and _is_diagonal(reference_to_volume):
        data = _interpolate_separably(volume.data, reference_to_volume, reference.shape, fill)
    else:
        source = volume.data.astype(np.float32, copy=False)
        if antialias and order > 0:
            source = _smooth_for(source, reference_to_volume)
        data = _interpolate(source, reference_to_volume, reference.shape, order, fill)
    return type(volume)(data, reference.ijk_to_ras)


def orthogonal(volume: VolumeT, order: int = 1) -> VolumeT:
    """The volume itself where its axes are orthogonal, else resampled onto the nearest orthogonal grid around it.

    The new grid keeps the voxel counts per mm and covers every voxel centre; what the scan didn't see is air.
    """
    if volume.is_orthogonal:
        return volume
    axes = orthonormal_axes(volume.ijk_to_ras)
    steps = np.abs(np.sum(volume.ijk_to_ras[:3, :3] * axes, axis=0))
    grid = grid_around(corners(volume.shape, volume.ijk_to_ras), axes, steps)
    return resample(volume, grid, order=order, antialias=False)


def _is_diagonal(matrix: Affine) -> bool:
    linear = matrix[:3, :3]
    off = linear - np.diag(np.diag(linear))
    return bool(np.abs(off).max() < 1e-6)


def _interpolate_separably(data: NDArray, reference_to_volume: Affine, shape: Sequence[int], fill: float) -> NDArray:
    """Linear interpolation with antialiasing, one axis after the other, the one that shrinks most first."""
    weights = [
        linear_weights(data.shape[a], shape[a], reference_to_volume[a, 3], reference_to_volume[a, a]) for a in range(3)
    ]
    for axis in sorted(range(3), key=lambda a: shape[a] / data.shape[a]):
        data = apply_along(weights[axis], data, axis)
    for axis in range(3):
        outside = np.flatnonzero(weights[axis].sum(axis=1) == 0)
        data[(slice(None),) * axis + (outside,)] = fill
    return data


def linear_weights(n_in: int, n_out: int, start: float, step: float) -> csr_array:
    """Weights (n_out, n_in) that sample ``start + step * n`` of an axis by tents as wide as the coarser of both steps.

    Rows further than half a voxel outside the axis are empty; all others sum to 1.
    """
    positions = start + step * np.arange(n_out)
    width = max(1.0, abs(step))
    reach = int(np.ceil(width))
    columns = np.floor(positions)[:, None].astype(int) + np.arange(-reach + 1, reach + 1)
    tents = np.maximum(1.0 - np.abs(columns - positions[:, None]) / width, 0.0)
    tents[(columns < 0) | (columns >= n_in)] = 0.0
    tents[(positions < -0.5) | (positions > n_in - 0.5)] = 0.0
    sums = tents.sum(axis=1, keepdims=True)
    tents = np.divide(tents, sums, out=np.zeros_like(tents), where=sums > 0)
    rows = np.repeat(np.arange(n_out), columns.shape[1])
    flat = np.clip(columns, 0, n_in - 1).ravel()
    return csr_array((tents.ravel().astype(np.float32), (rows, flat)), shape=(n_out, n_in))


def apply_along(weights: csr_array, data: NDArray, axis: int) -> NDArray[np.float32]:
    """Multiply every line of an array along an axis by a (n_out, n_in) matrix.

    The layout in memory decides how: only the first axis can use the sparse matrix without a copy of the array.
    """
    data = np.ascontiguousarray(data, dtype=np.float32)
    if axis == 0:
        product = weights @ data.reshape(data.shape[0], -1)
        return np.asarray(product).reshape(weights.shape[0], *data.shape[1:])
    dense = weights.toarray()
    return np.matmul(dense, data) if axis == 1 else np.matmul(data, dense.T)


def _smooth_for(data: NDArray, reference_to_volume: Affine) -> NDArray:
    """Gaussian smoothing that leaves no detail finer than the reference's steps.

    The standard deviation is 0.42 sqrt(r^2 - 1) voxels, r being the reference's step in voxels along an axis,
    which takes a box of one voxel to about one of r voxels.
    """
    steps = np.abs(reference_to_volume[:3, :3]).max(axis=1)
    sigma = [0.42 * float(np.sqrt(max(step**2 - 1.0, 0.0))) for step in steps]
    return ndimage.gaussian_filter(data, sigma, mode="nearest") if max(sigma) > 0 else data


def _interpolate(
    data: NDArray, reference_to_volume: Affine, shape: tuple[int, int, int], order: int, fill: float
) -> NDArray:
    # One voxel of padding by the edge value keeps the outer half voxel, which scipy would blend with the fill.
    padded = np.pad(data, 1, mode="edge")
    linear, offset = reference_to_volume[:3, :3], reference_to_volume[:3, 3] + 1.0
    result = ndimage.affine_transform(
        padded, linear, offset, output_shape=shape, order=order, mode="constant", cval=fill, prefilter=order > 1
    )
    result[_outside(reference_to_volume, shape, data.shape)] = fill
    return result


def _outside(reference_to_volume: Affine, shape: tuple[int, int, int], n_in: Sequence[int]) -> NDArray[np.bool_]:
    """Where the reference's voxel centres lie more than half a voxel outside the volume."""
    outside = np.zeros(shape, dtype=bool)
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    for axis in range(3):
        row = reference_to_volume[axis].astype(np.float32)
        position = row[0] * i.astype(np.float32) + row[1] * j.astype(np.float32) + row[2] * k.astype(np.float32)
        outside |= (position < -0.5 - row[3]) | (position > n_in[axis] - 0.5 - row[3])
    return outside

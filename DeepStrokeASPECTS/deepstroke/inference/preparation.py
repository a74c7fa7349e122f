"""From a scan and its brain to what a network takes. Training and inference both prepare their heads here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.frames import apply_affine, corners
from deepstroke.preprocess.resampling import Grid, HasGrid, isotropic_grid, resample
from deepstroke.preprocess.windowing import normalised
from deepstroke.volume import Volume

#: What is shown of a head: all of it, or the brain alone.
Shown = Literal["raw", "stripped"]
#: HU where a whole head has no voxel, and where a stripped one has none.
AIR_HU, STRIPPED_HU = -1024, 0
#: HU are kept as whole numbers within this range.
INT16_HU = (AIR_HU, 3071)
#: What lies above this belongs to the head.
HEAD_HU = -300.0
#: A grid at an angle to the scan is filled from an isotropic one in between, so many times as fine.
_FINER = 2.0


@dataclass(frozen=True, eq=False)
class HeadOnGrid:
    """A head on an isotropic grid.

    Attributes:
        hu: (i, j, k) int16, ``AIR_HU`` (or 0 of a stripped head) where the scan doesn't reach.
        brain: (i, j, k) bool.
        grid: where they lie.
    """

    hu: NDArray[np.int16]
    brain: NDArray[np.bool_]
    grid: Grid


def centred_grid(volume: HasGrid, mask: NDArray[np.bool_], spacing_mm: float, shape: tuple[int, int, int]) -> Grid:
    """An isotropic grid with axes along right, anterior, superior about the middle of a mask's extent.

    Args:
        volume: whose grid the mask lies on.
        mask: (i, j, k) bool.
        spacing_mm: voxel size.
        shape: voxels along each axis.

    Raises:
        InputError: the mask is empty.
    """
    voxels = _surface_lines(mask)
    if len(voxels) == 0:
        raise InputError("nothing to centre the grid on: the brain is empty", code="empty-mask")
    places = apply_affine(volume.ijk_to_ras, voxels)
    return grid_about((places.min(axis=0) + places.max(axis=0)) / 2.0, np.eye(3), spacing_mm, shape)


def grid_about(
    middle_ras: NDArray[np.float64], axes: NDArray[np.float64], spacing_mm: float, shape: tuple[int, int, int]
) -> Grid:
    """An isotropic grid about a point.

    Args:
        middle_ras: RAS+ mm of its middle.
        axes: 3 x 3, orthonormal; the columns are the directions of i, j and k in RAS+.
        spacing_mm: voxel size.
        shape: voxels along each axis.
    """
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = spacing_mm * axes
    ijk_to_ras[:3, 3] = middle_ras - ijk_to_ras[:3, :3] @ ((np.array(shape) - 1) / 2.0)
    return Grid(shape, ijk_to_ras)


def head_on_grid(scan: Volume, brain: NDArray[np.bool_], grid: Grid, outside_hu: int = AIR_HU) -> HeadOnGrid:
    """A head brought onto an isotropic grid by linear interpolation with antialiasing.

    Args:
        scan: HU on any orthogonal grid.
        brain: (i, j, k) bool on the scan's grid.
        grid: to fill; it may stand at an angle to the scan.
        outside_hu: of voxels that the scan doesn't reach.
    """
    share = Volume(brain.astype(np.float32), scan.ijk_to_ras)
    hu = _brought(scan, grid, float(outside_hu))
    return HeadOnGrid(
        hu=np.rint(np.clip(hu, *INT16_HU)).astype(np.int16), brain=_brought(share, grid, 0.0) >= 0.5, grid=grid
    )


def network_image(head: HeadOnGrid, shown: Shown, hu_range: tuple[float, float]) -> NDArray[np.float32]:
    """What a network is shown of a head: (i, j, k), 0..1 over the HU range; stripped heads are 0 HU around the brain.

    Raises:
        ConfigError: the HU range is empty.
    """
    hu = head.hu if shown == "raw" else np.where(head.brain, head.hu, np.int16(STRIPPED_HU))
    return normalised(hu, hu_range)


def _surface_lines(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The first and the last voxel of the mask on every line along the last axis, which span what the mask spans."""
    lines = np.argwhere(mask.any(axis=2))
    on_lines = mask[lines[:, 0], lines[:, 1]]
    first, last = on_lines.argmax(axis=1), mask.shape[2] - 1 - on_lines[:, ::-1].argmax(axis=1)
    return np.concatenate([np.column_stack([lines, first]), np.column_stack([lines, last])])


def _brought(volume: Volume, grid: Grid, fill: float) -> NDArray[np.float32]:
    """The volume on the grid. One that stands at an angle is reached over an isotropic grid along the volume's axes.

    Antialiasing of a scan in full at an angle would smooth all of it; so only what the grid covers is, and coarser.
    """
    part = _part_under(volume, grid)
    to_volume = np.linalg.inv(part.ijk_to_ras) @ grid.ijk_to_ras
    off_axis = to_volume[:3, :3] - np.diag(np.diag(to_volume[:3, :3]))
    if np.abs(off_axis).max() >= 1e-6:
        spacing = float(np.linalg.norm(grid.ijk_to_ras[:3, 0])) / _FINER
        part = resample(part, isotropic_grid(part, spacing), order=1, fill=fill)
    return np.asarray(resample(part, grid, order=1, fill=fill).data, dtype=np.float32)


def _part_under(volume: Volume, grid: Grid) -> Volume:
    """The part of the volume that matters to the grid: its voxels and what antialiasing reaches beyond them."""
    reach = np.linalg.norm(grid.ijk_to_ras[:3, :3], axis=0).max()
    ijk = volume.ijk_of(corners(grid.shape, grid.ijk_to_ras))
    margin = np.ceil(2.0 * np.maximum(reach / np.array(volume.spacing_mm), 1.0)) + 1
    low = np.clip(np.floor(ijk.min(axis=0) - margin), 0, np.array(volume.shape) - 1).astype(int)
    high = np.clip(np.ceil(ijk.max(axis=0) + margin) + 1, low + 1, volume.shape).astype(int)
    ijk_to_ras = volume.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = volume.ras_of(low)
    return Volume(volume.data[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], ijk_to_ras)

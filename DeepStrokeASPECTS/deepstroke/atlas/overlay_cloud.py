"""The points of one scan's region outlines, and the piece of outline that each of them stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepstroke.errors import InputError
from deepstroke.volume import Volume


@dataclass(frozen=True, eq=False)
class OverlayCloud:
    """Outlines of regions as points of a scan, drawn on its slices, unlabelled and maybe with gaps and noise.

    A point is one pixel of a line on one slice; it stands for a strip of the outline's surface as wide as a pixel and
    as high as the step to the next slice.

    Attributes:
        points_ras: (N, 3), RAS+ mm in the scan.
        normal_ras: unit vector at right angles to the slices, RAS+.
        pixel_mm: spacing of the pixels.
        step_mm: distance from slice to slice along the normal.

    Raises:
        InputError: the points aren't (N, 3) finite numbers, or a length isn't above 0.

    Example:
        >>> cloud = OverlayCloud(overlay_points(planes, slices), slices.normal_ras,
        ...     slices.pixel_spacing_mm[0], float(np.median(np.diff(slices.offsets_mm))))  # doctest: +SKIP
    """

    points_ras: NDArray[np.float64]
    normal_ras: NDArray[np.float64]
    pixel_mm: float
    step_mm: float

    def __post_init__(self) -> None:
        points = np.asarray(self.points_ras, dtype=np.float64)
        normal = np.asarray(self.normal_ras, dtype=np.float64)
        length = float(np.linalg.norm(normal)) if normal.shape == (3,) else 0.0
        if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
            raise InputError(f"an overlay's points are finite, of shape (N, 3); found {points.shape}", code="points")
        if not (length > 0 and self.pixel_mm > 0 and self.step_mm > 0):
            raise InputError("an overlay's normal, pixel_mm and step_mm are longer than 0", code="points")
        object.__setattr__(self, "points_ras", points)
        object.__setattr__(self, "normal_ras", normal / length)

    @classmethod
    def from_volume(cls, cloud: Volume) -> OverlayCloud:
        """The cloud that a point-cloud volume holds: every voxel above 0 is a point, its slices lie along k.

        Raises:
            InputError: no voxel is above 0.
        """
        places = np.argwhere(cloud.data > 0)
        if not len(places):
            raise InputError("the point-cloud volume is empty: the series carries no overlay", code="empty-overlay")
        si, sj, sk = cloud.spacing_mm
        axes = cloud.ijk_to_ras[:3, :3]
        return cls(cloud.ras_of(places), np.cross(axes[:, 0], axes[:, 1]), (si * sj) ** 0.5, sk)

    def __len__(self) -> int:
        return len(self.points_ras)

    @property
    def area_mm2(self) -> float:
        """Surface of the outline that one point stands for."""
        return self.pixel_mm * self.step_mm

    def spread(self, apart_mm: float) -> tuple[NDArray[np.float64], float]:
        """Points that fill the step between slices, at most ``apart_mm`` apart along the normal, (M, 3) in RAS+ mm.

        Returns:
            The points, and the surface in mm2 that each of them stands for.
        """
        count = max(1, int(np.ceil(self.step_mm / apart_mm)))
        heights = ((np.arange(count) + 0.5) / count - 0.5) * self.step_mm
        points = self.points_ras[:, None] + heights[None, :, None] * self.normal_ras
        return points.reshape(-1, 3), self.area_mm2 / count


def splat(voxels: ArrayLike, values: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Sums of values shared linearly among the eight voxels around each fractional place; outside is dropped.

    Args:
        voxels: (N, 3) fractional voxel places.
        values: (C, N).
        shape: of the grid.

    Returns:
        float64 (C, i, j, k).
    """
    places = np.asarray(voxels, dtype=np.float64)
    low = np.floor(places).astype(np.int64)
    fraction = places - low
    size = int(np.prod(shape))
    indices, weights = [], []
    for offset in np.ndindex(2, 2, 2):
        corner = low + offset
        inside = ((corner >= 0) & (corner < shape)).all(axis=1)
        index = np.ravel_multi_index(tuple(np.where(inside[:, None], corner, 0).T), shape)
        indices.append(index)
        weights.append(np.where(offset, fraction, 1 - fraction).prod(axis=1) * inside)
    at = np.concatenate(indices)
    sums = [np.bincount(at, np.concatenate([channel * weight for weight in weights]), size) for channel in values]
    return np.stack(sums).astype(np.float64).reshape(len(values), *shape)

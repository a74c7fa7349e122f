"""Structures drawn as contours on axial slices and filled between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke_training.atlas_authoring import frame


@dataclass(frozen=True)
class Contour:
    """A closed outline on one axial slice.

    Attributes:
        z_mm: the slice.
        corners: ``"u y, u y, ..."``: distance from the midline and y of each corner in mm.
    """

    z_mm: float
    corners: str

    def points(self) -> NDArray[np.float64]:
        """The corners as an array (corner, 2) of u and y in mm."""
        return np.array([[float(value) for value in corner.split()] for corner in self.corners.split(",")])


@dataclass(frozen=True)
class DrawnStructure:
    """A structure of one hemisphere drawn by hand on the T1 average.

    Attributes:
        name: the structure.
        contours: outlines in rising z; between two of them the outline moves linearly.
        drawn_on: what the outline follows, in words, for the manifest.
    """

    name: str
    contours: tuple[Contour, ...]
    drawn_on: str

    @property
    def z_range(self) -> tuple[float, float]:
        """Lowest and highest slice drawn, mm."""
        return self.contours[0].z_mm, self.contours[-1].z_mm

    def distance(self) -> NDArray[np.float32]:
        """Signed in-plane distance to the outline in mm over the hemisphere, positive inside."""
        u, y, z = frame.hemisphere_mm()
        levels = np.array([contour.z_mm for contour in self.contours])
        drawn = np.stack([_signed_distance(c.points(), u[..., 0], y[..., 0]) for c in self.contours], axis=-1)
        field = np.full(frame.HEMISPHERE_SHAPE, -100.0, dtype=np.float32)
        for k in np.flatnonzero((z[0, 0] >= levels[0]) & (z[0, 0] <= levels[-1])):
            upper = min(int(np.searchsorted(levels, z[0, 0, k], side="right")), len(levels) - 1)
            weight = (z[0, 0, k] - levels[upper - 1]) / (levels[upper] - levels[upper - 1])
            field[:, :, k] = (1 - weight) * drawn[..., upper - 1] + weight * drawn[..., upper]
        return field

    def mask(self) -> NDArray[np.bool_]:
        """Voxels of the hemisphere whose centre lies inside."""
        return self.distance() > 0


def _signed_distance(starts: NDArray, u: NDArray, y: NDArray) -> NDArray[np.float32]:
    """Distance of every point of a slice to the polygon's edge in mm, positive inside (even-odd rule)."""
    ends = np.roll(starts, -1, axis=0)
    nearest = np.full(np.broadcast_shapes(u.shape, y.shape), np.inf)
    inside = np.zeros(nearest.shape, dtype=bool)
    for (u0, y0), (u1, y1) in zip(starts, ends, strict=True):
        along = ((u - u0) * (u1 - u0) + (y - y0) * (y1 - y0)) / ((u1 - u0) ** 2 + (y1 - y0) ** 2)
        along = np.clip(along, 0.0, 1.0)
        nearest = np.minimum(nearest, np.hypot(u - u0 - along * (u1 - u0), y - y0 - along * (y1 - y0)))
        if y0 != y1:
            crosses = ((y0 > y) != (y1 > y)) & (u < u0 + (y - y0) * (u1 - u0) / (y1 - y0))
            inside ^= crosses
    return np.where(inside, nearest, -nearest).astype(np.float32)

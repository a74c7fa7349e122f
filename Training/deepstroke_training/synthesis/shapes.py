"""Signed distances of simple solids, from which the parts of a head that no template holds are put together.

All distances are in mm, negative inside, on arrays of coordinates of one shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Coordinates:
    """Template coordinates of every voxel of a grid, mm: ``u`` is the distance from the mid-sagittal plane.

    Shapes are written once in (u, y, z) and so appear on both sides.
    """

    u: Field
    y: Field
    z: Field


def ellipsoid(at: Coordinates, centre: Point, radii: Point) -> Field:
    """Distance to an ellipsoid with axes along u, y and z (a close bound near the surface, not exact)."""
    scaled = [(c - c0) / r for c, c0, r in zip((at.u, at.y, at.z), centre, radii, strict=True)]
    unit = np.sqrt(sum(s * s for s in scaled))
    gradient = np.sqrt(sum((s / r) ** 2 for s, r in zip(scaled, radii, strict=True)))
    return (unit * (unit - 1.0) / np.maximum(gradient, 1e-3)).astype(np.float32)


def tube(at: Coordinates, path: list[tuple[Point, float]]) -> Field:
    """Distance to a tube along a polyline of (point, radius); the radius changes linearly along each segment."""
    nearest = np.full(at.u.shape, np.inf, dtype=np.float32)
    for (start, radius0), (end, radius1) in pairwise(path):
        axis = np.subtract(end, start)
        offset = [at.u - start[0], at.y - start[1], at.z - start[2]]
        along = sum(o * a for o, a in zip(offset, axis, strict=True)) / float(axis @ axis)
        along = np.clip(along, 0.0, 1.0)
        square = sum((o - along * a) ** 2 for o, a in zip(offset, axis, strict=True))
        np.minimum(nearest, np.sqrt(square) - (radius0 + (radius1 - radius0) * along), out=nearest)
    return nearest


def box(at: Coordinates, low: Point, high: Point) -> Field:
    """Distance to a box between two corners."""
    sides = [np.maximum(lo - c, c - hi) for c, lo, hi in zip((at.u, at.y, at.z), low, high, strict=True)]
    outside = np.sqrt(sum(np.maximum(s, 0.0) ** 2 for s in sides))
    return (outside + np.minimum(np.maximum.reduce(sides), 0.0)).astype(np.float32)


def union(*solids: Field) -> Field:
    """Distance to the union of solids."""
    return np.minimum.reduce(solids)


def shell(solid: Field, thickness: float) -> Field:
    """Distance to the wall of a given thickness outside a solid's surface."""
    return np.abs(solid - thickness / 2.0) - thickness / 2.0

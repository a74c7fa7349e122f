"""A stripped head given by formulas in RAS+ mm, and pairs of it with a smooth map between them known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.volume import LabelMap, Volume

Points = NDArray[np.float64]
Map = Callable[[Points], Points]

#: Structures by label: centre and radii in RAS+ mm, and HU. The clot lies on the left only, in front and above.
STRUCTURES: dict[int, tuple[tuple[float, float, float], tuple[float, float, float], float]] = {
    1: ((-11, 6, 10), (6, 24, 9), 8.0),
    2: ((11, 6, 10), (6, 24, 9), 8.0),
    3: ((-26, 4, 0), (8, 16, 11), 42.0),
    4: ((26, 4, 0), (8, 16, 11), 42.0),
    5: ((-38, 32, 22), (11, 11, 11), 62.0),
}
CLOT = 5
BRAIN_RADII = np.array([66.0, 82.0, 62.0])


@dataclass(frozen=True, eq=False)
class Head:
    """A stripped head in HU with its brain mask and its structures, on one grid."""

    image: Volume
    brain: LabelMap
    labels: LabelMap


def grid(spacing: tuple[float, float, float] = (4.0, 4.0, 4.0), rotation: NDArray | None = None) -> Volume:
    """An empty grid around the head, its axes along R, A and S or turned by a rotation matrix."""
    shape = tuple(int(np.ceil(180 / s)) for s in spacing)
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = (np.eye(3) if rotation is None else rotation) @ np.diag(spacing)
    ijk_to_ras[:3, 3] = -ijk_to_ras[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Volume(np.zeros(shape, np.uint8), ijk_to_ras)


def head(on: Volume, to_head: Map = lambda ras: ras, noise_hu: float = 0.0) -> Head:
    """The head on a grid whose points ``to_head`` maps to the head's own space."""
    ras = to_head(on.ras_of(np.stack(np.indices(on.shape), axis=-1)).reshape(-1, 3))
    inside = np.sum((ras / BRAIN_RADII) ** 2, axis=1) <= 1
    x, y, z = ras.T
    hu = 30 + 4 * np.sin(x / 7 + 0.5) * np.sin(y / 8 + 1) * np.sin(z / 6 + 2)
    labels = np.zeros(len(ras), np.uint8)
    for label, (centre, radii, level) in STRUCTURES.items():
        within = np.sum(((ras - centre) / np.array(radii)) ** 2, axis=1) <= 1
        hu[within], labels[within] = level, label
    hu = hu + noise_hu * np.random.default_rng(0).standard_normal(len(hu))
    image = np.where(inside, hu, 0).reshape(on.shape).astype(np.float32)
    return Head(on.with_data(image), on.with_labels(inside.reshape(on.shape)), on.with_labels(labels.reshape(on.shape)))


def bend(ras: Points) -> Points:
    """A smooth map without folds that moves points by up to 7 mm, differently along each axis and on each side."""
    x, y, z = ras.T
    fade = np.exp(-((x / 60) ** 2 + (y / 75) ** 2 + (z / 55) ** 2))
    shift = np.stack([5 * np.sin(y / 25), 6 * np.sin(z / 22 + x / 60), 4 * np.cos(x / 28 + 0.4)], axis=1)
    return ras + shift * fade[:, None]


def inside_points(radius: float = 0.8, count: int = 2000) -> Points:
    """Points within a share of the brain's ellipsoid."""
    unit = np.random.default_rng(1).uniform(-1, 1, (4 * count, 3))
    return (unit[np.sum(unit**2, axis=1) <= 1][:count]) * BRAIN_RADII * radius

"""One version of an atlas's regions against another one, or against another annotator's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from deepstroke.evaluation.distances import hausdorff95_of, mean_of_surfaces, surface_distances
from deepstroke.evaluation.overlap import dice
from deepstroke.volume import LabelMap


class Difference(IntEnum):
    """What the difference map says of a voxel."""

    SAME = 0
    ADDED = 1
    REMOVED = 2
    OTHER_REGION = 3


@dataclass(frozen=True)
class RegionDifference:
    """One region in two versions; a distance is None where either lacks the region, Dice where both do.

    Attributes:
        label: sided, 1..20.
        dice: 0..1.
        mean_mm, hausdorff95_mm: between the surfaces, in both directions.
        volume_ml, other_ml: in this version and in the other.
    """

    label: int
    dice: float | None
    mean_mm: float | None
    hausdorff95_mm: float | None
    volume_ml: float
    other_ml: float


def compare_region(labels: LabelMap, other: LabelMap, label: int) -> RegionDifference:
    """Compare one region.

    Raises:
        GeometryError: the maps lie on different grids.
    """
    labels.require_same_grid(other, "the other version")
    here, there = labels.data == label, other.data == label
    volumes = np.count_nonzero(here) * labels.voxel_ml, np.count_nonzero(there) * labels.voxel_ml
    if not all(volumes):
        return RegionDifference(label, 0.0 if any(volumes) else None, None, None, *volumes)
    box = _box_of(here | there)
    here, there = here[box], there[box]
    distances = surface_distances(here, there, labels.spacing_mm)
    return RegionDifference(
        label, dice(here, there), mean_of_surfaces(*distances), hausdorff95_of(*distances), *volumes
    )


def difference_map(labels: LabelMap, other: LabelMap) -> LabelMap:
    """Where two versions differ, as `Difference`: in a region here alone, there alone, or in different ones.

    Raises:
        GeometryError: the maps lie on different grids.
    """
    labels.require_same_grid(other, "the other version")
    found = np.zeros(labels.shape, np.uint8)
    found[labels.data != other.data] = Difference.OTHER_REGION
    found[labels.mask & ~other.mask] = Difference.ADDED
    found[~labels.mask & other.mask] = Difference.REMOVED
    return labels.with_labels(found)


def _box_of(mask: np.ndarray) -> tuple[slice, ...]:
    """The bounding box of a mask that isn't empty."""
    filled = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    return tuple(slice(int(places[0]), int(places[-1]) + 1) for places in filled)

"""What is measured in each ASPECTS region on each side, and whether the region can be judged at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from deepstroke.errors import InputError
from deepstroke.findings import Finding
from deepstroke.regions import SIDED_REGIONS, Region, Side
from deepstroke.volume import LabelMap, Volume

#: Why a region can't be judged.
Obstacle = Literal["absent", "too-small", "outside-field-of-view"]
OBSTACLE_WORDS: dict[Obstacle, str] = {
    "absent": "no voxel was labelled",
    "too-small": "only a remnant was labelled",
    "outside-field-of-view": "partly outside the scan",
}

#: Less than this is a remnant of a region, of which no mean should be judged.
LEAST_VOLUME_ML = 0.2
#: Nothing in or around a head but air and padding lies below; a voxel of a region there was not scanned.
UNSCANNED_HU = -900.0
#: A region may lie outside what was scanned with this fraction of its voxels.
UNSCANNED_LIMIT = 0.1
#: A region is cut off where it meets the edge of the grid with more than this fraction of its largest cross-section
#: (a ball so cut has lost 6 % of its volume).
CUT_LIMIT = 0.5


@dataclass(frozen=True)
class RegionMeasures:
    """Measures of one region on one side.

    Attributes:
        region, side: which.
        volume_ml: of all its voxels.
        mean_hu, median_hu: over its scanned voxels in the brain; None where there are none.
        obstacle: why the region can't be judged; None where it can.
    """

    region: Region
    side: Side
    volume_ml: float
    mean_hu: float | None
    median_hu: float | None
    obstacle: Obstacle | None

    @property
    def assessable(self) -> bool:
        """Whether the region was scanned wholly enough to be judged."""
        return self.obstacle is None


def measure_regions(volume: Volume, labels: LabelMap, brain: LabelMap | None = None) -> tuple[RegionMeasures, ...]:
    """Measure the twenty sided regions, in the order of their labels.

    Args:
        volume: HU on any grid in RAS+ mm.
        labels: sided labels 0..20 on the same grid.
        brain: brain mask on the same grid; HU are taken over the brain alone, so that bone at a region's border
            doesn't count. Volumes are of whole regions.

    Raises:
        GeometryError: they lie on different grids.
        InputError: a label is above 20.

    Example:
        >>> measures = measure_regions(ct, labels)  # doctest: +SKIP
        >>> [m.region.abbreviation for m in measures if not m.assessable]  # doctest: +SKIP
    """
    volume.require_same_grid(labels, "the label map")
    if brain is not None:
        volume.require_same_grid(brain, "the brain mask")
    if labels.data.max() > len(SIDED_REGIONS):
        raise InputError(f"sided labels are 0..{len(SIDED_REGIONS)}, found {labels.data.max()}", code="region-label")
    boxes = find_objects(labels.data, max_label=len(SIDED_REGIONS))
    return tuple(
        _measure(region, side, volume, labels, brain, box)
        for (region, side), box in zip(SIDED_REGIONS, boxes, strict=True)
    )


def report_obstacles(measures: Iterable[RegionMeasures]) -> tuple[Finding, ...]:
    """One warning that names the regions that can't be judged, so that none passes for normal; else nothing."""
    named = [f"{m.side} {m.region.abbreviation} ({OBSTACLE_WORDS[m.obstacle]})" for m in measures if m.obstacle]
    if not named:
        return ()
    return (Finding("region-not-assessable", f"These regions can't be judged: {', '.join(named)}."),)


def _measure(
    region: Region, side: Side, volume: Volume, labels: LabelMap, brain: LabelMap | None, box: tuple[slice, ...] | None
) -> RegionMeasures:
    if box is None:
        return RegionMeasures(region, side, 0.0, None, None, "absent")
    mask = labels.data[box] == region.label(side)
    hu = volume.data[box].astype(np.float64)
    scanned = mask & np.isfinite(hu) & (hu > UNSCANNED_HU)
    measured = hu[scanned if brain is None else scanned & brain.mask[box]]
    count = np.count_nonzero(mask)
    volume_ml = count * labels.voxel_ml
    return RegionMeasures(
        region,
        side,
        volume_ml,
        float(measured.mean()) if measured.size else None,
        float(np.median(measured)) if measured.size else None,
        _obstacle(volume_ml, 1 - np.count_nonzero(scanned) / count, _cut_fraction(mask, box, labels.shape)),
    )


def _obstacle(volume_ml: float, unscanned: float, cut: float) -> Obstacle | None:
    if unscanned > UNSCANNED_LIMIT or cut > CUT_LIMIT:
        return "outside-field-of-view"
    return "too-small" if volume_ml < LEAST_VOLUME_ML else None


def _cut_fraction(mask: NDArray[np.bool_], box: tuple[slice, ...], shape: tuple[int, ...]) -> float:
    """The largest cross-section of a region on an edge of the grid against its largest one along that axis."""
    worst = 0.0
    for axis, (extent, size) in enumerate(zip(box, shape, strict=True)):
        areas = mask.sum(axis=tuple(other for other in range(mask.ndim) if other != axis))
        if extent.start == 0:
            worst = max(worst, areas[0] / areas.max())
        if extent.stop == size:
            worst = max(worst, areas[-1] / areas.max())
    return worst

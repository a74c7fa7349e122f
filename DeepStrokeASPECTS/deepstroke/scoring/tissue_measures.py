"""The density of each region's brain tissue, alone and against the other side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from deepstroke.regions import SIDED_REGIONS
from deepstroke.scoring.result import Exclusions, TissueMeasures
from deepstroke.scoring.tissue import Tissue, TissueMap
from deepstroke.scoring.working_scan import WorkingScan

#: HU below the scan's own tissue from which on a voxel counts as dark, and the absolute limit that is told beside it.
DARK_BELOW, DARK_HU = 4.0, 28.0
#: With fewer voxels of tissue a region has no measures.
LEAST_VOXELS = 8
_HALF = len(SIDED_REGIONS) // 2


@dataclass(frozen=True)
class RegionTissue:
    """One region: what was left out, and the rest.

    Attributes:
        excluded: fractions of the region's voxels.
        measures: of its tissue; None where hardly any is left.
        volume_ml: of the region on the working grid.
    """

    excluded: Exclusions
    measures: TissueMeasures | None
    volume_ml: float


def measure_tissue(scan: WorkingScan, tissue: TissueMap) -> tuple[RegionTissue, ...]:
    """Measure the tissue of the twenty sided regions, in the order of their labels, each against its mirror image."""
    boxes = find_objects(scan.labels, max_label=len(SIDED_REGIONS))
    alone = [_measure(scan, tissue, label, box) for label, box in enumerate(boxes, start=1)]
    return tuple(
        replace(region, measures=_against(region.measures, alone[(n + _HALF) % len(alone)].measures))
        for n, region in enumerate(alone)
    )


def _measure(scan: WorkingScan, tissue: TissueMap, label: int, box: tuple[slice, ...] | None) -> RegionTissue:
    if box is None:
        return RegionTissue(Exclusions(), None, 0.0)
    mask = scan.labels[box] == label
    classes = tissue.classes[box][mask]
    counts = np.bincount(classes, minlength=len(Tissue)) / classes.size
    excluded = Exclusions(
        fluid=float(counts[Tissue.FLUID]),
        calcification=float(counts[Tissue.CALCIFICATION]),
        blood=float(counts[Tissue.BLOOD]),
        other=float(counts[Tissue.OUTSIDE] + counts[Tissue.FOREIGN]),
    )
    hu = scan.hu[box][mask][classes == Tissue.TISSUE].astype(np.float64)
    measures = _density(hu, tissue, hu.size * scan.voxel_ml) if hu.size >= LEAST_VOXELS else None
    return RegionTissue(excluded, measures, classes.size * scan.voxel_ml)


def _density(hu: NDArray[np.float64], tissue: TissueMap, ml: float) -> TissueMeasures:
    ordered = np.sort(hu)
    half = ordered.size // 2
    p5, p25, p50, p75, p95 = np.percentile(ordered, [5, 25, 50, 75, 95]).tolist()
    mean = float(ordered.mean())
    return TissueMeasures(
        tissue_ml=ml,
        mean_hu=mean,
        median_hu=p50,
        sd_hu=float(ordered.std()),
        p5_hu=p5,
        p25_hu=p25,
        p75_hu=p75,
        p95_hu=p95,
        lower_hu=float(ordered[:half].mean()),
        upper_hu=float(ordered[half:].mean()),
        below_reference=float(np.mean(ordered < tissue.median_hu - DARK_BELOW)),
        below_28_hu=float(np.mean(ordered < DARK_HU)),
        z=(mean - tissue.median_hu) / tissue.sd_hu,
    )


def _against(own: TissueMeasures | None, mirror: TissueMeasures | None) -> TissueMeasures | None:
    if own is None or mirror is None:
        return own
    difference, middle = own.mean_hu - mirror.mean_hu, (own.mean_hu + mirror.mean_hu) / 2
    return replace(
        own, difference_hu=difference, relative_difference=difference / middle, ratio=own.mean_hu / mirror.mean_hu
    )

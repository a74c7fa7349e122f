"""IBSI features of each region's tissue, told beside the score for research; no model uses them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import find_objects

from deepstroke.regions import SIDED_REGIONS
from deepstroke.scoring.cooccurrence import cooccurrence_features, cooccurrences
from deepstroke.scoring.first_order import histogram_features, intensity_statistics
from deepstroke.scoring.shape import shape_features
from deepstroke.scoring.tissue import Tissue, TissueMap
from deepstroke.scoring.tissue_measures import LEAST_VOXELS
from deepstroke.scoring.working_scan import WorkingScan

#: HU of a grey level and the lowest one: tissue lies between.
LEVEL_HU, LOWEST_HU, LEVELS = 3.0, 0.0, 30
#: Which features are told.
_STATISTICS = ("skewness", "kurtosis", "robust_mean_absolute_deviation")
_SHAPE = ("major_axis_length", "elongation", "flatness")
_COOCCURRENCE = ("joint_entropy", "contrast", "inverse_difference_moment", "correlation", "angular_second_moment")


def texture_of(scan: WorkingScan, tissue: TissueMap) -> tuple[dict[str, float], ...]:
    """Features of each region in the order of labels, names as in the IBSI manual; none where there is no tissue.

    Grey levels are of 3 HU from 0 HU on, the GLCM is merged over 13 directions at one voxel of the working grid.
    """
    boxes = find_objects(scan.labels, max_label=len(SIDED_REGIONS))
    return tuple({} if box is None else _texture(scan, tissue, n, box) for n, box in enumerate(boxes, start=1))


def _texture(scan: WorkingScan, tissue: TissueMap, label: int, box: tuple[slice, ...]) -> dict[str, float]:
    mask = (scan.labels[box] == label) & (tissue.classes[box] == Tissue.TISSUE)
    if np.count_nonzero(mask) < LEAST_VOXELS:
        return {}
    hu = scan.hu[box].astype(np.float64)
    levels = np.where(mask, np.clip(np.floor((hu - LOWEST_HU) / LEVEL_HU) + 1, 1, LEVELS), 0).astype(np.int64)
    statistics, shape = intensity_statistics(hu[mask]), shape_features(mask, scan.spacing_mm)
    together = cooccurrence_features(cooccurrences(levels, LEVELS))
    return {
        **{name: round(statistics[name], 4) for name in _STATISTICS},
        "entropy": round(histogram_features(levels[mask])["entropy"], 4),
        **{name: round(shape[name], 4) for name in _SHAPE},
        **{f"glcm_{name}": round(together[name], 4) for name in _COOCCURRENCE},
    }

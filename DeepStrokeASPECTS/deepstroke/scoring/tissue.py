"""Which voxels of a scan are brain tissue, and how dense that usually is in this scan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.scoring.working_scan import WorkingScan

#: HU between which the median of brain tissue is sought.
TISSUE_HU = (16.0, 50.0)
#: HU below the scan's own tissue at which half of a voxel is CSF.
FLUID_BELOW = 13.5
#: HU above the scan's own tissue from which on it is fresh blood, and HU above which it is calcification.
BLOOD_ABOVE, CALCIFIED_HU = 18.0, 90.0
#: Fewer voxels of tissue than this are no brain.
LEAST_VOXELS = 200


class Tissue(IntEnum):
    """What a voxel holds."""

    OUTSIDE = 0
    TISSUE = 1
    FLUID = 2
    BLOOD = 3
    CALCIFICATION = 4
    FOREIGN = 5  # part of a lesion that lies mostly outside the regions


@dataclass(frozen=True, eq=False)
class TissueMap:
    """The brain of a scan by what its voxels hold.

    Attributes:
        classes: ``Tissue`` of each voxel.
        median_hu, sd_hu: of the scan's tissue, by the median and the median absolute deviation.
    """

    classes: NDArray[np.uint8]
    median_hu: float
    sd_hu: float


def classify(scan: WorkingScan) -> TissueMap:
    """Tell tissue from CSF, blood and calcification by density, relative to the scan's own tissue.

    Raises:
        InputError: there is hardly anything of the density of brain.
    """
    inside = scan.hu[scan.brain]
    tissue = inside[(inside > TISSUE_HU[0]) & (inside < TISSUE_HU[1])]
    if tissue.size < LEAST_VOXELS:
        raise InputError(
            f"hardly any brain tissue: {tissue.size} voxels of {TISSUE_HU[0]:g} to {TISSUE_HU[1]:g} HU; "
            "is it a head CT in HU, and do the labels belong to it?",
            code="no-brain-tissue",
        )
    median = float(np.median(tissue))
    sd = 1.4826 * float(np.median(np.abs(tissue - median)))
    classes = np.select(
        [~scan.brain, scan.hu < median - FLUID_BELOW, scan.hu > CALCIFIED_HU, scan.hu > median + BLOOD_ABOVE],
        [Tissue.OUTSIDE, Tissue.FLUID, Tissue.CALCIFICATION, Tissue.BLOOD],
        Tissue.TISSUE,
    )
    return TissueMap(classes.astype(np.uint8), median, max(sd, 0.5))

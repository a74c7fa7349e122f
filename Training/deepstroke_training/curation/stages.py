"""The steps of a case as functions of values: no disk, no state; ``cases.py`` joins them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.atlas.model import Atlas
from deepstroke.atlas.outlines import outlines
from deepstroke.register import SpatialTransform
from deepstroke.volume import LabelMap, Volume

#: HU outside the brain in stripped volumes, as in the template.
STRIPPED_HU = 0
_INT16 = np.iinfo(np.int16)


def whole_hu(volume: Volume) -> Volume:
    """A volume in whole HU, int16."""
    return volume.with_data(np.rint(np.clip(volume.data, _INT16.min, _INT16.max)).astype(np.int16))


def strip(volume: Volume, brain: LabelMap) -> Volume:
    """A volume with ``STRIPPED_HU`` outside the brain.

    Raises:
        GeometryError: the brain lies on another grid.
    """
    volume.require_same_grid(brain, "the brain mask")
    return volume.with_data(np.where(brain.mask, volume.data, np.asarray(STRIPPED_HU, volume.data.dtype)))


def carry_to_template(stripped: Volume, to_template: SpatialTransform, atlas: Atlas) -> Volume:
    """A stripped scan on the template's grid, linearly interpolated.

    Args:
        stripped: the scan in HU.
        to_template: maps points of the scan to the template.
        atlas: whose template's grid is filled.
    """
    return to_template.inverse().apply(stripped, atlas.template, order=1, outside=float(STRIPPED_HU))


def distances_to_outlines(points_ras: NDArray, labels: LabelMap) -> NDArray[np.float64]:
    """Distance in mm of points (N, 3) in RAS+ mm from the nearest outline voxel of any region, shape (N,)."""
    from scipy.spatial import cKDTree

    edge = outlines(labels)
    distance, _ = cKDTree(edge.ras_of(np.argwhere(edge.mask))).query(points_ras)
    return np.asarray(distance, dtype=np.float64)

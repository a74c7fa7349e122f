"""The steps of a case as functions of values: no disk, no state; ``cases.py`` joins them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.atlas.aggregate import OverlaySum
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.outlines import outlines
from deepstroke.atlas.overlay_cloud import OverlayCloud
from deepstroke.atlas.second_pass import refine
from deepstroke.dicom.overlays import OverlayPlanes, overlay_points, point_cloud
from deepstroke.dicom.stack import SliceStack
from deepstroke.errors import RegistrationError
from deepstroke.findings import Finding
from deepstroke.register import SpatialTransform
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.curated import CarriedOverlay

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


def overlay_cloud(planes: OverlayPlanes, slices: SliceStack) -> OverlayCloud:
    """The points of a series' overlays, all groups together, at their true places.

    Raises:
        GeometryError: planes and slices have different sizes.
    """
    step_mm = float(np.median(np.diff(slices.offsets_mm)))
    row_mm, column_mm = slices.pixel_spacing_mm
    return OverlayCloud(overlay_points(planes, slices), slices.normal_ras, (row_mm * column_mm) ** 0.5, step_mm)


def carry_overlay(cloud: OverlayCloud, scan: Volume, to_template: SpatialTransform, atlas: Atlas) -> CarriedOverlay:
    """An overlay as counts on the scan's grid and as outline on the template's.

    Args:
        cloud: its points.
        scan: its grid takes the counts and says what the case covers.
        to_template: maps points of the scan to the template.
        atlas: whose template's grid takes the outline.
    """
    alone = OverlaySum.of_case(cloud, to_template, scan, atlas.template)
    carried = np.where(alone.covered > 0, alone.outline, -1).astype(np.int32)
    return CarriedOverlay(point_cloud(cloud.points_ras, scan), atlas.template.with_data(carried))


def second_pass(
    to_template: SpatialTransform, cloud: OverlayCloud, atlas: Atlas
) -> tuple[SpatialTransform, Finding | None]:
    """The registration refined by the overlay, or the first pass itself and why it had to stay.

    Args:
        to_template: maps points of the scan to the template, from the first pass.
        cloud: the overlay.
        atlas: whose outlines it is matched to.
    """
    try:
        refined = refine(to_template, cloud, atlas)
    except RegistrationError as error:
        return to_template, Finding(error.code, str(error))
    news = refined.findings[len(to_template.findings) :]
    return refined, news[0] if news else None


def sum_of(carried: Volume) -> OverlaySum:
    """The sum of one case from what ``carry_overlay`` made of it."""
    covered = carried.data >= 0
    outline = np.where(covered, carried.data, 0).astype(np.int64)
    return OverlaySum(outline, covered.astype(np.int32), carried.ijk_to_ras, 1)


def distances_to_outlines(points_ras: NDArray, labels: LabelMap) -> NDArray[np.float64]:
    """Distance in mm of points (N, 3) in RAS+ mm from the nearest outline voxel of any region, shape (N,)."""
    from scipy.spatial import cKDTree

    edge = outlines(labels)
    distance, _ = cKDTree(edge.ras_of(np.argwhere(edge.mask))).query(points_ras)
    return np.asarray(distance, dtype=np.float64)

"""Large areas of the brain that are darker than their mirror image on the other side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.preprocess.cavity import SPACING_MM, Cavity
from deepstroke.preprocess.midsagittal import MidsagittalPlane
from deepstroke.preprocess.morphology import Mask, depth
from deepstroke.regions import Side

#: Smoothing in working voxels before both sides are compared.
SMOOTHING_VOXELS = 2.0
#: HU by which an area is darker than its mirror image, and HU that it stays below.
DARKER_HU, DARK_HU = 8.0, 24.0
#: Depth in mm below the surface of the brain at which both sides are compared: sulci and the skull differ.
COMPARED_DEPTH_MM = 5.0


@dataclass(frozen=True)
class DarkArea:
    """The largest area darker than its mirror image.

    Attributes:
        ml: its volume.
        side: the patient's side.
        difference_hu: mean of its HU less those of its mirror image.
    """

    ml: float
    side: Side
    difference_hu: float


def largest_dark_area(cavity: Cavity, plane: MidsagittalPlane) -> DarkArea | None:
    """The largest connected area at least 8 HU darker than its mirror image and below 24 HU; None without any.

    Old infarcts and large fresh ones show; a wide ventricle on one side can, too.
    """
    smooth = _smoothed_brain(cavity)
    depth_mm = depth(np.pad(cavity.brain, 1), SPACING_MM)[1:-1, 1:-1, 1:-1]
    difference = smooth - _mirrored(smooth, cavity, plane)
    compared = (depth_mm > COMPARED_DEPTH_MM) & (_mirrored(depth_mm, cavity, plane) > COMPARED_DEPTH_MM)
    labels, count = ndimage.label(compared & (difference < -DARKER_HU) & (smooth < DARK_HU))
    if count == 0:
        return None
    area: Mask = labels == 1 + np.bincount(labels.ravel())[1:].argmax()
    centre = cavity.head.ras_of(np.argwhere(area).mean(axis=0))
    side: Side = "right" if plane.signed_distance(centre) > 0 else "left"
    return DarkArea(float(area.sum() * SPACING_MM**3 / 1000.0), side, float(difference[area].mean()))


def _smoothed_brain(cavity: Cavity) -> NDArray[np.float32]:
    """HU smoothed within the brain, of whose surroundings nothing is mixed in."""
    weight = cavity.brain.astype(np.float32)
    hu = ndimage.gaussian_filter(np.clip(cavity.head.data, 0.0, 60.0) * weight, SMOOTHING_VOXELS)
    return hu / np.maximum(ndimage.gaussian_filter(weight, SMOOTHING_VOXELS), 0.2)


def _mirrored(values: NDArray, cavity: Cavity, plane: MidsagittalPlane) -> NDArray[np.float32]:
    ijk_to_mirrored = cavity.head.ras_to_ijk @ plane.reflection @ cavity.head.ijk_to_ras
    return ndimage.affine_transform(values, ijk_to_mirrored[:3, :3], ijk_to_mirrored[:3, 3], order=1, cval=0.0)

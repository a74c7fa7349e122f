"""Carry the cranial cavity from the coarse grid to the scan's own, its surface moved to where bone begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.preprocess.cavity import SPACING_MM, Cavity
from deepstroke.preprocess.morphology import Mask, depth, distance_to, largest_component
from deepstroke.preprocess.resampling import apply_along, bounding_box, linear_weights
from deepstroke.volume import Volume

#: HU above which a voxel at the brain's surface is bone: it holds about a sixth of compact bone. A lower value leaves
#: out the slanted edge of the brain in thick slices, a higher one takes in a bright rim.
SURFACE_HU = 220.0
#: HU below which a voxel at the brain's surface is air.
AIR_AT_SURFACE_HU = -200.0
#: How far in mm the surface found on the coarse grid may move to fit the scan.
SLACK_MM = 1.5
#: Width in mm of spurs that are cut off.
SPUR_MM = 3.0
#: Area in cm^2 below which a part of an axial layer that stands apart is dropped.
ISLAND_CM2 = 1.0


def refine(cavity: Cavity, volume: Volume) -> Mask:
    """The cavity on the scan's own grid.

    Args:
        cavity: what ``find_cavity`` found in the volume.
        volume: the scan, axes orthogonal and nearest to right, anterior and superior.

    Returns:
        bool mask of the volume's shape.
    """
    box = _box_around(cavity, volume)
    inside_mm = _signed_depth_on(volume, box, cavity)
    hu = _smoothed(volume.data[box], volume.spacing_mm)
    soft = (hu < SURFACE_HU) & (hu > AIR_AT_SURFACE_HU)
    brain = ((inside_mm > -SLACK_MM) & soft) | (inside_mm > 2 * SLACK_MM)
    brain = largest_component(_opened(brain, volume.spacing_mm))
    pixel_cm2 = volume.spacing_mm[0] * volume.spacing_mm[1] / 100.0
    result = np.zeros(volume.shape, dtype=bool)
    result[box] = _tidied_layers(brain, pixel_cm2) & (inside_mm > -SLACK_MM)
    return result


def _box_around(cavity: Cavity, volume: Volume) -> tuple[slice, slice, slice]:
    """The part of the volume that can hold the cavity."""
    low, high = np.array([(s.start - 2, s.stop + 1) for s in bounding_box(cavity.brain)]).T
    ends = volume.ijk_of(cavity.head.ras_of(np.stack([low, high])))
    start = np.clip(np.floor(ends.min(axis=0)).astype(int), 0, None)
    stop = np.minimum(np.ceil(ends.max(axis=0)).astype(int) + 1, volume.shape)
    return slice(start[0], stop[0]), slice(start[1], stop[1]), slice(start[2], stop[2])


def _signed_depth_on(volume: Volume, box: tuple[slice, slice, slice], cavity: Cavity) -> NDArray[np.float32]:
    """Distance in mm into the cavity (negative outside), within 6 mm of its surface, on a part of the volume's grid."""
    # Beyond the ends of the scan the cavity goes on: an end is no surface to move away from.
    padded = np.pad(cavity.brain, 3, mode="edge")
    signed = np.clip(depth(padded, SPACING_MM) - distance_to(padded, SPACING_MM), -6.0, 6.0)
    volume_to_cavity = cavity.head.ras_to_ijk @ volume.ijk_to_ras
    for axis, part in enumerate(box):
        step = volume_to_cavity[axis, axis]
        start = volume_to_cavity[axis, 3] + step * part.start + 3.0
        weights = linear_weights(padded.shape[axis], part.stop - part.start, start, step)
        signed = apply_along(weights, signed, axis)
        outside = np.flatnonzero(weights.sum(axis=1) == 0)
        signed[(slice(None),) * axis + (outside,)] = -6.0
    return signed


def _smoothed(hu: NDArray, spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """Average over about 1 mm against noise, along axes that are finer."""
    sizes = [2 * round(0.5 / step) + 1 if step < 1.0 else 1 for step in spacing_mm]
    return ndimage.uniform_filter(hu.astype(np.float32), sizes)


def _opened(brain: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    """Opening by a box of ``SPUR_MM`` along the axes that are finer than it, against spurs into the skull base."""
    sizes = [2 * round(0.5 * SPUR_MM / step) + 1 if step < 0.5 * SPUR_MM else 1 for step in spacing_mm]
    eroded = ndimage.minimum_filter(brain.view(np.uint8), sizes, mode="nearest")
    return ndimage.maximum_filter(eroded, sizes, mode="nearest").view(bool)


def _tidied_layers(brain: Mask, pixel_cm2: float) -> Mask:
    """Fill the holes of each axial layer and drop its islands: averages over orbital roofs look like brain."""
    tidy = np.zeros_like(brain)
    for k in np.flatnonzero(brain.any(axis=(0, 1))):
        layer = np.pad(brain[:, :, k], 1)
        outside, _ = ndimage.label(~layer)
        labels, _ = ndimage.label(layer | (outside > 1))
        areas_cm2 = np.bincount(labels.ravel()) * pixel_cm2
        areas_cm2[0] = 0.0
        kept = (areas_cm2 >= ISLAND_CM2) | (areas_cm2 == areas_cm2.max())
        tidy[:, :, k] = (kept[labels] & (labels > 0))[1:-1, 1:-1]
    return tidy

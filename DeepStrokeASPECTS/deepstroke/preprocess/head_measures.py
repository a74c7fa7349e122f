"""What can be measured on a head CT besides its brain: the skull, the coverage, dense and dark tissue, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.preprocess.cavity import SOFT_HU, SPACING_MM, Cavity
from deepstroke.preprocess.image_quality import movement_mm, noise_hu
from deepstroke.preprocess.morphology import Mask, depth, dilate, distance_to, erode
from deepstroke.preprocess.resampling import bounding_box
from deepstroke.volume import Volume

VOXEL_ML = SPACING_MM**3 / 1000.0
#: cm^2 of surface for each voxel of a mask's face-connected surface: h^2 over the mean of max |n_i| on a sphere.
SURFACE_CM2 = SPACING_MM**2 / 0.83 / 100.0
#: Distance in mm from bone above which the surface of the brain is uncovered.
UNCOVERED_MM = 6.0
#: Distance in mm from the outside within which there is room for neither skull nor scalp.
BARE_MM = 3.0
#: HU of fresh blood, averaged over 6 mm; above lie calcifications.
BLOOD_HU = (58.0, 100.0)
#: HU of vessels filled with contrast medium, averaged over a working voxel.
CONTRAST_HU = (110.0, 350.0)
#: Depth in mm in which neither averages with bone nor the venous sinuses count as dense tissue.
CLEAR_OF_SKULL_MM = 6.0
#: Tangents of the elevation over the cavity's centre above which its surface is vault: at the sides and behind, and in
#: front, where the roofs of the orbits come up in a raised head.
VAULT_ELEVATION, FRONTAL_VAULT_ELEVATION = 0.0, 0.36
#: Distance in mm from the cavity within which bone is calvarium and metal matters.
AROUND_MM = 16.0
#: HU that only metal exceeds.
METAL_HU = 2400.0


@dataclass(frozen=True)
class HeadMeasures:
    """Measures of a head CT.

    Attributes:
        brain_ml: volume of the cranial cavity that the scan shows.
        length_mm: its largest extent along the scan's axes.
        height_mm: its extent along the scan's superior axis.
        enclosed: fraction 0..1 of the deep tissue's surface that faces bone.
        median_hu: median of tissue deeper than 4 mm, averaged over 6 mm.
        spread_hu: from the 0.5th to the 99.5th percentile of the same.
        skull_mm: mean thickness of the calvarium, its volume over the area of the cavity's upper surface.
        skull_hu: median of the densest bone over the upper surface; 0 where the scan shows none of it.
        defect_cm2: area of the cavity's upper surface that no bone covers.
        open_cm2: area of the cavity cut off by the end of the scan below, above, and at the sides or the field's edge.
        blood_like_ml: largest cluster of 58-100 HU that is neither near the skull nor thin.
        contrast_like_ml: voxels of 110-350 HU deep in the cavity: enhanced vessels or calcifications.
        metal_ml: voxels above 2400 HU in the cavity and within 16 mm of it.
        air_ml: air in the cavity.
        noise_hu: standard deviation of the noise in the brain.
        movement_mm: largest jump of the brain from slice to slice.
    """

    brain_ml: float
    length_mm: float
    height_mm: float
    enclosed: float
    median_hu: float
    spread_hu: float
    skull_mm: float
    skull_hu: float
    defect_cm2: float
    open_cm2: tuple[float, float, float]
    blood_like_ml: float
    contrast_like_ml: float
    metal_ml: float
    air_ml: float
    noise_hu: float
    movement_mm: float


def measure_head(cavity: Cavity, brain: Mask, volume: Volume) -> HeadMeasures:
    """Measure a head.

    Args:
        cavity: what ``find_cavity`` found.
        brain: its mask on the scan's own grid.
        volume: the scan.
    """
    hu = cavity.head.data
    depth_mm = depth(np.pad(cavity.brain, 1), SPACING_MM)[1:-1, 1:-1, 1:-1]
    averaged = ndimage.uniform_filter(hu, 3)
    low, median, high = np.percentile(averaged[depth_mm > min(4.0, depth_mm.max() / 2)], (0.5, 50.0, 99.5))
    extent = [(s.stop - s.start) * SPACING_MM for s in bounding_box(cavity.brain)]
    vault = _vault(cavity, depth_mm <= SPACING_MM)
    near = distance_to(cavity.brain, SPACING_MM) <= AROUND_MM
    below, above, sides = _open_areas(cavity)
    return HeadMeasures(
        brain_ml=float(np.count_nonzero(brain) * volume.voxel_ml),
        length_mm=max(extent[:2]),
        height_mm=extent[2],
        enclosed=cavity.enclosed,
        median_hu=float(median),
        spread_hu=float(high - low),
        skull_mm=_skull_thickness(cavity, vault, near),
        skull_hu=float(np.median(ndimage.maximum_filter(hu, 7)[vault])) if vault.any() else 0.0,
        defect_cm2=_defect(cavity, vault),
        open_cm2=(below, above, sides),
        blood_like_ml=_blood_like(averaged, depth_mm),
        contrast_like_ml=_ml((hu > CONTRAST_HU[0]) & (hu < CONTRAST_HU[1]) & (depth_mm > CLEAR_OF_SKULL_MM)),
        metal_ml=_ml(near & (hu > METAL_HU)),
        air_ml=_ml(cavity.brain & (hu < -300.0)),
        noise_hu=noise_hu(volume, brain),
        movement_mm=movement_mm(volume, brain),
    )


def _ml(mask: Mask) -> float:
    return float(np.count_nonzero(mask) * VOXEL_ML)


def _upper(cavity: Cavity) -> Mask:
    """Where the vault lies as seen from the cavity's centre."""
    centre = np.argwhere(cavity.brain).mean(axis=0)
    i, j, k = np.ogrid[tuple(slice(0, n) for n in cavity.brain.shape)]
    right, anterior, superior = i - centre[0], j - centre[1], k - centre[2]
    least = np.where(anterior > np.abs(right), FRONTAL_VAULT_ELEVATION, VAULT_ELEVATION)
    return np.asarray(superior > least * np.hypot(right, anterior))


def _vault(cavity: Cavity, surface: Mask) -> Mask:
    """The cavity's surface under the calvarium, away from the ends of the scan."""
    return cavity.brain & surface & _upper(cavity) & ~_near_end_of_scan(cavity)


def _near_end_of_scan(cavity: Cavity) -> Mask:
    """Where the missing bone may lie beyond the scan."""
    cut = np.zeros_like(cavity.brain)
    for face in _faces():
        cut[face] = cavity.brain[face]
    cut |= _at_edge_of_field(cavity)
    if not cut.any():
        return cut
    return distance_to(cut, SPACING_MM) <= 2 * UNCOVERED_MM


def _at_edge_of_field(cavity: Cavity) -> Mask:
    """The cavity's surface where no bone and no scalp lie between it and the outside: the field ends there."""
    surface = cavity.brain & (depth(np.pad(cavity.brain, 1, mode="edge"), SPACING_MM)[1:-1, 1:-1, 1:-1] <= SPACING_MM)
    return surface & (distance_to(cavity.outside, SPACING_MM) <= BARE_MM)


def _faces() -> list[tuple[slice | int, ...]]:
    """Indices of the lowest and highest layer, then of the four sides."""
    whole = slice(None)
    return [(whole, whole, 0), (whole, whole, -1), (0,), (-1,), (whole, 0), (whole, -1)]


def _skull_thickness(cavity: Cavity, vault: Mask, near: Mask) -> float:
    bone_ml = _ml(near & cavity.skull & _upper(cavity))
    return 10.0 * bone_ml / max(np.count_nonzero(vault) * SURFACE_CM2, 1.0)


def _defect(cavity: Cavity, vault: Mask) -> float:
    # A thin vault in thick slices is averaged down to little more than soft tissue.
    covering = (cavity.head.data >= SOFT_HU[1]) & ~cavity.brain
    uncovered = vault & (distance_to(covering, SPACING_MM) > UNCOVERED_MM)
    if not uncovered.any():
        return 0.0
    return float(np.count_nonzero(vault & dilate(uncovered, UNCOVERED_MM, SPACING_MM)) * SURFACE_CM2)


def _open_areas(cavity: Cavity) -> tuple[float, float, float]:
    """cm^2 of the cavity in the scan's end layers: below, above, and at the sides together with the field's edge."""
    areas = [np.count_nonzero(cavity.brain[face]) * SPACING_MM**2 / 100.0 for face in _faces()]
    field = np.count_nonzero(_at_edge_of_field(cavity)) * SURFACE_CM2
    return areas[0], areas[1], sum(areas[2:]) + field


def _blood_like(averaged: NDArray, depth_mm: NDArray) -> float:
    dense = (averaged > BLOOD_HU[0]) & (averaged < BLOOD_HU[1]) & (depth_mm > CLEAR_OF_SKULL_MM)
    if not dense.any():
        return 0.0
    compact = dilate(erode(dense, SPACING_MM, SPACING_MM), SPACING_MM, SPACING_MM) & dense
    labels, count = ndimage.label(compact)
    return float(np.bincount(labels.ravel())[1:].max() * VOXEL_ML) if count else 0.0

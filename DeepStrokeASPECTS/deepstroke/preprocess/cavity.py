"""Find the cranial cavity of a head CT on a coarse isotropic grid, by thresholds, distances and connectivity.

The cavity is brain with its meninges, cerebrospinal fluid (CSF) and vessels up to the inner table, cut a little
below the foramen magnum. Skull base and neck are full of soft tissue that touches the brain through openings; none
of these is as wide as a ball that fits into the brain, so a core is found by depth and grown back by a bounded reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import InputError
from deepstroke.preprocess.morphology import (
    Mask,
    close,
    component_with,
    depth,
    dilate,
    dilate_by_voxel,
    distance_to,
    erode,
    largest_component,
    without_small_holes,
)
from deepstroke.preprocess.resampling import bounding_box, isotropic_grid, resample
from deepstroke.volume import Volume

#: Voxel size in mm of the grid that the cavity is found on.
SPACING_MM = 2.0
#: HU of brain, CSF and fresh blood after averaging over a working voxel; fat lies below, bone above.
SOFT_HU = (-15.0, 120.0)
#: Standard deviation in HU of the noise on the coarse grid that these limits bear.
BEARABLE_NOISE_HU = 6.0
#: HU below which there is air, or nothing was reconstructed.
AIR_HU = -300.0
#: HU that only bone, metal and contrast medium exceed.
BONE_HU = 250.0
#: Volume in ml up to which enclosed dense or dark spots count as the tissue around them: noise, chalk in the choroid.
SPECK_ML = 1.0
#: Depth in mm of the core: more than the half width of the spinal canal, the orbits and the gaps of the skull base.
CORE_DEPTH_MM = 12.0
#: How far in mm tissue of the cavity may lie outside the opened core: gyrus rectus, temporal poles, tonsils.
REACH_MM = 10.0
#: Half width in mm of the narrowest passage that growth may take: the foramina of the skull base are narrower.
PASSAGE_MM = 4.0
#: Half width in mm below which what was grown is a lining of sinuses or a spur into bone.
LINING_MM = 3.0
#: Half width in mm of the thickest calcified plate.
PLATE_MM = 3.0
#: Depth in mm from other tissue or air to which a thin dense plate is a wall of the cavity, not a calcification.
WALL_MM = 6.0
#: HU of the darkest streaks through the brain beside metal and dense bone.
DARKEST_STREAK_HU = -200.0
#: Share of an air pocket's surroundings that is brain when the pocket lies in the cavity.
POCKET_CONTACT = 0.35
#: Mean HU below which a pocket holds air, not the fat of an orbit.
POCKET_HU = -150.0
#: Cross-section in cm^2 of the spinal canal and the foramen magnum (7-10 cm^2 in adults) with some margin.
CANAL_CM2 = 11.0
#: How far in mm the cavity goes below the level at which the posterior fossa narrows to ``CANAL_CM2``.
BELOW_FORAMEN_MM = 4.0
#: Half width in mm of the air around a head; that in nose and mouth is narrower.
OUTSIDE_MM = 6.0
#: Share of the core's surface that may face the edge of the reconstructed field and still be left out of account.
MOST_BEYOND_FIELD = 0.4
#: Height in mm below the top of the bones in which a head is looked for.
HEAD_HEIGHT_MM = 280.0


@dataclass(frozen=True, eq=False)
class Cavity:
    """The cranial cavity on a coarse grid.

    Attributes:
        head: HU on an isotropic grid of ``SPACING_MM`` along the scan's axes, cropped to the bones.
        brain: bool mask of the cavity on that grid.
        skull: bool mask of bone (and metal) on that grid.
        outside: bool mask of the air around the head, and of what the reconstructed field doesn't hold.
        enclosed: fraction 0..1 of the core's surface whose nearest other tissue is bone, without what faces the edge of
            the reconstructed field.
        cut_at_foramen: whether the cavity was cut at the foramen magnum, not at the end of the scan.
    """

    head: Volume
    brain: Mask
    skull: Mask
    outside: Mask
    enclosed: float
    cut_at_foramen: bool


def find_cavity(volume: Volume) -> Cavity:
    """The cranial cavity of a head CT with orthogonal axes that point nearest to right, anterior and superior.

    Raises:
        InputError: there is no bone, or no soft tissue as deep as a brain.
    """
    head = _working_head(volume)
    hu = _denoised(head.data)
    soft = (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
    solid = without_small_holes(soft, round(1000.0 * SPECK_ML / SPACING_MM**3))
    outside = outside_of(head.data)
    core, enclosed = _core(solid, hu, outside)
    brain = _grow(core, soft)
    foramen = _foramen_level(brain)
    brain[:, :, :foramen] = False
    brain = _without_linings(ndimage.binary_fill_holes(brain))
    brain = _with_air(_with_gaps_filled(brain, hu, foramen), hu)
    if not brain.any():
        raise InputError("no soft tissue as deep as a brain: not a CT of a head", code="not-a-head")
    return Cavity(head, brain, head.data > BONE_HU, outside, enclosed, foramen > 0)


def _working_head(volume: Volume) -> Volume:
    """The volume on the coarse grid, cropped to its largest bone and to the height of a head."""
    coarse = resample(volume, isotropic_grid(volume, SPACING_MM))
    bone = largest_component(coarse.data > BONE_HU)
    if not bone.any():
        raise InputError("no bone in the volume: not a CT of a head", code="not-a-head")
    # A field that cuts the vault off leaves brain beyond the outermost bones.
    box = bounding_box(bone, margin=int(20.0 / SPACING_MM))
    height = int(HEAD_HEIGHT_MM / SPACING_MM)
    box = (box[0], box[1], slice(max(box[2].start, box[2].stop - height), box[2].stop))
    ijk_to_ras = coarse.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] = coarse.ras_of(np.array([s.start for s in box]))
    return Volume(np.ascontiguousarray(coarse.data[box]), ijk_to_ras)


def _denoised(hu: NDArray) -> NDArray[np.float32]:
    """HU smoothed just enough for thresholds on soft tissue to hold; the HU of bone and air are limited first.

    A Gaussian of s voxels lowers the standard deviation of white noise in three dimensions by (2 sqrt(pi) s)^1.5.
    """
    limited = np.clip(hu, -300.0, 400.0)
    soft = np.abs(limited[1:] + limited[:-1]) < 200.0
    steps = np.abs(np.diff(limited, axis=0))[soft]
    noise = 1.4826 * float(np.median(steps)) / np.sqrt(2.0) if steps.size else 0.0
    if noise <= BEARABLE_NOISE_HU:
        return limited
    sigma = (noise / BEARABLE_NOISE_HU) ** (2 / 3) / (2.0 * np.sqrt(np.pi))
    return ndimage.gaussian_filter(limited, min(sigma, 1.2))


def outside_of(hu: NDArray) -> Mask:
    """Air that goes on to the sides of the grid through wide spaces: that in sinuses, ears and throat does not."""
    margin = int(OUTSIDE_MM / SPACING_MM) + 1
    air = np.pad(hu < AIR_HU, ((margin, margin), (margin, margin), (0, 0)), constant_values=True)
    wide = depth(air, SPACING_MM) > OUTSIDE_MM
    border = np.ones_like(air)
    border[1:-1, 1:-1] = False
    around = dilate(component_with(wide, border), OUTSIDE_MM, SPACING_MM) & air
    return np.asarray(around[margin:-margin, margin:-margin])


def _core(soft: Mask, hu: NDArray, outside: Mask) -> tuple[Mask, float]:
    """The deep soft tissue that bone encloses best among the large ones, and how much of it is enclosed."""
    # At a side of the grid tissue is cut off as at the edge of the field; at the ends of the scan it may go on.
    around = ((1, 1), (1, 1), (0, 0))
    # Voxels at the edge of the field average tissue with what isn't there.
    framed, edge = np.pad(soft, around), dilate(np.pad(outside, around, constant_values=True), 4.0, SPACING_MM)
    # Sharp kernels draw a dark rim along the inner table.
    hard = ndimage.maximum_filter(np.pad(hu, around, constant_values=-1000.0), 3) >= SOFT_HU[1]
    inside, nearest = ndimage.distance_transform_edt(framed, return_indices=True)
    deep = inside * SPACING_MM > CORE_DEPTH_MM
    labels, count = ndimage.label(deep)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    candidates = [n for n in range(1, count + 1) if sizes[n] >= 0.25 * sizes[1:].max()]
    if not candidates:
        raise InputError("no soft tissue as deep as a brain: not a CT of a head", code="not-a-head")
    surface = deep & (inside * SPACING_MM <= CORE_DEPTH_MM + SPACING_MM)
    facing = tuple(nearest[axis][surface] for axis in range(3))
    bone, beyond, owner = hard[facing], edge[facing], labels[surface]
    fractions = {n: _enclosed(bone[owner == n], beyond[owner == n]) for n in candidates}
    best = max(candidates, key=lambda n: fractions[n] * sizes[n] ** 0.25)
    return labels[1:-1, 1:-1] == best, fractions[best]


def _enclosed(bone: Mask, beyond: Mask) -> float:
    """Share of a surface that faces bone; skin and skull lie between brain and air unless the field ends there."""
    seen = ~beyond if beyond.mean() <= MOST_BEYOND_FIELD else np.ones_like(beyond)
    return float(bone[seen].mean())


def _grow(core: Mask, soft: Mask) -> Mask:
    """Soft tissue within reach of the opened core through passages wider than the foramina of the skull base."""
    wide = depth(soft, SPACING_MM) > PASSAGE_MM
    reachable = distance_to(core, SPACING_MM) <= CORE_DEPTH_MM + REACH_MM - PASSAGE_MM
    grown = component_with(wide & reachable, core)
    return dilate(grown, PASSAGE_MM + 0.75 * SPACING_MM, SPACING_MM) & soft


def _foramen_level(brain: Mask) -> int:
    """The lowest layer that belongs to the cavity; 0 where the scan ends above the foramen magnum."""
    area_cm2 = brain.sum(axis=(0, 1)) * SPACING_MM**2 / 100.0
    wide = np.flatnonzero(area_cm2 > CANAL_CM2)
    if wide.size == 0 or wide[0] == np.flatnonzero(area_cm2)[0]:
        return 0
    return max(int(wide[0] - BELOW_FORAMEN_MM / SPACING_MM), 0)


def _without_linings(brain: Mask) -> Mask:
    """Drop thin layers: averages of air and bone along sinuses and mastoid cells look like soft tissue."""
    # The lower and upper ends of a scan are no surfaces of the brain.
    padded = np.pad(brain, 1, mode="edge")
    thick = erode(padded, LINING_MM, SPACING_MM)[1:-1, 1:-1, 1:-1]
    return brain & dilate(largest_component(thick), LINING_MM + 0.75 * SPACING_MM, SPACING_MM)


def _with_gaps_filled(brain: Mask, hu: NDArray, foramen: int) -> Mask:
    """Add calcified choroid, pineal and falx, and dark streaks: whatever is enclosed, and what fills narrow gaps."""
    bone = hu >= SOFT_HU[1]
    skull = dilate(erode(bone, PLATE_MM, SPACING_MM), PLATE_MM + 0.25 * SPACING_MM, SPACING_MM)
    gaps = close(brain, 2 * SPACING_MM, SPACING_MM)
    # Thin plates that other tissue or air lies behind are walls of orbits and sinuses.
    walls = distance_to(~(bone | gaps), SPACING_MM) <= WALL_MM
    added = gaps & ~skull & ~walls & (hu > DARKEST_STREAK_HU)
    added[:, :, :foramen] = False
    return np.asarray(ndimage.binary_fill_holes(brain | added))


def _with_air(brain: Mask, hu: NDArray) -> Mask:
    """Add pockets of air that lie between brain and skull; those of sinuses and mastoid cells lie in bone."""
    labels, count = ndimage.label((hu <= SOFT_HU[0]) & ~brain)
    rims = dilate_by_voxel(labels)
    shells = (rims > 0) & (labels == 0)
    contact = _sums(rims[shells], brain[shells], count) / np.maximum(_sums(rims[shells], None, count), 1)
    mean_hu = _sums(labels, hu, count) / np.maximum(_sums(labels, None, count), 1)
    pockets = (contact >= POCKET_CONTACT) & (mean_hu < POCKET_HU)
    pockets[0] = False
    return brain | pockets[labels]


def _sums(labels: NDArray, values: NDArray | None, count: int) -> NDArray:
    """Sum of values (or number of voxels) for each label 0..count."""
    weights = None if values is None else values.ravel().astype(np.float64)
    return np.bincount(labels.ravel(), weights=weights, minlength=count + 1)

"""What else than early ischemia changes a brain's density: blood, old defects, and dark areas of other arteries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.frames import Affine
from deepstroke.regions import REGIONS, Side
from deepstroke.scoring.tissue import Tissue, TissueMap
from deepstroke.scoring.working_scan import Mask, WorkingScan

#: ml of the smallest lesions that are named: a clot, a defect, a dark area.
LEAST_BLOOD_ML, LEAST_DEFECT_ML, LEAST_DARK_ML = 1.5, 2.5, 8.0
#: ml from which on a clot may lie in a single slice: the skull's vault blurs into the highest ones.
SINGLE_SLICE_ML = 4.0
#: Depth in mm below the brain's surface from which on blood, and dark areas, are looked for: the skull's blur, the
#: venous sinuses and wide sulci lie above.
BLOOD_DEPTH_MM, DARK_DEPTH_MM = 5.0, 4.0
#: Share of a dense component that is blood and not calcification.
BLOOD_SHARE = 0.7
#: Smoothing in mm (standard deviation) before both sides are compared.
SMOOTHING_MM = 4.0
#: HU by which a smoothed area is darker than its mirror image, and below the scan's own tissue.
DARKER_HU, DARK_BELOW_HU = 5.0, 2.0
#: Share of fluid around a point's mirror image up to which fluid there is a defect of one side and no ventricle.
MIRRORED_FLUID = 0.3
#: Share of a dark area outside the regions from which on it is no infarct of the middle cerebral artery.
OUTSIDE_SHARE = 0.6
#: Pairs of regions that must be there to know where the brain mirrors.
LEAST_PAIRS = 3


@dataclass(frozen=True, eq=False)
class Lesion:
    """One lesion.

    Attributes:
        mask: its voxels on the working grid.
        ml: its volume.
        side: the patient's side; None where nobody knows.
        inside: fraction 0..1 of it within the regions.
        place: where it lies relative to the regions, in words.
    """

    mask: Mask
    ml: float
    side: Side | None
    inside: float
    place: str


@dataclass(frozen=True, eq=False)
class Lesions:
    """All that was found, each kind from large to small.

    Attributes:
        blood: clots.
        defects: one-sided areas as dark as CSF.
        foreign: darker than their mirror image, mostly outside the regions.
    """

    blood: tuple[Lesion, ...] = ()
    defects: tuple[Lesion, ...] = ()
    foreign: tuple[Lesion, ...] = ()


@dataclass(frozen=True, eq=False)
class Mirror:
    """The plane about which the regions of both sides mirror.

    Attributes:
        normal: unit vector in RAS+ to the patient's right.
        offset_mm: the plane holds the points whose product with the normal is this.
    """

    normal: NDArray[np.float64]
    offset_mm: float

    @property
    def reflection(self) -> Affine:
        """4 x 4 affine from RAS+ mm to the mirrored RAS+ mm."""
        matrix = np.eye(4)
        matrix[:3, :3] -= 2.0 * np.outer(self.normal, self.normal)
        matrix[:3, 3] = 2.0 * self.offset_mm * self.normal
        return matrix

    def mirrored(self, values: NDArray, scan: WorkingScan) -> NDArray[np.float32]:
        """Values on the working grid as seen in the mirror."""
        to_mirrored = np.linalg.inv(scan.ijk_to_ras) @ self.reflection @ scan.ijk_to_ras
        return ndimage.affine_transform(values.astype(np.float32), to_mirrored[:3, :3], to_mirrored[:3, 3], order=1)

    def side_of(self, mask: Mask, scan: WorkingScan) -> Side:
        """On which side a mask lies."""
        centre = _centre(mask, scan)
        return "right" if float(centre @ self.normal) > self.offset_mm else "left"


def find_mirror(scan: WorkingScan) -> Mirror | None:
    """The mirror plane from the centres of the regions; None where too few pairs are there."""
    pairs = []
    for region in REGIONS:
        sides = [scan.labels == region.label(side) for side in ("left", "right")]
        if all(mask.any() for mask in sides):
            pairs.append([_centre(mask, scan) for mask in sides])
    if len(pairs) < LEAST_PAIRS:
        return None
    left, right = np.array(pairs).transpose(1, 0, 2)
    across = (right - left).sum(axis=0)
    normal = across / max(float(np.linalg.norm(across)), 1e-6)
    return Mirror(normal, float(np.mean((left + right) / 2 @ normal)))


def find_lesions(scan: WorkingScan, tissue: TissueMap, mirror: Mirror | None) -> Lesions:
    """Look for blood, and, where the mirror plane is known, for old defects and dark areas of other arteries."""
    depth_mm = ndimage.distance_transform_edt(scan.brain, sampling=scan.spacing_mm)
    blood = _blood(scan, tissue, depth_mm, mirror)
    if mirror is None:
        return Lesions(blood)
    defects = _defects(scan, tissue, depth_mm, mirror)
    return Lesions(blood, defects, _foreign(scan, tissue, depth_mm, mirror, blood + defects))


def without_lesions(tissue: TissueMap, lesions: Lesions) -> TissueMap:
    """The tissue map without clots, old defects and foreign dark areas, each with a voxel around it in its slice."""
    classes = tissue.classes.copy()
    for lesion in (*lesions.blood, *lesions.defects, *lesions.foreign):
        grown = ndimage.binary_dilation(lesion.mask, structure=_IN_SLICE)
        classes[grown & (classes == Tissue.TISSUE)] = Tissue.FOREIGN
    return TissueMap(classes, tissue.median_hu, tissue.sd_hu)


_IN_SLICE = np.zeros((3, 3, 3), dtype=bool)
_IN_SLICE[:, 1, 1] = _IN_SLICE[1, :, 1] = True


def _blood(scan: WorkingScan, tissue: TissueMap, depth_mm: NDArray, mirror: Mirror | None) -> tuple[Lesion, ...]:
    blood = tissue.classes == Tissue.BLOOD
    dense = (blood | (tissue.classes == Tissue.CALCIFICATION)) & (depth_mm > BLOOD_DEPTH_MM)
    core = ndimage.binary_opening(dense, structure=_IN_SLICE)
    found = _components(core, scan, LEAST_BLOOD_ML)
    clots = [
        mask
        for mask in found
        if np.count_nonzero(mask & blood) >= BLOOD_SHARE * np.count_nonzero(mask)
        and (mask.any(axis=(0, 1)).sum() > 1 or np.count_nonzero(mask) * scan.voxel_ml >= SINGLE_SLICE_ML)
    ]
    return _lesions(clots, scan, mirror)


def _defects(scan: WorkingScan, tissue: TissueMap, depth_mm: NDArray, mirror: Mirror) -> tuple[Lesion, ...]:
    fluid = tissue.classes == Tissue.FLUID
    around = ndimage.gaussian_filter(fluid.astype(np.float32), [SMOOTHING_MM / s for s in scan.spacing_mm])
    one_sided = fluid & (mirror.mirrored(around, scan) < MIRRORED_FLUID) & (depth_mm > BLOOD_DEPTH_MM / 2)
    core = ndimage.binary_opening(one_sided, structure=_IN_SLICE)
    return _lesions(_components(core, scan, LEAST_DEFECT_ML), scan, mirror)


def _foreign(
    scan: WorkingScan, tissue: TissueMap, depth_mm: NDArray, mirror: Mirror, others: tuple[Lesion, ...]
) -> tuple[Lesion, ...]:
    """Dark areas that lie mostly outside the regions."""
    smooth = _smoothed_tissue(scan, tissue)
    darker = mirror.mirrored(smooth, scan) - smooth
    deep = np.minimum(depth_mm, mirror.mirrored(depth_mm, scan)) > DARK_DEPTH_MM
    dark = deep & (darker > DARKER_HU) & (smooth < tissue.median_hu - DARK_BELOW_HU)
    for other in others:
        dark &= ~ndimage.binary_dilation(other.mask, iterations=2)
    found = _components(ndimage.binary_opening(dark, structure=_IN_SLICE), scan, LEAST_DARK_ML)
    return tuple(lesion for lesion in _lesions(found, scan, mirror) if lesion.inside <= 1.0 - OUTSIDE_SHARE)


def _smoothed_tissue(scan: WorkingScan, tissue: TissueMap) -> NDArray[np.float32]:
    """HU of tissue smoothed among itself, so that sulci and ventricles don't rule; elsewhere the scan's own median."""
    seen = tissue.classes == Tissue.TISSUE
    sigma = [SMOOTHING_MM / s for s in scan.spacing_mm]
    weight = ndimage.gaussian_filter(seen.astype(np.float32), sigma)
    smooth = ndimage.gaussian_filter(scan.hu * seen, sigma) / np.maximum(weight, 0.3)
    return np.where(weight > 0.3, smooth, tissue.median_hu).astype(np.float32)


def _place(mask: Mask, scan: WorkingScan) -> str:
    """Where an area lies relative to the regions, in words."""
    if not scan.labels.any():
        return "somewhere in the brain"
    labelled = np.argwhere(scan.labels > 0) @ scan.ijk_to_ras[:3, :3].T + scan.ijk_to_ras[:3, 3]
    low, high = np.percentile(labelled, [5, 95], axis=0)
    centre = _centre(mask, scan)
    if centre[2] < low[2]:
        return "below the ASPECTS levels (posterior fossa or temporal base)"
    middle = (low[1] + high[1]) / 2
    if centre[1] < middle:
        return "behind the ASPECTS regions (posterior cerebral artery?)"
    return "in front of or beside the ASPECTS regions (anterior cerebral artery?)"


def _components(mask: Mask, scan: WorkingScan, least_ml: float) -> list[Mask]:
    """The face-connected components of at least so many ml, from large to small."""
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    order = [n for n in np.argsort(-sizes) if sizes[n] * scan.voxel_ml >= least_ml]
    return [labels == n + 1 for n in order]


def _lesions(masks: list[Mask], scan: WorkingScan, mirror: Mirror | None) -> tuple[Lesion, ...]:
    return tuple(
        Lesion(
            mask=mask,
            ml=float(np.count_nonzero(mask) * scan.voxel_ml),
            side=None if mirror is None else mirror.side_of(mask, scan),
            inside=float(np.count_nonzero(mask & (scan.labels > 0)) / np.count_nonzero(mask)),
            place=_place(mask, scan),
        )
        for mask in masks
    )


def _centre(mask: Mask, scan: WorkingScan) -> NDArray[np.float64]:
    """RAS+ mm of a mask's middle."""
    return np.asarray(scan.ijk_to_ras[:3, :3] @ np.argwhere(mask).mean(axis=0) + scan.ijk_to_ras[:3, 3])

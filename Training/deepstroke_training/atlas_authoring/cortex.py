"""The six cortical MCA regions of one hemisphere: sectors between named planes, within reach of the brain's edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke_training.atlas_authoring import frame
from deepstroke_training.atlas_authoring.deep import DeepStructures, Mask
from deepstroke_training.atlas_authoring.landmarks import GANGLIONIC, LEVELS, ROUNDING, SIGNAL, SUPRAGANGLIONIC
from deepstroke_training.atlas_authoring.tissues import HemisphereTissues

#: Region numbers of M1..M6.
CORTICAL_NUMBERS = (5, 6, 7, 8, 9, 10)
#: Sulci up to twice this wide are filled.
_SULCUS_MM = 8


def cortical_regions(tissues: HemisphereTissues, deep: DeepStructures) -> NDArray[np.uint8]:
    """Region numbers 5..10 (M1..M6) over the hemisphere, 0 elsewhere; sulci belong to their region."""
    _, _, z = frame.hemisphere_mm()
    cortex = _filled_to_the_surface(tissues)
    depth = _depth_mm(cortex)
    free = cortex & ~_core(deep)
    lower = _ganglionic(depth, deep) * (free & (z >= LEVELS.lowest) & (z < LEVELS.split))
    upper = _supraganglionic(depth) * (free & (z > LEVELS.split) & (z <= LEVELS.highest))
    return _rounded(lower, z < LEVELS.split) + _rounded(upper, z > LEVELS.split)


def _ganglionic(depth: NDArray, deep: DeepStructures) -> NDArray[np.uint8]:
    """M1, M2 and M3 by the planes of the ganglionic level, without regard to the brain's edge."""
    u, y, z = frame.hemisphere_mm()
    plan = GANGLIONIC
    temporal = z < plan.temporal_stem_top_z
    beside = np.where(temporal, plan.temporal_stem_u, plan.opercular_u)
    opercular = u > _lateral_edge_of(deep.insula, beside)
    mesial = (u < plan.temporal_stem_u) & temporal & (y < plan.m1_m2.y_at(u))
    territory = (plan.aca.ahead(u, y) <= 0) & (plan.pca.ahead(u, y) >= 0) & ~mesial
    before, behind = plan.m1_m2.ahead(u, y) > 0, plan.m2_m3.ahead(u, y) < 0
    between = ~before & ~behind
    sectors = np.select(
        [before & (depth <= plan.m1_depth), behind & (depth <= plan.m3_depth), between & opercular], [5, 7, 6], 0
    )
    return np.where(territory, sectors, 0).astype(np.uint8)


def _supraganglionic(depth: NDArray) -> NDArray[np.uint8]:
    """M4, M5 and M6 by the planes of the supraganglionic level, without regard to the brain's edge."""
    u, y, z = frame.hemisphere_mm()
    plan = SUPRAGANGLIONIC
    rise = (z - LEVELS.split) / (LEVELS.highest - LEVELS.split)
    wall = plan.medial_u[0] + (plan.medial_u[1] - plan.medial_u[0]) * rise
    wall = wall + np.maximum(y - plan.frontal_from_y, 0.0) * plan.frontal_slope
    territory = (depth <= plan.depth_mm) & (u >= wall) & (plan.pca.ahead(u, y) >= 0)
    front, back = plan.m4_m5.y_at(u, z), plan.m5_m6.y_at(u, z)
    sectors = np.select([y > front, y < back], [8, 10], 9)
    return np.where(territory, sectors, 0).astype(np.uint8)


def _filled_to_the_surface(tissues: HemisphereTissues) -> Mask:
    """Brain tissue with its sulci and fissures filled, without the CSF over the convexity."""
    tissue = frame.mirrored(tissues.grey + tissues.white > SIGNAL.tissue_above)
    disc = np.hypot(*np.mgrid[-_SULCUS_MM : _SULCUS_MM + 1, -_SULCUS_MM : _SULCUS_MM + 1]) <= _SULCUS_MM
    padded = np.pad(tissue, ((_SULCUS_MM,) * 2, (_SULCUS_MM,) * 2, (0, 0)))
    closed = ndimage.binary_closing(padded, structure=disc[:, :, None])
    filled = np.stack([ndimage.binary_fill_holes(closed[:, :, k]) for k in range(closed.shape[2])], axis=-1)
    inner = slice(_SULCUS_MM, -_SULCUS_MM)
    return filled[inner, inner][frame.X_MAX :] & tissues.brain


def _core(deep: DeepStructures) -> Mask:
    """Everything deep, which no cortical region may claim."""
    nuclei = deep.caudate | deep.lentiform | deep.thalamus | deep.internal_capsule | deep.insula
    return nuclei | ndimage.binary_dilation(deep.ventricle, iterations=2)


def _depth_mm(brain: Mask) -> NDArray[np.float32]:
    """In-plane distance in mm to the edge of the brain, the two hemispheres taken together."""
    whole = frame.mirrored(brain)
    depth = np.stack([ndimage.distance_transform_edt(whole[:, :, k]) for k in range(whole.shape[2])], axis=-1)
    return depth[frame.X_MAX :].astype(np.float32)


def _lateral_edge_of(insula: Mask, otherwise_mm: NDArray) -> NDArray[np.float32]:
    """Most lateral voxel of the insula per (1, y, z) in mm; ``otherwise_mm`` where there is none."""
    u, _, _ = frame.hemisphere_mm()
    beside = insula.any(axis=0, keepdims=True)
    return np.where(beside, np.where(insula, u, 0.0).max(axis=0, keepdims=True), otherwise_mm)


def _rounded(sectors: NDArray[np.uint8], slab: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Sectors with rounded outer borders; the planes between them stay as they are, and the slab's faces stay flat."""
    inside = sectors > 0
    weight = np.maximum(frame.smoothed(slab * np.ones_like(inside), ROUNDING.cortex), 1e-3)
    kept = (frame.smoothed(inside, ROUNDING.cortex) / weight > 0.5) & inside
    return np.where(kept, sectors, 0).astype(np.uint8)

"""How each border of the atlas is defined, in words and figures taken from the landmarks that the code uses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from deepstroke_training.atlas_authoring import drawings
from deepstroke_training.atlas_authoring.contours import DrawnStructure
from deepstroke_training.atlas_authoring.landmarks import (
    GANGLIONIC,
    LEVELS,
    ROUNDING,
    SIGNAL,
    SUPRAGANGLIONIC,
    Ray,
    TiltedPlane,
)

_DRAWN: dict[str, DrawnStructure] = {
    "C": drawings.CAUDATE,
    "L": drawings.LENTIFORM,
    "IC": drawings.INTERNAL_CAPSULE,
    "I": drawings.INSULA,
}


def border_definitions() -> dict[str, Any]:
    """Every border in mm: per region in words, and the outlines and planes as figures.

    u is the distance from the midline; both sides are mirror images.
    """
    return {
        "frame": "MNI152 mm; u is the distance from the midline (x = 0), the same on both sides",
        "regions": {**_deep_regions(), **_ganglionic_regions(), **_supraganglionic_regions()},
        "outlines_mm": {region: _outline_of(structure) for region, structure in _DRAWN.items()},
        "planes_mm": {"ganglionic": asdict(GANGLIONIC), "supraganglionic": asdict(SUPRAGANGLIONIC)},
        "thresholds": asdict(SIGNAL),
        "rounding_sigma_mm": asdict(ROUNDING),
    }


def _outline_of(structure: DrawnStructure) -> dict[str, str]:
    """z of each drawn slice to its corners, ``u y, u y, ...``."""
    return {f"{contour.z_mm:g}": contour.corners for contour in structure.contours}


def _deep_regions() -> dict[str, str]:
    csf = f"the T1 average falls below {SIGNAL.csf_below:g} (CSF)"
    ends = {
        "C": f"It ends medially where {csf}, so it touches the ventricle, and laterally where the smoothed T1 average "
        f"rises above {SIGNAL.caudate_below:g} (white matter).",
        "L": "The outline itself is the border.",
        "IC": "Within the outline it is all that is not caudate, lentiform nucleus or thalamus.",
        "I": f"Within the outline it is cortex (grey matter probability above {SIGNAL.insula_grey_above:g}), gaps "
        f"between its gyri bridged, rounded to a ribbon (sigma {ROUNDING.insula:g} mm); it ends where {csf}.",
    }
    return {region: f"{_drawn(structure)} {ends[region]}" for region, structure in _DRAWN.items()}


def _drawn(structure: DrawnStructure) -> str:
    low, high = structure.z_range
    return (
        f"Drawn on {len(structure.contours)} axial slices of the T1 average from z = {low:g} to {high:g} mm "
        f"({structure.drawn_on}), linear between them."
    )


def _ganglionic_regions() -> dict[str, str]:
    plan = GANGLIONIC
    slab = f"z = {LEVELS.lowest:g} mm up to below the level split at {LEVELS.split:g} mm"
    return {
        "M1": f"{slab}; behind the ACA border, {_ray(plan.aca)}; in front of {_ray(plan.m1_m2)}; up to "
        f"{plan.m1_depth:g} mm deep from the edge of the brain on the axial slice.",
        "M2": f"{slab}; between {_ray(plan.m1_m2)} and {_ray(plan.m2_m3)}; from the insula (where none lies beside it, "
        f"from u = {plan.opercular_u:g} mm, below z = {plan.temporal_stem_top_z:g} mm from u = "
        f"{plan.temporal_stem_u:g} mm) to the edge of the brain.",
        "M3": f"{slab}; behind {_ray(plan.m2_m3)}; in front of the PCA border, {_ray(plan.pca)}; up to "
        f"{plan.m3_depth:g} mm deep from the edge of the brain on the axial slice.",
    }


def _supraganglionic_regions() -> dict[str, str]:
    plan = SUPRAGANGLIONIC
    low, high = plan.medial_u
    slab = f"from above the level split at z = {LEVELS.split:g} mm up to {LEVELS.highest:g} mm"
    medial = (
        f"lateral of u = {low:g} mm at the split, falling to {high:g} mm at the top, and in front of "
        f"y = {plan.frontal_from_y:g} mm by {plan.frontal_slope:g} mm more per mm; up to {plan.depth_mm:g} mm deep "
        "from the edge of the brain on the axial slice"
    )
    front, back = _plane(plan.m4_m5), _plane(plan.m5_m6)
    return {
        "M4": f"{slab}; in front of {front}; {medial}.",
        "M5": f"{slab}; between {front} and {back}; {medial}.",
        "M6": f"{slab}; behind {back}; in front of the PCA border, {_ray(plan.pca)}; {medial}.",
    }


def _ray(ray: Ray) -> str:
    return f"the vertical plane from (u, y) = ({ray.u:g}, {ray.y:g}) mm laterally, {_turn(ray.degrees)}"


def _plane(plane: TiltedPlane) -> str:
    return (
        f"the plane through (u, y) = ({plane.at_u:g}, {plane.y:g}) mm at the split, {_turn(plane.degrees)}, "
        f"leaning back {plane.back_per_mm:g} mm per mm of height"
    )


def _turn(degrees: float) -> str:
    return f"turned {abs(degrees):g} degrees to the {'front' if degrees > 0 else 'back'}"

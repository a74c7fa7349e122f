"""Which scans are refused before any result is made, and what is said about the others."""

from __future__ import annotations

import numpy as np

from deepstroke.errors import GeometryError, InputError
from deepstroke.findings import Finding
from deepstroke.preprocess.asymmetry import DarkArea
from deepstroke.preprocess.head_measures import HeadMeasures
from deepstroke.volume import Volume

#: HU that a CT's air and its densest bone reach: values outside were not converted to HU.
AIR_BELOW_HU, BONE_ABOVE_HU = -300.0, 300.0
#: Least share of the deep tissue's surface that faces bone in a head, also in one whose skull was opened.
LEAST_ENCLOSED = 0.7
#: ml below which no brain is complete enough to read, whoever's it is.
LEAST_BRAIN_ML = 250.0
#: Median HU of brain with its CSF: 25-40 in scanners that are calibrated; fillings of phantoms lie outside.
BRAIN_MEDIAN_HU = (15.0, 55.0)
#: HU from the darkest CSF to the brightest grey matter; fillings of phantoms are even.
LEAST_SPREAD_HU = 6.0
#: An infant's cavity is smaller than this (adults: above 1050 ml, above 140 mm long) under a thin skull. Children from
#: about two years on look like small adults here: the age must be judged elsewhere.
INFANT_ML, INFANT_LENGTH_MM, INFANT_SKULL_MM = 850.0, 140.0, 4.5
#: cm^2 of missing calvarium: a burr hole has about 1, a decompressive craniectomy 80 to 150.
DEFECT_WARN_CM2, DEFECT_REFUSE_CM2 = 2.0, 25.0
#: cm^2 of brain at the end of a scan; the spinal canal and the foramen magnum have up to 11.
CUT_BELOW_CM2, CUT_ABOVE_CM2, CUT_SIDES_WARN_CM2, CUT_SIDES_REFUSE_CM2 = 12.0, 3.0, 1.0, 110.0
#: ml from which on a brain may be cut more at its sides, but never as much as the second figure, in cm^2.
MOST_OF_BRAIN_ML, CUT_SIDES_NEVER_CM2 = 900.0, 200.0
#: mm of brain along the scan's axis below which the levels of the score can't both be there.
LEAST_HEIGHT_MM = 70.0
#: ml of enhanced vessels; calcified choroid plexus, pineal and falx stay below the first.
CONTRAST_WARN_ML, CONTRAST_REFUSE_ML = 4.0, 15.0
BLOOD_WARN_ML = 1.5
METAL_WARN_ML = 0.05
AIR_WARN_ML = 0.5
NOISE_WARN_HU = 15.0
#: mm between slices; patients who hold still stay below 1, and a reader sees steps from about 3.
MOVEMENT_WARN_MM = 4.0
#: ml of brain darker than its mirror image.
DARK_WARN_ML = 8.0
USUAL_BRAIN_ML = (1000.0, 1900.0)


def require_hounsfield_units(volume: Volume) -> None:
    """Raise unless a volume can be a head CT in HU.

    Raises:
        InputError: it is constant, holds values that are not finite, or its range isn't that of HU.
        GeometryError: the voxel axes are not orthogonal, or it is too small or too coarse for a head.
    """
    if not volume.is_orthogonal:
        raise GeometryError("the voxel axes are sheared; resample to an orthogonal grid first", code="sheared")
    low, high = float(volume.data.min()), float(volume.data.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("the volume holds values that are not finite (NaN or infinity)", code="not-finite")
    if low == high:
        raise InputError(f"the volume is empty: every voxel is {low:g}", code="empty-volume")
    if low > AIR_BELOW_HU or high < BONE_ABOVE_HU:
        raise InputError(
            f"the values {low:g} to {high:g} are no Hounsfield units of a head with air around it (-1000) and bone "
            "(above 300); was the rescale slope and intercept applied, or a window?",
            code="not-hu",
        )
    extent = np.array(volume.shape) * volume.spacing_mm
    if extent.min() < LEAST_HEIGHT_MM or min(volume.shape) < 8 or max(volume.spacing_mm) > 10.0:
        raise GeometryError(
            f"a head needs at least {LEAST_HEIGHT_MM:g} mm and 8 voxels of at most 10 mm along each axis, found "
            f"{volume.shape} voxels of {tuple(round(s, 2) for s in volume.spacing_mm)} mm",
            code="coverage",
        )


def refuse_unfit(measures: HeadMeasures) -> None:
    """Raise for what is no head, no brain, not an adult's, cut open, enhanced, or shown too little of.

    Raises:
        InputError: with the code ``not-a-head``, ``no-brain-tissue``, ``coverage``, ``infant``, ``skull-defect`` or
            ``contrast-enhanced``, and the figures that led to it.
    """
    m = measures
    if m.enclosed < LEAST_ENCLOSED:
        raise InputError(
            f"no brain inside a skull: bone encloses {100 * m.enclosed:.0f} % of the deep soft tissue, expected at "
            f"least {100 * LEAST_ENCLOSED:.0f} % (a phantom, another part of the body, or half a head?)",
            code="not-a-head",
        )
    if not BRAIN_MEDIAN_HU[0] <= m.median_hu <= BRAIN_MEDIAN_HU[1] or m.spread_hu < LEAST_SPREAD_HU:
        raise InputError(
            f"no brain tissue inside the skull: median {m.median_hu:.0f} HU, spread {m.spread_hu:.1f} HU; brain has "
            f"{BRAIN_MEDIAN_HU[0]:.0f} to {BRAIN_MEDIAN_HU[1]:.0f} HU and more than {LEAST_SPREAD_HU:g} HU between "
            "CSF and grey matter (a phantom?)",
            code="no-brain-tissue",
        )
    _refuse_part_of_brain(m)
    complete = sum(m.open_cm2) < CUT_BELOW_CM2
    small = m.length_mm < INFANT_LENGTH_MM or (complete and m.brain_ml < INFANT_ML)
    if small and m.skull_mm < INFANT_SKULL_MM:
        raise InputError(
            f"an infant's head: cavity {m.brain_ml:.0f} ml and {m.length_mm:.0f} mm long, skull {m.skull_mm:.1f} mm; "
            "the atlas and the score are for adults",
            code="infant",
        )
    if m.defect_cm2 > DEFECT_REFUSE_CM2:
        raise InputError(
            f"the skull is open over {m.defect_cm2:.0f} cm^2 (craniectomy, or bone beyond the scan); up to "
            f"{DEFECT_REFUSE_CM2:.0f} cm^2 are accepted",
            code="skull-defect",
        )
    if m.contrast_like_ml > CONTRAST_REFUSE_ML:
        raise InputError(
            f"{m.contrast_like_ml:.0f} ml of vessels at 110 to 350 HU: a contrast-enhanced CT; give the "
            "non-contrast series",
            code="contrast-enhanced",
        )


def _refuse_part_of_brain(m: HeadMeasures) -> None:
    sides = m.open_cm2[2]
    most_cm2 = CUT_SIDES_REFUSE_CM2 if m.brain_ml < MOST_OF_BRAIN_ML else CUT_SIDES_NEVER_CM2
    if m.brain_ml < LEAST_BRAIN_ML or m.height_mm < LEAST_HEIGHT_MM or sides > most_cm2:
        raise InputError(
            f"the scan shows only a part of the brain: {m.brain_ml:.0f} ml, {m.height_mm:.0f} mm high, {sides:.0f} "
            f"cm^2 cut off at the sides; at least {LEAST_BRAIN_ML:.0f} ml and {LEAST_HEIGHT_MM:.0f} mm are needed, and "
            f"at most {most_cm2:.0f} cm^2 may be cut off",
            code="coverage",
        )


def findings_of(measures: HeadMeasures, dark_area: DarkArea | None) -> tuple[Finding, ...]:
    """What a reader of the result must know about the scan. No finding is no proof: small bleedings stay unseen."""
    m = measures
    below, above, sides = m.open_cm2
    least, most = USUAL_BRAIN_ML
    noted = (
        (below > CUT_BELOW_CM2, "base-cut-off", f"the scan ends within the brain below: {below:.0f} cm^2 are cut"),
        (above > CUT_ABOVE_CM2, "vertex-cut-off", f"the scan ends within the brain above: {above:.0f} cm^2 are cut"),
        (
            sides > CUT_SIDES_WARN_CM2,
            "side-cut-off",
            f"the scan or its field of view ends within the brain at a side: {sides:.0f} cm^2 are cut; regions there "
            "are incomplete",
        ),
        (
            not least <= m.brain_ml <= most,
            "brain-volume",
            f"the brain with its CSF has {m.brain_ml:.0f} ml, usual in adults are {least:.0f} to {most:.0f} ml",
        ),
        (
            m.defect_cm2 > DEFECT_WARN_CM2,
            "skull-defect",
            f"no bone covers {m.defect_cm2:.0f} cm^2 of the brain (burr hole, craniotomy?)",
        ),
        (
            m.blood_like_ml > BLOOD_WARN_ML,
            "hyperdense-area",
            f"{m.blood_like_ml:.1f} ml of dense tissue (58-100 HU): haemorrhage must be ruled out",
        ),
        (
            m.contrast_like_ml > CONTRAST_WARN_ML,
            "contrast-suspected",
            f"{m.contrast_like_ml:.1f} ml at 110-350 HU within the brain: contrast medium or large calcifications",
        ),
        (m.metal_ml > METAL_WARN_ML, "metal", f"{m.metal_ml:.2f} ml of metal: streaks may hide or mimic early signs"),
        (m.air_ml > AIR_WARN_ML, "air-inside-skull", f"{m.air_ml:.1f} ml of air inside the skull"),
        (
            m.noise_hu > NOISE_WARN_HU,
            "noisy",
            f"noise of {m.noise_hu:.0f} HU in the brain (bone kernel or low dose?) hides early signs of a few HU",
        ),
        (
            m.movement_mm > MOVEMENT_WARN_MM,
            "movement",
            f"the head moved by {m.movement_mm:.1f} mm between two slices",
        ),
    )
    found = [Finding(code, message) for applies, code, message in noted if applies]
    return tuple(found + _dark_findings(dark_area))


def _dark_findings(dark: DarkArea | None) -> list[Finding]:
    if dark is None or dark.ml < DARK_WARN_ML:
        return []
    message = (
        f"{dark.ml:.0f} ml on the {dark.side} are {-dark.difference_hu:.0f} HU darker than the other side: an infarct, "
        "old or large, or a wide ventricle"
    )
    return [Finding("hypodense-area", message)]

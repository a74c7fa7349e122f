"""Draws the settings of a case from the ranges met in stroke imaging: people of 20 to 95 years, many with a stroke."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deepstroke.regions import REGIONS, SIDES, Side
from deepstroke_training.synthesis.random_fields import numbers
from deepstroke_training.synthesis.settings import (
    AcquisitionSettings,
    AcuteInfarct,
    AnatomySettings,
    Calcification,
    FocalLesion,
    HeadSettings,
    HyperdenseArtery,
    Lesion,
    PathologySettings,
)
from deepstroke_training.synthesis.variety import Variety, checked
from deepstroke_training.synthesis.wide_pathology import draw_wide_pathology
from deepstroke_training.synthesis.wide_sampling import draw_artefacts, draw_wide_acquisition, draw_wide_anatomy

#: Regions that fall together when a branch of the middle cerebral artery is closed.
BRANCHES: dict[str, tuple[str, ...]] = {
    "trunk": ("C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6"),
    "deep": ("C", "L", "IC", "I"),
    "lenticulostriate": ("L", "C"),
    "superior": ("I", "M1", "M2", "M4", "M5"),
    "inferior": ("M2", "M3", "M6"),
    "anterior": ("M1", "M4"),
    "central": ("M2", "M5", "I"),
    "posterior": ("M3", "M6"),
}
#: How common each calcification is at 30 and at 90 years.
_CALCIFIED: dict[Calcification, tuple[float, float]] = {
    "choroid": (0.25, 0.85),
    "pineal": (0.45, 0.75),
    "pallidum": (0.02, 0.2),
    "falx": (0.05, 0.25),
}
#: Middle (template mm, on the right), spread, mean radius and stretch of infarcts of the other arteries.
_OTHER_ARTERIES = (
    ((16.0, -76.0, 4.0), 6.0, 22.0, (0.9, 1.3, 1.0)),
    ((9.0, 40.0, 32.0), 8.0, 20.0, (0.7, 1.4, 1.3)),
    ((20.0, -62.0, -36.0), 6.0, 15.0, (1.2, 1.0, 0.8)),
)
#: Standard deviation of noise in a slice of 1 mm, HU; it falls with the root of the thickness.
NOISE_1MM_HU = (6.0, 11.0)


def draw_settings(seed: int, variety: Variety = "clinical") -> HeadSettings:
    """Settings of one case; anatomy, pathology, acquisition and artefacts come from streams of their own.

    Args:
        seed: of the case.
        variety: how far to go; see ``deepstroke_training.synthesis.variety``.

    Raises:
        ConfigError: there is no such variety.
    """
    if variety == "clinical":
        return draw_clinical(seed)
    held_out = checked(variety) == "held-out"
    return HeadSettings(
        anatomy=draw_wide_anatomy(numbers(seed, f"{variety}/anatomy"), held_out),
        pathology=draw_wide_pathology(numbers(seed, f"{variety}/pathology")),
        acquisition=draw_wide_acquisition(numbers(seed, f"{variety}/acquisition"), held_out),
        artefacts=draw_artefacts(numbers(seed, f"{variety}/artefacts"), held_out),
    )


def draw_clinical(seed: int) -> HeadSettings:
    """Settings of a case as stroke imaging meets it."""
    return HeadSettings(
        anatomy=draw_anatomy(numbers(seed, "settings/anatomy")),
        pathology=draw_pathology(numbers(seed, "settings/pathology")),
        acquisition=draw_acquisition(numbers(seed, "settings/acquisition")),
    )


def draw_anatomy(random: np.random.Generator) -> AnatomySettings:
    """One person; sulci, ventricles and white matter follow from the age."""
    years = 20.0 + 75.0 * random.beta(2.2, 1.5)
    age = (years - 30.0) / 65.0
    atrophy = _clip(age + random.normal(0, 0.14), 0.0, 1.0)
    size = random.normal(0.90, 0.028)
    right, anterior, superior = (_clip(size * random.normal(1.0, 0.022), 0.78, 1.05) for _ in range(3))
    return AnatomySettings(
        scale=(right, anterior, superior),
        warp_mm=random.uniform(1.2, 2.6),
        atrophy=atrophy,
        ventricle_mm=_clip(-0.8 + 4.5 * atrophy**1.3 + random.normal(0, 0.7), -1.5, 6.5),
        ventricle_asymmetry_mm=_clip(random.normal(0, 0.5), -1.5, 1.5),
        leukoaraiosis_hu=max(0.0, age - 0.25) * random.uniform(0.0, 14.0),
        sulci=random.uniform(0.6, 1.0),
        grey_hu=_clip(random.normal(35.5, 2.3), 30.0, 41.0) - atrophy,
        contrast_hu=random.uniform(4.2, 8.2),
        csf_hu=random.uniform(4.0, 12.0),
        vault=_clip(random.normal(1.0, 0.17), 0.6, 1.6),
        scalp=random.uniform(0.6, 1.6),
        bone_hu=random.uniform(1200.0, 1900.0),
        frontal_sinus=bool(random.random() < 0.9),
        calcifications=tuple(
            name
            for name, (young, old) in _CALCIFIED.items()
            if random.random() < young + (old - young) * _clip(age, 0.0, 1.0)
        ),
    )


def draw_pathology(random: np.random.Generator) -> PathologySettings:
    """What is wrong: an early MCA infarct in half of the cases; old, foreign and bleeding lesions in some."""
    lesions: list[Lesion] = []
    side: Side = SIDES[int(random.integers(2))]
    if random.random() < 0.14:
        lesions.append(_old_infarct(random))
    kind = random.random()
    if kind < 0.52:
        lesions += _middle_cerebral_infarct(random, side)
    elif kind < 0.62:
        lesions.append(_other_infarct(random, side))
    elif kind < 0.69:
        lesions.append(_haemorrhage(random))
    return PathologySettings(tuple(lesions))


def _middle_cerebral_infarct(random: np.random.Generator, side: Side) -> list[Lesion]:
    """A branch's regions, some spared, sometimes swollen, sometimes with the clot in sight."""
    branch: Sequence[str] = BRANCHES[str(random.choice(list(BRANCHES)))]
    if random.random() < 0.15:
        branch = [region.abbreviation for region in REGIONS]
    keep = random.uniform(0.55, 1.0)
    regions = tuple(name for name in branch if random.random() < keep) or (branch[0],)
    drop = random.uniform(3.0, 10.0)
    swelling = random.uniform(0.0, 7.0) if len(regions) >= 6 and drop > 6.0 else random.uniform(0.0, 1.0)
    lesions: list[Lesion] = [AcuteInfarct(side, regions, drop_hu=drop, swelling_mm=swelling)]
    if random.random() < 0.35:
        lesions.append(HyperdenseArtery(side, hu=random.uniform(50, 75), radius_mm=random.uniform(1.2, 2.2)))
    return lesions


def _old_infarct(random: np.random.Generator) -> FocalLesion:
    return FocalLesion("old", _anywhere(random), float(random.uniform(4.0, 20.0)), _stretch(random))


def _other_infarct(random: np.random.Generator, side: Side) -> FocalLesion:
    (x, y, z), spread, radius, stretch = _OTHER_ARTERIES[int(random.integers(len(_OTHER_ARTERIES)))]
    dx, dy, dz = random.normal(0.0, spread / 2.0, 3).tolist()
    sign = -1.0 if side == "left" else 1.0
    return FocalLesion(
        kind="acute",
        centre=(sign * max(4.0, x + dx), y + dy, z + dz),
        radius_mm=radius * random.uniform(0.7, 1.15),
        stretch=stretch,
        drop_hu=random.uniform(4.0, 11.0),
        outside_regions=True,
    )


def _haemorrhage(random: np.random.Generator) -> FocalLesion:
    radius = float(random.uniform(5.0, 20.0))
    return FocalLesion(
        "haemorrhage", _anywhere(random), radius, _stretch(random), swelling_mm=radius * random.uniform(0.1, 0.4)
    )


def _anywhere(random: np.random.Generator) -> tuple[float, float, float]:
    """A point in the hemispheres away from the midline, template mm."""
    sign = 1.0 if random.random() < 0.5 else -1.0
    return sign * random.uniform(14, 52), random.uniform(-75, 45), random.uniform(-8, 52)


def _stretch(random: np.random.Generator) -> tuple[float, float, float]:
    right, anterior, superior = random.uniform(0.7, 1.4, 3).tolist()
    return right, anterior, superior


def draw_acquisition(random: np.random.Generator) -> AcquisitionSettings:
    """One scan: mostly 5 mm slices, half of them tilted about as the head is, a few that miss base or vertex."""
    thickness = float(
        random.choice([0.8, 1.0, 1.25, 2.0, 2.5, 3.0, 4.0, 5.0], p=[0.04, 0.06, 0.05, 0.05, 0.1, 0.1, 0.1, 0.5])
    )
    tilt = random.uniform(4.0, 20.0) if random.random() < 0.5 else 0.0
    low, high = NOISE_1MM_HU
    right, anterior, superior = random.normal(0.0, (4.0, 5.0, 8.0)).tolist()
    return AcquisitionSettings(
        pixel_mm=random.uniform(0.44, 0.5),
        thickness_mm=thickness,
        step_mm=thickness if random.random() < 0.8 else max(0.8, round(0.7 * thickness, 2)),
        tilt_degrees=tilt,
        pitch_degrees=_clip(tilt + random.normal(0.0, 6.0), -20.0, 30.0),
        roll_degrees=random.normal(0.0, 4.0),
        yaw_degrees=random.normal(0.0, 5.0),
        shift_mm=(right, anterior, superior),
        bottom_mm=random.uniform(-50.0, -25.0) if random.random() < 0.08 else random.uniform(-92.0, -70.0),
        top_mm=random.uniform(58.0, 74.0) if random.random() < 0.05 else random.uniform(90.0, 104.0),
        noise_hu=random.uniform(low, high) / thickness**0.5,
        noise_wavelength_mm=random.uniform(2.6, 4.2),
        cupping_hu=random.uniform(1.0, 7.0),
        streak_hu=random.uniform(2.0, 12.0),
        head_rest=bool(random.random() < 0.8),
    )


def _clip(value: float, low: float, high: float) -> float:
    return float(min(max(value, low), high))

"""Draws lesions of every kind, more and larger ones than the clinic's mean, alone and together, with mass effect."""

from __future__ import annotations

import numpy as np

from deepstroke.regions import REGIONS, SIDES, Side
from deepstroke_training.synthesis.settings import (
    AcuteInfarct,
    FocalLesion,
    HyperdenseArtery,
    Lesion,
    PathologySettings,
)

#: How far a lesion may push for its radius, so that what surrounds it never folds.
MOST_PUSH = 0.4


def draw_wide_pathology(random: np.random.Generator) -> PathologySettings:
    """Any lesions of any kind; none in a fifth of the cases."""
    lesions: list[Lesion] = []
    if random.random() < 0.2:
        return PathologySettings()
    lesions += [_old(random) for _ in range(int(random.choice(3, p=[0.7, 0.22, 0.08])))]
    if random.random() < 0.5:
        lesions += _regional(random)
    if random.random() < 0.22:
        lesions.append(_acute(random))
    if random.random() < 0.2:
        lesions.append(_haemorrhage(random))
    if random.random() < 0.15:
        side: Side = SIDES[int(random.integers(2))]
        lesions.append(HyperdenseArtery(side, hu=random.uniform(48, 85), radius_mm=random.uniform(1.0, 2.6)))
    return PathologySettings(tuple(lesions))


def _regional(random: np.random.Generator) -> list[Lesion]:
    """Early ischemia of any regions of one side, of a few or of most."""
    side: Side = SIDES[int(random.integers(2))]
    share = random.choice([0.15, 0.4, 0.9], p=[0.4, 0.35, 0.25])
    regions = tuple(region.abbreviation for region in REGIONS if random.random() < share) or ("M2",)
    large = len(regions) >= 6
    swelling = random.uniform(0.0, 9.0) if large else random.uniform(0.0, 2.5)
    return [AcuteInfarct(side, regions, drop_hu=random.uniform(2.0, 14.0), swelling_mm=swelling)]


def _acute(random: np.random.Generator) -> FocalLesion:
    """Low density of any shape anywhere: an infarct across territories, or an oedema that pushes."""
    radius = float(random.uniform(6.0, 34.0))
    push = random.uniform(0.0, MOST_PUSH) if random.random() < 0.4 else 0.0
    return FocalLesion(
        kind="acute",
        centre=_anywhere(random),
        radius_mm=radius,
        stretch=_stretch(random),
        drop_hu=random.uniform(2.0, 16.0),
        swelling_mm=min(12.0, push * radius),
        outside_regions=bool(random.random() < 0.3),
    )


def _old(random: np.random.Generator) -> FocalLesion:
    radius = float(random.uniform(3.0, 12.0) if random.random() < 0.6 else random.uniform(12.0, 30.0))
    return FocalLesion("old", _anywhere(random), radius, _stretch(random))


def _haemorrhage(random: np.random.Generator) -> FocalLesion:
    radius = float(random.uniform(3.0, 27.0))
    swelling = min(12.0, radius * random.uniform(0.0, MOST_PUSH))
    return FocalLesion("haemorrhage", _anywhere(random), radius, _stretch(random), swelling_mm=swelling)


def _anywhere(random: np.random.Generator) -> tuple[float, float, float]:
    sign = 1.0 if random.random() < 0.5 else -1.0
    return sign * random.uniform(8, 58), random.uniform(-85, 52), random.uniform(-20, 60)


def _stretch(random: np.random.Generator) -> tuple[float, float, float]:
    right, anterior, superior = random.uniform(0.6, 1.7, 3).tolist()
    return right, anterior, superior

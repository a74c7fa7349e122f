"""Draws settings far beyond the clinic's, for networks that are trained on synthetic heads alone.

Half of most quantities is drawn about as in the clinic, the rest from the whole range that still shows a head.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np

from deepstroke.regions import SIDES
from deepstroke_training.synthesis.artefact_settings import ArtefactSettings, Metal
from deepstroke_training.synthesis.settings import AcquisitionSettings, AnatomySettings, Calcification
from deepstroke_training.synthesis.variety import BandedRandom

#: Slice thicknesses that scanners offer.
USUAL_THICKNESSES_MM = (0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 5.0, 5.0, 6.0, 8.0)
#: Middle of the brain's height, template z.
MIDDLE_Z = 8.0
#: Where metal is met: template mm on the right, spread, radius and how strong its streaks may be in HU.
_METALS: tuple[tuple[tuple[float, float, float], float, tuple[float, float], tuple[float, float]], ...] = (
    ((24.0, 66.0, -92.0), 8.0, (2.0, 5.0), (60.0, 300.0)),
    ((10.0, 4.0, -20.0), 8.0, (1.0, 3.0), (15.0, 90.0)),
    ((80.0, -40.0, -15.0), 10.0, (2.0, 6.0), (15.0, 80.0)),
    ((62.0, 20.0, 45.0), 15.0, (1.0, 2.5), (10.0, 60.0)),
    ((30.0, 30.0, 20.0), 12.0, (0.8, 1.5), (5.0, 30.0)),
)


def draw_wide_anatomy(random: np.random.Generator, held_out: bool) -> AnatomySettings:
    """One person of any age, size and shape of head, in any contrast."""
    banded = BandedRandom(random, held_out)
    atrophy = random.uniform(0.0, 1.0)
    ventricle = banded.value("ventricle_mm", lambda: _ventricle(random, atrophy))
    return AnatomySettings(
        scale=_scale(random, banded),
        warp_mm=banded.value("warp_mm", lambda: random.uniform(0.8, 4.5)),
        fine_warp_mm=banded.value("fine_warp_mm", lambda: _either(random, 0.35, 0.0, random.uniform(0.1, 1.0))),
        petalia_mm=_clip(random.normal(0.0, 1.8), -5.0, 5.0),
        atrophy=atrophy,
        ventricle_mm=ventricle,
        ventricle_asymmetry_mm=_either(random, 0.5, random.normal(0.0, 0.5), random.uniform(-2.5, 2.5)),
        leukoaraiosis_hu=_either(random, 0.35, 0.0, random.uniform(0.0, 12.0)),
        sulci=random.uniform(0.4, 1.0),
        grey_hu=_clip(random.normal(35.5, 2.8), 28.0, 44.0),
        contrast_hu=banded.value(
            "contrast_hu", lambda: _either(random, 0.6, random.uniform(4.0, 8.5), random.uniform(2, 12))
        ),
        csf_hu=random.uniform(2.0, 15.0),
        vault=banded.value("vault", lambda: _either(random, 0.5, random.normal(1.0, 0.17), random.uniform(0.5, 1.8))),
        scalp=random.uniform(0.5, 2.0),
        bone_hu=random.uniform(900.0, 2100.0),
        frontal_sinus=bool(random.random() < 0.8),
        calcifications=tuple(name for name in get_args(Calcification) if random.random() < 0.35),
    )


def _ventricle(random: np.random.Generator, atrophy: float) -> float:
    usual = -0.8 + 4.5 * atrophy**1.3 + random.normal(0.0, 1.0)
    return _clip(_either(random, 0.8, usual, random.uniform(-1.5, 7.5)), -1.5, 7.5)


def _scale(random: np.random.Generator, banded: BandedRandom) -> tuple[float, float, float]:
    """Sizes along right, anterior, superior: round, long, high and flat heads."""
    size = random.normal(0.90, 0.035)
    breadth = banded.value("breadth", lambda: _clip(random.normal(1.02, 0.06), 0.85, 1.22))
    right, anterior = size * math.sqrt(breadth), size / math.sqrt(breadth)
    height = _clip(size * random.normal(1.0, 0.04), 0.75, 1.08)
    shrink = min(1.0, 1.08 / max(right, anterior))
    return max(0.72, right * shrink), max(0.72, anterior * shrink), height


def draw_wide_acquisition(random: np.random.Generator, held_out: bool) -> AcquisitionSettings:
    """One scan: any thickness, step, tilt and pose, of a part of the head or all of it, through any kernel."""
    banded = BandedRandom(random, held_out)
    return _kernel(random, banded, _field_of_view(random, _slices(random, banded)))


def _slices(random: np.random.Generator, banded: BandedRandom) -> AcquisitionSettings:
    thickness = banded.value("thickness_mm", lambda: _thickness(random))
    step = _step(random, thickness)
    tilt = banded.value("tilt_degrees", lambda: _tilt(random), signed=True)
    pitch = banded.value("pitch_degrees", lambda: _turn(random, _clip(tilt, -20, 20), 6.0), signed=True)
    roll, yaw = (
        banded.value(f"{axis}_degrees", lambda: _turn(random, 0, 5.0), signed=True) for axis in ("roll", "yaw")
    )
    bottom, top = _coverage(random, pitch - tilt, roll)
    right, anterior, superior = random.normal(0.0, (5.0, 6.0, 9.0)).tolist()
    return AcquisitionSettings(
        thickness_mm=thickness,
        step_mm=step,
        upper_step_mm=min(20.0, step * random.uniform(1.3, 2.2)) if step < 7.0 and random.random() < 0.18 else None,
        change_mm=random.uniform(-40.0, 15.0),
        tilt_degrees=tilt,
        pitch_degrees=pitch,
        roll_degrees=roll,
        yaw_degrees=yaw,
        shift_mm=(right, anterior, superior),
        bottom_mm=bottom,
        top_mm=top,
        cupping_hu=random.uniform(-2.0, 11.0),
        streak_hu=random.uniform(0.0, 25.0),
        head_rest=bool(random.random() < 0.75),
        rest_gap_mm=random.uniform(-25.0, 15.0),
    )


def _thickness(random: np.random.Generator) -> float:
    usual = float(random.choice(USUAL_THICKNESSES_MM))
    return _either(random, 0.55, usual, math.exp(random.uniform(math.log(0.8), math.log(8.0))))


def _step(random: np.random.Generator, thickness: float) -> float:
    """As far apart as thick, overlapping, or with gaps."""
    kind = random.random()
    part = 1.0 if kind < 0.6 else random.uniform(0.5, 1.0) if kind < 0.8 else random.uniform(1.0, 1.5)
    return _clip(thickness * part, 0.6, 10.0)


def _tilt(random: np.random.Generator) -> float:
    kind = random.random()
    if kind < 0.35:
        return 0.0
    return random.uniform(2.0, 22.0) if kind < 0.75 else random.uniform(-30.0, 30.0)


def _turn(random: np.random.Generator, usual: float, spread: float) -> float:
    """A turn of the head in degrees: mostly about the usual one, up to 40 to either side."""
    kind = random.random()
    if kind < 0.55:
        return _clip(usual + random.normal(0.0, spread), -40.0, 40.0)
    return random.uniform(-18.0, 18.0) if kind < 0.85 else random.uniform(-40.0, 40.0)


def _coverage(random: np.random.Generator, lean: float, roll: float) -> tuple[float, float]:
    """Template z of the lowest and the highest slice, further out where a leaning head reaches further."""
    bottom = random.uniform(-55.0, -8.0) if random.random() < 0.18 else random.uniform(-95.0, -66.0)
    top = random.uniform(40.0, 74.0) if random.random() < 0.14 else random.uniform(88.0, 106.0)
    return leaning_coverage(bottom, top, lean, roll)


def leaning_coverage(bottom: float, top: float, lean: float, roll: float) -> tuple[float, float]:
    """Template z of the lowest and the highest slice that show of a leaning head what these two show of an upright one.

    Args:
        bottom, top: of the upright head, template z in mm.
        lean: degrees of its pitch against the slices.
        roll: degrees.
    """
    angle = math.acos(math.cos(math.radians(lean)) * math.cos(math.radians(roll)))
    reach = math.hypot(1.1 * math.sin(angle), math.cos(angle)) / max(math.cos(angle), 0.4)
    return MIDDLE_Z + (bottom - MIDDLE_Z) * reach, MIDDLE_Z + (top - MIDDLE_Z) * reach


def _field_of_view(random: np.random.Generator, scan: AcquisitionSettings) -> AcquisitionSettings:
    """Pixels of 512 over the whole head, or over a part of it beside its middle."""
    if random.random() < 0.85:
        return replace(scan, pixel_mm=random.uniform(0.42, 0.55))
    right, anterior = random.normal(0.0, 12.0, 2).tolist()
    return replace(scan, pixel_mm=random.uniform(0.28, 0.4), field_shift_mm=(right, anterior))


def _kernel(random: np.random.Generator, banded: BandedRandom, scan: AcquisitionSettings) -> AcquisitionSettings:
    """Smooth, standard or sharp: its blur or overdrawn edges, and the grain and strength of its noise."""
    kind = random.random()
    low, high = (3.8, 8.0) if kind < 0.25 else (2.4, 4.2) if kind < 0.8 else (1.2, 2.4)
    sharp = kind >= 0.8
    most = 18.0 if sharp else 15.0
    noise = banded.value(
        "noise_1mm_hu", lambda: _either(random, 0.5, random.uniform(6.0, 11.0), random.uniform(1.0, most))
    )
    return replace(
        scan,
        noise_wavelength_mm=banded.value("noise_wavelength_mm", lambda: random.uniform(low, high)),
        noise_hu=noise / scan.thickness_mm**0.5,
        kernel_mm=0.0 if sharp else random.uniform(0.0, 1.2),
        edge_gain=random.uniform(0.3, 1.0) if sharp else max(0.0, random.uniform(-0.3, 0.3)),
    )


def draw_artefacts(random: np.random.Generator, held_out: bool) -> ArtefactSettings:
    """Calibration that is off, drift between slices, and in some motion and metal."""
    shift = BandedRandom(random, held_out).value(
        "hu_shift", lambda: _either(random, 0.6, random.normal(0.0, 1.3), random.uniform(-8.0, 8.0)), signed=True
    )
    return ArtefactSettings(
        hu_gain=_either(random, 0.6, _clip(random.normal(1.0, 0.015), 0.9, 1.1), random.uniform(0.9, 1.12)),
        hu_shift=shift,
        slice_drift_hu=_either(random, 0.6, 0.0, random.uniform(0.0, 1.8)),
        ghost=random.uniform(0.08, 0.4) if random.random() < 0.12 else 0.0,
        ghost_mm=random.uniform(1.5, 8.0),
        ghost_degrees=random.uniform(0.0, 6.0),
        ghost_part=random.uniform(0.1, 0.6),
        metals=tuple(_metal(random) for _ in range(int(random.choice(4, p=[0.85, 0.08, 0.04, 0.03])))),
    )


def _metal(random: np.random.Generator) -> Metal:
    (x, y, z), spread, radii, strengths = _METALS[int(random.choice(len(_METALS), p=[0.4, 0.2, 0.15, 0.15, 0.1]))]
    dx, dy, dz = random.normal(0.0, spread / 2.0, 3).tolist()
    sign = -1.0 if SIDES[int(random.integers(2))] == "left" else 1.0
    return Metal((sign * (x + dx), y + dy, z + dz), random.uniform(*radii), random.uniform(*strengths))


def _either(random: np.random.Generator, chance: float, first: float, second: float) -> float:
    return float(first if random.random() < chance else second)


def _clip(value: float, low: float, high: float) -> float:
    return float(min(max(value, low), high))

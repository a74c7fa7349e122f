"""Measures of a spherical head whose thickness, openings and inclusions are known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from deepstroke.preprocess.cavity import SPACING_MM, Cavity, outside_of
from deepstroke.preprocess.head_measures import HeadMeasures, measure_head
from deepstroke.volume import Volume

RADIUS_MM, SKULL_MM = 60.0, 8.0
SHAPE = (85, 85, 85)
IJK_TO_RAS = np.array([[2.0, 0, 0, -84.0], [0, 2.0, 0, -84.0], [0, 0, 2.0, -84.0], [0, 0, 0, 1.0]])
X, Y, Z = (2.0 * np.indices(SHAPE) - 84.0).astype(float)
R = np.sqrt(X**2 + Y**2 + Z**2)


def _measured(hu: np.ndarray | None = None, lowest_mm: float = -90.0) -> HeadMeasures:
    """Measure the sphere, whose layers below a height are missing."""
    hu = _hu() if hu is None else hu
    first = int(max(lowest_mm + 84.0, 0.0) / 2.0)
    brain = (R < RADIUS_MM)[:, :, first:]
    ijk_to_ras = IJK_TO_RAS.copy()
    ijk_to_ras[2, 3] += 2.0 * first
    head = Volume(np.ascontiguousarray(hu[:, :, first:]), ijk_to_ras)
    return measure_head(Cavity(head, brain, head.data > 250.0, outside_of(head.data), 0.9, False), brain, head)


def _hu() -> np.ndarray:
    rng = np.random.default_rng(0)
    hu = np.where(R < RADIUS_MM, rng.normal(30.0, 3.0, SHAPE), np.where(R < RADIUS_MM + SKULL_MM, 1000.0, -1000.0))
    hu[(np.abs(X) < 10) & (np.abs(Y) < 24) & (np.abs(Z) < 10)] = 5.0
    return hu.astype(np.float32)


def test_a_plain_head() -> None:
    m = _measured()
    assert m.brain_ml == pytest.approx(4 / 3 * np.pi * 6.0**3, rel=0.02)
    assert m.length_mm == pytest.approx(120.0, abs=2.0)
    assert m.height_mm == pytest.approx(120.0, abs=2.0)
    assert m.median_hu == pytest.approx(30.0, abs=0.5)
    assert 24.0 < m.spread_hu < 29.0
    shell_over_area = ((RADIUS_MM + SKULL_MM) ** 3 - RADIUS_MM**3) / (3 * RADIUS_MM**2)
    assert m.skull_mm == pytest.approx(shell_over_area, rel=0.1)
    assert m.skull_hu == 1000.0
    assert m.noise_hu == pytest.approx(3.0, rel=0.15)
    assert m.enclosed == 0.9
    assert (m.defect_cm2, m.open_cm2, m.metal_ml, m.air_ml) == (0.0, (0.0, 0.0, 0.0), 0.0, 0.0)
    assert m.blood_like_ml == m.contrast_like_ml == 0.0


@pytest.mark.parametrize("hole_mm", [12.0, 20.0, 35.0])
@pytest.mark.parametrize("towards", ["right", "top", "behind"])
def test_the_area_of_a_hole(hole_mm: float, towards: str) -> None:
    along, across = {
        "right": (X, np.hypot(Y, Z - 25.0)),
        "top": (Z, np.hypot(X, Y)),
        "behind": (-Y, np.hypot(X, Z - 25.0)),
    }[towards]
    hu = _hu()
    hu[(R >= RADIUS_MM) & (R < RADIUS_MM + SKULL_MM) & (along > 0) & (across < hole_mm)] = 20.0
    cap = np.pi * hole_mm**2 / 100.0
    assert _measured(hu).defect_cm2 == pytest.approx(cap, rel=0.35)


def test_a_burr_hole_is_too_small_to_count() -> None:
    hu = _hu()
    hu[(R >= RADIUS_MM) & (R < RADIUS_MM + SKULL_MM) & (Z > 0) & (np.hypot(X, Y) < 5.0)] = 20.0
    assert _measured(hu).defect_cm2 == 0.0


def test_openings_below_the_vault_do_not_count() -> None:
    hu = _hu()
    hu[(R >= RADIUS_MM) & (R < RADIUS_MM + SKULL_MM) & (Z < -35.0)] = 20.0
    assert _measured(hu).defect_cm2 == 0.0


def test_a_scan_that_ends_in_the_brain() -> None:
    m = _measured(lowest_mm=-20.0)
    below, above, sides = m.open_cm2
    assert below == pytest.approx(np.pi * (6.0**2 - 2.0**2), rel=0.03)
    assert (above, sides) == (0.0, 0.0)
    assert m.height_mm == pytest.approx(80.0, abs=2.0)
    assert m.defect_cm2 == 0.0


def test_inclusions_are_measured_in_ml() -> None:
    hu = _hu()

    def fill(centre: tuple[float, float, float], radius_mm: float, value: float) -> float:
        ball = (X - centre[0]) ** 2 + (Y - centre[1]) ** 2 + (Z - centre[2]) ** 2 < radius_mm**2
        hu[ball] = value
        return float(ball.sum() * SPACING_MM**3 / 1000.0)

    blood = fill((30, 0, 20), 12.0, 75.0)
    contrast = fill((-30, 0, 20), 10.0, 250.0)
    metal = fill((0, 30, -20), 5.0, 3000.0)
    air = fill((0, -30, 20), 6.0, -900.0)
    m = _measured(hu)
    assert m.blood_like_ml == pytest.approx(blood, rel=0.45), "the averaged rim of the ball doesn't count"
    assert m.contrast_like_ml == pytest.approx(contrast)
    assert m.metal_ml == pytest.approx(metal)
    assert m.air_ml == pytest.approx(air)


def test_dense_tissue_under_the_skull_is_no_bleeding() -> None:
    """Venous sinuses and the averaged edge of bone."""
    hu = _hu()
    hu[(R > RADIUS_MM - 6.0) & (R < RADIUS_MM)] = 70.0
    assert _measured(hu).blood_like_ml == 0.0


def test_every_measure_is_a_plain_number() -> None:
    values = dataclasses.asdict(_measured())
    numbers = [v for value in values.values() for v in (value if isinstance(value, tuple) else (value,))]
    assert all(np.isfinite(v) for v in numbers)

"""What training never sees stays out of it, and the rest of the range is all there."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.synthesis import FocalLesion, HeadSettings
from deepstroke_training.synthesis.artefact_settings import ArtefactSettings
from deepstroke_training.synthesis.sampling import draw_clinical, draw_settings
from deepstroke_training.synthesis.variety import HELD_OUT, HeldOutRanges, held_out_quantities, quantity_names

WIDE = [draw_settings(seed, "wide") for seed in range(1500)]
HELD = [draw_settings(seed, "held-out") for seed in range(400)]


def of(name: str, cases: list[HeadSettings]) -> np.ndarray:
    return np.array([held_out_quantities(case)[name] for case in cases])


def test_every_held_out_range_has_its_quantity() -> None:
    assert set(held_out_quantities(WIDE[0])) == set(quantity_names())


@pytest.mark.parametrize("name", quantity_names())
def test_training_never_meets_a_held_out_band_and_validation_meets_nothing_else(name: str) -> None:
    assert not any(HELD_OUT.holds(name, value) for value in of(name, WIDE))
    assert all(HELD_OUT.holds(name, value) for value in of(name, HELD))


@pytest.mark.parametrize("name", quantity_names())
def test_training_surrounds_the_common_band_and_validation_fills_both(name: str) -> None:
    (low, high), (rare_low, rare_high) = getattr(HELD_OUT, name)
    seen = np.abs(of(name, WIDE))
    assert (seen < low).mean() > 0.05
    assert (seen > high).mean() > 0.05
    held = np.abs(of(name, HELD))
    common = ((held >= low) & (held <= high)).mean()
    assert 0.65 < common < 0.85
    assert np.ptp(held[held <= high]) > 0.7 * (high - low)
    assert ((held >= rare_low) & (held <= rare_high)).mean() == pytest.approx(1 - common)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("thickness_mm", 0.85, 7.8),
        ("tilt_degrees", -28, 28),
        ("pitch_degrees", -37, 37),
        ("roll_degrees", -36, 36),
        ("yaw_degrees", -36, 36),
        ("contrast_hu", 2.3, 11.6),
        ("warp_mm", 0.9, 4.3),
        ("ventricle_mm", -1.3, 7.2),
        ("breadth", 0.88, 1.17),
        ("vault", 0.6, 1.7),
        ("hu_shift", -7, 7),
        ("noise_wavelength_mm", 1.3, 7.5),
    ],
)
def test_training_reaches_far(name: str, low: float, high: float) -> None:
    assert of(name, WIDE).min() < low
    assert of(name, WIDE).max() > high


def test_every_fault_and_lesion_occurs_in_training_and_most_cases_have_few() -> None:
    artefacts = [case.artefacts for case in WIDE]
    assert 0.05 < np.mean([a.ghost > 0 for a in artefacts]) < 0.2
    assert 0.08 < np.mean([bool(a.metals) for a in artefacts]) < 0.25
    assert 0.1 < np.mean([case.acquisition.upper_step_mm is not None for case in WIDE]) < 0.25
    assert 0.08 < np.mean([case.acquisition.pixel_mm < 0.41 for case in WIDE]) < 0.25
    assert 0.1 < np.mean([case.acquisition.edge_gain > 0.3 for case in WIDE]) < 0.3
    steps = np.array([case.acquisition.step_mm / case.acquisition.thickness_mm for case in WIDE])
    assert (steps < 0.9).any()
    assert (steps > 1.1).any()
    kinds = {
        type(le).__name__ if not isinstance(le, FocalLesion) else le.kind for c in WIDE for le in c.pathology.lesions
    }
    assert kinds == {"AcuteInfarct", "HyperdenseArtery", "acute", "old", "haemorrhage"}
    assert 0.15 < np.mean([not case.pathology.lesions for case in WIDE]) < 0.5


def test_no_lesion_pushes_more_than_its_surroundings_can_bear() -> None:
    focal = [le for case in WIDE for le in case.pathology.lesions if isinstance(le, FocalLesion)]
    assert max(lesion.swelling_mm for lesion in focal) > 6
    assert all(lesion.swelling_mm <= 0.4 * lesion.radius_mm for lesion in focal)


def test_draws_repeat_differ_between_varieties_and_are_plain_numbers() -> None:
    assert draw_settings(5, "wide") == WIDE[5]
    assert draw_settings(5, "held-out") == HELD[5] != WIDE[5]
    assert draw_settings(5) == draw_clinical(5)
    assert draw_settings(5).artefacts == ArtefactSettings()
    stored = json.loads(json.dumps(asdict(WIDE[5])))
    assert stored["artefacts"]["hu_shift"] == WIDE[5].artefacts.hu_shift


def test_bands_hold_magnitudes_with_their_ends() -> None:
    bands = HeldOutRanges(tilt_degrees=((10.0, 12.0), (20.0, 21.0)))
    assert [bands.holds("tilt_degrees", v) for v in (9.9, 10.0, -11.0, 12.1, 20.5, -21.0)] == [
        False, True, True, False, True, True,
    ]  # fmt: skip


def test_an_unknown_variety_is_refused() -> None:
    with pytest.raises(ConfigError, match="one of clinical, wide, held-out, found 'wild'"):
        draw_settings(1, "wild")  # type: ignore[arg-type]

"""Scans that can't be read are refused by name; what a reader must know is said."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.preprocess.asymmetry import DarkArea
from deepstroke.preprocess.brain import HeadAnalysis, analyse_head
from deepstroke.preprocess.head_checks import findings_of, refuse_unfit, require_hounsfield_units
from deepstroke.preprocess.head_measures import HeadMeasures
from deepstroke.volume import Volume
from phantoms_head import Ball, HeadPhantom, head_grid

GRID = np.diag([1.8, 1.8, 3.0, 1.0])
#: Of an adult's unremarkable head.
NORMAL = HeadMeasures(
    brain_ml=1400.0,
    length_mm=168.0,
    height_mm=124.0,
    enclosed=0.98,
    median_hu=28.0,
    spread_hu=27.0,
    skull_mm=9.0,
    skull_hu=950.0,
    defect_cm2=0.0,
    open_cm2=(0.0, 0.0, 0.0),
    blood_like_ml=0.1,
    contrast_like_ml=0.2,
    metal_ml=0.0,
    air_ml=0.0,
    noise_hu=3.0,
    movement_mm=0.3,
)


def _vessels(count: int) -> tuple[Ball, ...]:
    """Vessels full of contrast medium, 8 mm wide and 80 mm long, as strings of balls."""
    rows = [(12.0 * (n // 2 + 1) * (-1) ** n, y) for n in range(count) for y in np.arange(-40.0, 40.0, 3.0)]
    return tuple(((x, float(y), 25.0), 4.0, 220.0) for x, y in rows)


@lru_cache
def _analysed(head: HeadPhantom) -> HeadAnalysis:
    return analyse_head(head.sample(head_grid((1.8, 1.8, 3.0)))[0])


def _codes(head: HeadPhantom) -> list[str]:
    return [finding.code for finding in _analysed(head).findings]


@pytest.mark.parametrize(
    ("data", "code", "cause"),
    [
        (np.full((60, 60, 60), np.nan, np.float32), "not-finite", "not finite"),
        (np.full((60, 60, 60), -1000, np.int16), "empty-volume", "every voxel is -1000"),
        (np.tile(np.arange(60, dtype=np.int16) * 4, (60, 60, 1)), "not-hu", "0 to 236 are no Hounsfield units"),
        (np.tile(np.arange(60, dtype=np.int16) * 70, (60, 60, 1)), "not-hu", "rescale slope and intercept"),
        (np.tile(np.arange(60, dtype=np.int16) * 20 - 1024, (60, 60, 1)), "not-hu", "-1024 to 156"),
    ],
    ids=["all-nan", "constant", "windowed", "raw-values", "no-bone"],
)
def test_values_that_are_no_hu(data: np.ndarray, code: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as refusal:
        require_hounsfield_units(Volume(data, GRID))
    assert refusal.value.code == code


def test_one_value_that_is_not_finite_is_enough() -> None:
    data = np.tile(np.linspace(-1000, 1000, 60, dtype=np.float32), (60, 60, 1))
    data[3, 4, 5] = np.inf
    with pytest.raises(InputError, match="not finite"):
        require_hounsfield_units(Volume(data, GRID))


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((60, 60, 7), (3.0, 3.0, 10.0)), ((60, 60, 20), (3.0, 3.0, 3.0)), ((60, 60, 10), (3.0, 3.0, 12.0))],
    ids=["too-few-slices", "too-short", "too-coarse"],
)
def test_volumes_that_can_hold_no_head(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
    data = np.resize(np.linspace(-1000, 1000, 1000, dtype=np.float32), shape)
    with pytest.raises(GeometryError, match="a head needs at least 70 mm") as refusal:
        require_hounsfield_units(Volume(data, np.diag([*spacing, 1.0])))
    assert refusal.value.code == "coverage"


def test_a_water_bottle_is_no_head() -> None:
    i, j, _ = np.indices((110, 110, 60))
    data = np.where(np.hypot(i - 55, j - 55) < 40, 0.0, -1000.0)
    data[(np.abs(np.hypot(i - 55, j - 55) - 50) < 1) & (j < 20)] = 400.0  # the rest it lies in
    with pytest.raises(InputError, match="no soft tissue as deep as a brain: not a CT of a head") as refusal:
        analyse_head(Volume(data.astype(np.int16), GRID))
    assert refusal.value.code == "not-a-head"


def test_an_abdomen_is_no_head() -> None:
    i, j, k = np.indices((180, 130, 60))
    data = np.full(i.shape, -1000.0)
    data[((i - 90) / 85) ** 2 + ((j - 65) / 60) ** 2 < 1] = -90.0
    data[((i - 90) / 78) ** 2 + ((j - 65) / 53) ** 2 < 1] = 50.0
    data[(np.hypot(i - 90, j - 30) < 14)] = 300.0
    ribs = np.abs(((i - 90) / 76) ** 2 + ((j - 65) / 51) ** 2 - 1) < 0.05
    data[ribs & (k % 10 < 3)] = 500.0
    noisy = data + np.random.default_rng(0).normal(0, 5, data.shape)
    with pytest.raises(InputError, match=r"no brain inside a skull: bone encloses 4\d %") as refusal:
        analyse_head(Volume(noisy.astype(np.int16), GRID))
    assert refusal.value.code == "not-a-head"


def test_bone_without_soft_tissue_is_no_head() -> None:
    i, j, k = np.indices((100, 100, 60))
    shell = np.abs(np.sqrt((i - 50) ** 2 + (j - 50) ** 2 + (1.7 * (k - 30)) ** 2) - 40) < 3
    with pytest.raises(InputError, match="no soft tissue as deep as a brain"):
        analyse_head(Volume(np.where(shell, 900, -1000).astype(np.int16), GRID))


@pytest.mark.parametrize(
    ("head", "code", "cause"),
    [
        (HeadPhantom(tissue=0.0), "no-brain-tissue", "median 0 HU"),
        (HeadPhantom(tissue=35.0), "no-brain-tissue", "median 35 HU, spread .* HU"),
        (HeadPhantom(tissue=90.0), "no-brain-tissue", "median 90 HU"),
        (HeadPhantom(scale=0.72, skull_mm=2.0, bone_hu=500.0), "infant", "an infant's head: cavity 5.. ml"),
        (HeadPhantom(hole=((1.0, 0.3, 0.6), 45.0)), "skull-defect", r"open over \d\d cm\^2 \(craniectomy"),
        (HeadPhantom(balls=_vessels(6)), "contrast-enhanced", "ml of vessels at 110 to 350 HU"),
    ],
    ids=["water", "gel", "resin", "infant", "craniectomy", "contrast"],
)
def test_heads_that_are_refused(head: HeadPhantom, code: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as refusal:
        _analysed(head)
    assert refusal.value.code == code


def _from_the_left(part: float) -> Volume:
    volume, _ = HeadPhantom().sample(head_grid((1.8, 1.8, 3.0)))
    return Volume(np.ascontiguousarray(volume.data[: int(part * volume.shape[0])]), volume.ijk_to_ras)


def test_half_a_brain_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"only a part of the brain: \d+ ml, .* 1\d\d cm\^2 cut off at the sides"
    ) as refusal:
        analyse_head(_from_the_left(0.5))
    assert refusal.value.code == "coverage"


def test_a_brain_cut_at_its_side_is_read_with_a_warning() -> None:
    head = analyse_head(_from_the_left(0.77))
    assert [finding.code for finding in head.findings if "cut" in finding.code] == ["side-cut-off"]


def test_a_field_of_view_narrower_than_the_head_is_no_missing_skull() -> None:
    """Beyond a circle nothing is reconstructed: scalp, vault and some brain are missing in front and behind."""
    volume, truth = HeadPhantom().sample(head_grid((1.8, 1.8, 3.0)))
    ras = volume.ras_of(np.argwhere(np.ones(volume.shape))).reshape(*volume.shape, 3)
    beyond = np.hypot(ras[..., 0], ras[..., 1]) > 78.0
    head = analyse_head(dataclasses.replace(volume, data=np.where(beyond, -1024, volume.data).astype(np.int16)))
    assert head.measures.enclosed > 0.95
    assert head.measures.defect_cm2 == 0.0
    assert "side-cut-off" in [finding.code for finding in head.findings]
    shown = (truth.data > 0) & ~beyond
    found = head.brain.data > 0
    assert 2 * np.count_nonzero(shown & found) / (np.count_nonzero(shown) + np.count_nonzero(found)) > 0.95


def test_a_thin_part_of_a_brain_is_refused() -> None:
    volume, _ = HeadPhantom().sample(head_grid((1.8, 1.8, 3.0), bottom_mm=15.0, top_mm=110.0))
    with pytest.raises(InputError, match=r"only a part of the brain: \d+ ml, 5\d mm high") as refusal:
        analyse_head(volume)
    assert refusal.value.code == "coverage"


@pytest.mark.parametrize(
    ("head", "codes"),
    [
        (HeadPhantom(), []),
        (HeadPhantom(hole=((1.0, 0.3, 0.6), 6.0)), []),
        (HeadPhantom(hole=((1.0, 0.3, 0.6), 20.0)), ["skull-defect"]),
        (HeadPhantom(balls=(((30.0, 10.0, 20.0), 11.0, 70.0),)), ["hyperdense-area"]),
        (HeadPhantom(balls=(((-38.0, -10.0, 20.0), 20.0, 8.0),)), ["hypodense-area"]),
        (HeadPhantom(balls=(((30.0, 10.0, 20.0), 4.0, 3071.0),)), ["metal"]),
        (HeadPhantom(balls=_vessels(2)), ["contrast-suspected"]),
        (HeadPhantom(noise_hu=40.0), ["noisy"]),
        (HeadPhantom(scale=0.85), ["brain-volume"]),
    ],
    ids=["normal", "burr-hole", "craniotomy", "haemorrhage", "old-infarct", "clip", "contrast", "bone-kernel", "small"],
)
def test_what_is_said_about_heads(head: HeadPhantom, codes: list[str]) -> None:
    assert _codes(head) == codes


def test_figures_stand_in_the_messages() -> None:
    blood = _analysed(HeadPhantom(balls=(((30.0, 10.0, 20.0), 11.0, 70.0),))).findings[0].message
    assert "58-100 HU" in blood
    ml = float(blood.split(" ml")[0])
    assert 1.5 < ml < 5.6, "the ball has 5.6 ml; its rim is averaged with the brain around it"
    infarct = _analysed(HeadPhantom(balls=(((-38.0, -10.0, 20.0), 20.0, 8.0),))).findings[0].message
    assert "on the left" in infarct


@pytest.mark.parametrize(
    ("bottom_mm", "top_mm", "code", "area_cm2"),
    [(-25.0, 110.0, "base-cut-off", 150.0), (-100.0, 45.0, "vertex-cut-off", 113.0)],
)
def test_ends_of_the_scan_within_the_brain_are_measured(
    bottom_mm: float, top_mm: float, code: str, area_cm2: float
) -> None:
    head = analyse_head(HeadPhantom().sample(head_grid((1.8, 1.8, 3.0), bottom_mm=bottom_mm, top_mm=top_mm))[0])
    assert [finding.code for finding in head.findings] == [code]
    assert max(head.measures.open_cm2) == pytest.approx(area_cm2, rel=0.15)


def test_a_step_between_slices_is_movement() -> None:
    volume, _ = HeadPhantom().sample(head_grid((1.8, 1.8, 5.0)))
    moved = volume.data.copy()
    moved[:, :, 26:] = np.roll(moved[:, :, 26:], 4, axis=0)
    assert [finding.code for finding in analyse_head(volume.with_data(moved)).findings] == ["movement"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"enclosed": 0.6}, "not-a-head"),
        ({"median_hu": 14.0}, "no-brain-tissue"),
        ({"median_hu": 56.0}, "no-brain-tissue"),
        ({"spread_hu": 5.0}, "no-brain-tissue"),
        ({"brain_ml": 240.0}, "coverage"),
        ({"height_mm": 60.0}, "coverage"),
        ({"open_cm2": (0.0, 0.0, 201.0)}, "coverage"),
        ({"brain_ml": 899.0, "open_cm2": (0.0, 0.0, 111.0)}, "coverage"),
        ({"brain_ml": 840.0, "skull_mm": 3.0}, "infant"),
        ({"length_mm": 135.0, "skull_mm": 3.0}, "infant"),
        ({"defect_cm2": 26.0}, "skull-defect"),
        ({"contrast_like_ml": 16.0}, "contrast-enhanced"),
    ],
)
def test_limits_of_refusals(changed: dict[str, float], code: str) -> None:
    refuse_unfit(NORMAL)
    with pytest.raises(InputError) as refusal:
        refuse_unfit(dataclasses.replace(NORMAL, **changed))  # type: ignore[arg-type]
    assert refusal.value.code == code


def test_a_small_part_of_a_thin_adult_skull_is_no_infant() -> None:
    refuse_unfit(dataclasses.replace(NORMAL, brain_ml=700.0, skull_mm=3.5, open_cm2=(120.0, 0.0, 0.0)))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"open_cm2": (20.0, 0.0, 0.0)}, "base-cut-off"),
        ({"open_cm2": (0.0, 5.0, 0.0)}, "vertex-cut-off"),
        ({"open_cm2": (0.0, 0.0, 5.0)}, "side-cut-off"),
        ({"brain_ml": 950.0}, "brain-volume"),
        ({"brain_ml": 2000.0}, "brain-volume"),
        ({"defect_cm2": 5.0}, "skull-defect"),
        ({"blood_like_ml": 2.0}, "hyperdense-area"),
        ({"contrast_like_ml": 6.0}, "contrast-suspected"),
        ({"metal_ml": 0.5}, "metal"),
        ({"air_ml": 1.0}, "air-inside-skull"),
        ({"noise_hu": 20.0}, "noisy"),
        ({"movement_mm": 5.0}, "movement"),
    ],
)
def test_limits_of_findings(changed: dict[str, float], code: str) -> None:
    assert findings_of(NORMAL, None) == ()
    found = findings_of(dataclasses.replace(NORMAL, **changed), None)  # type: ignore[arg-type]
    assert [finding.code for finding in found] == [code]


def test_a_dark_area_is_named_with_its_side_from_8_ml_on() -> None:
    assert findings_of(NORMAL, DarkArea(7.0, "right", -10.0)) == ()
    (finding,) = findings_of(NORMAL, DarkArea(19.0, "right", -10.4))
    assert finding.code == "hypodense-area"
    assert "19 ml on the right are 10 HU darker" in finding.message

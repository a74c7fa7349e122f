"""Brain extraction on phantoms with a known cavity, on the sample scan, and on real scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepstroke.dicom import choose_series, inspect, read_scan
from deepstroke.errors import GeometryError, InputError
from deepstroke.evaluation import dice
from deepstroke.nifti import read_label_map
from deepstroke.preprocess.brain import HeadAnalysis, analyse_head, extract_brain
from deepstroke.preprocess.resampling import Grid
from deepstroke.volume import LabelMap, Volume
from phantoms_head import Ball, HeadPhantom, head_grid, smoothed

ROOT = Path(__file__).resolve().parents[3]
FALX: tuple[Ball, ...] = tuple(((0.0, float(y), 40.0), 2.5, 500.0) for y in range(44, 64, 3))
CHOROID_AND_PINEAL: tuple[Ball, ...] = (((15.0, -30.0, 5.0), 4.0, 800.0), ((0.0, -20.0, 0.0), 3.0, 300.0))
BLEEDING: tuple[Ball, ...] = (((30.0, 10.0, 20.0), 20.0, 70.0), ((-50.0, 0.0, 30.0), 14.0, 85.0))
THICK, THIN = (1.0, 1.0, 5.0), (1.2, 1.2, 1.2)


def _sample(head: HeadPhantom, grid: Grid, layers: int = 1, sigma_mm: float = 0.5) -> tuple[Volume, LabelMap]:
    volume, cavity = head.sample(grid, (1, 1, layers))
    blurred = smoothed(volume, sigma_mm)
    return blurred.with_data(np.rint(blurred.data).astype(np.int16)), cavity


@pytest.mark.parametrize(
    ("head", "grid", "layers"),
    [
        (HeadPhantom(), head_grid(THICK), 3),
        (HeadPhantom(), head_grid(THIN), 1),
        (HeadPhantom(), head_grid(THICK, tilt_degrees=18.0), 3),
        (HeadPhantom(rotation_degrees=(-12.0, 10.0, 15.0), offset_mm=(8.0, 3.0, 0.0)), head_grid(THICK), 3),
        (HeadPhantom(skull_mm=2.0, bone_hu=700.0), head_grid(THICK), 3),
        (HeadPhantom(noise_hu=30.0), head_grid(THIN), 1),
        (HeadPhantom(balls=(*FALX, *CHOROID_AND_PINEAL, *BLEEDING)), head_grid((1.2, 1.2, 2.0)), 1),
        (HeadPhantom(), head_grid(THICK, bottom_mm=-28.0), 3),
        (HeadPhantom(), head_grid(THICK, top_mm=45.0), 3),
    ],
    ids=["thick", "thin", "tilted", "turned", "thin-skull", "noisy", "calcified-bleeding", "base-cut", "vertex-cut"],
)
def test_the_cavity_of_a_phantom_is_found(head: HeadPhantom, grid: Grid, layers: int) -> None:
    volume, cavity = _sample(head, grid, layers)
    brain = extract_brain(volume)
    assert brain.same_grid(volume)
    assert dice(brain.mask, cavity.mask) >= 0.97
    leaked_ml = np.count_nonzero(brain.mask & ~cavity.mask) * volume.voxel_ml
    assert leaked_ml < 0.015 * cavity.volume_ml()


def test_calcifications_and_blood_stay_inside() -> None:
    balls = (*FALX, *CHOROID_AND_PINEAL, *BLEEDING)
    volume, _ = _sample(HeadPhantom(balls=balls), head_grid((1.2, 1.2, 2.0)))
    brain = extract_brain(volume)
    for centre, _, hu in balls:
        i, j, k = np.rint(volume.ijk_of(np.array(centre))).astype(int)
        assert brain.data[i, j, k] == 1, f"the solid of {hu} HU at {centre}"


def test_orbits_sinuses_neck_and_muscles_stay_outside() -> None:
    volume, _ = _sample(HeadPhantom(), head_grid((1.2, 1.2, 2.0)))
    brain = extract_brain(volume)
    outside = {
        "globe": (32.0, 62.0, -46.0),
        "optic nerve": (28.0, 45.0, -46.0),
        "sphenoid sinus": (0.0, 30.0, -55.0),
        "mastoid cells": (52.0, -22.0, -46.0),
        "pterygoid muscle": (42.0, 8.0, -60.0),
        "temporal muscle": (74.0, 10.0, -10.0),
        "spinal canal": (0.0, -28.0, -80.0),
        "neck": (0.0, -65.0, -80.0),
        "skull": (0.0, 0.0, 79.0),
        "head rest": (0.0, -115.0, 0.0),
    }
    for name, place in outside.items():
        i, j, k = np.rint(volume.ijk_of(np.array(place))).astype(int)
        assert brain.data[i, j, k] == 0, name


def test_air_beside_the_brain_stays_inside_and_is_reported() -> None:
    balls: tuple[Ball, ...] = (((0.0, 62.0, 25.0), 9.0, -1000.0), ((20.0, 10.0, 20.0), 5.0, -1000.0))
    volume, cavity = _sample(HeadPhantom(balls=balls), head_grid((1.2, 1.2, 2.0)))
    head = analyse_head(volume)
    assert dice(head.brain.mask, cavity.mask) >= 0.97
    assert [finding.code for finding in head.findings] == ["air-inside-skull"]
    assert head.measures.air_ml == pytest.approx(3.5, abs=1.0)


def test_the_mask_follows_the_volume_however_it_is_stored() -> None:
    volume, _ = _sample(HeadPhantom(rotation_degrees=(5.0, 8.0, -4.0)), head_grid((1.5, 1.5, 3.0)))
    expected = extract_brain(volume)
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])
    flip[:3, 3] = (volume.shape[0] - 1, 0.0, volume.shape[2] - 1)
    to_stored = flip @ np.eye(4)[[1, 2, 0, 3]]
    stored = Volume(volume.data[::-1, :, ::-1].transpose(2, 0, 1), volume.ijk_to_ras @ to_stored)
    found = extract_brain(stored)
    assert found.same_grid(stored)
    assert dice(found.data.transpose(1, 2, 0)[::-1, :, ::-1] > 0, expected.mask) > 0.9999


def test_the_input_is_not_changed() -> None:
    volume, _ = _sample(HeadPhantom(), head_grid((2.0, 2.0, 4.0)))
    before = volume.data.copy()
    analyse_head(volume)
    assert np.array_equal(volume.data, before)


def test_the_sample_scan() -> None:
    volume = read_scan(choose_series(inspect(ROOT / "Resources" / "SampleScan" / "series"))).volume
    truth = read_label_map(ROOT / "Resources" / "SampleScan" / "truth" / "brain.nii.gz")
    head = analyse_head(volume)
    assert head.brain.same_grid(truth)
    assert dice(head.brain.mask, truth.mask) >= 0.97
    assert head.findings == ()


def test_a_sheared_volume_is_refused() -> None:
    sheared = np.diag([2.0, 2.0, 4.0, 1.0])
    sheared[1, 2] = 1.0
    with pytest.raises(GeometryError, match="axes are sheared"):
        extract_brain(Volume(np.zeros((100, 100, 50), np.int16), sheared))


def test_the_elderly_head_of_ge(real_head: Callable[[str], HeadAnalysis]) -> None:
    """Tilted, uneven steps; an old infarct on the left, outside the territory that the score reads."""
    head = real_head("ct/ge-head")
    assert 1300 <= head.brain_ml <= 1500
    assert [finding.code for finding in head.findings] == ["hypodense-area"]
    assert "on the left" in head.findings[0].message


def test_the_young_head_of_toshiba(real_head: Callable[[str], HeadAnalysis]) -> None:
    head = real_head("ct/toshiba-study")
    assert 1300 <= head.brain_ml <= 1500
    assert head.findings == ()


@pytest.mark.parametrize("name", ["ct/ge-head", "ct/toshiba-study"])
def test_real_masks_are_symmetric_and_whole(real_head: Callable[[str], HeadAnalysis], name: str) -> None:
    head = real_head(name)
    ras = head.brain.ras_of(np.argwhere(head.brain.mask))
    right = np.count_nonzero(head.plane.signed_distance(ras) > 0) / len(ras)
    assert right == pytest.approx(0.5, abs=0.02)
    areas = np.count_nonzero(head.brain.mask, axis=(0, 1))
    layers = np.flatnonzero(areas)
    assert (np.diff(layers) == 1).all(), "no layer is left out"


def test_a_phantom_of_a_skull_without_a_brain(real_volume: Callable[[str], Volume]) -> None:
    volume = real_volume("ct/philips-phantom-tilted")
    with pytest.raises(InputError, match=r"no brain inside a skull.*phantom") as refusal:
        analyse_head(volume)
    assert refusal.value.code == "not-a-head"

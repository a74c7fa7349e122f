from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import phantoms_registration as phantoms
from deepstroke.nifti import write_json
from deepstroke.register import SpatialTransform
from deepstroke.volume import LabelMap
from deepstroke_training.benchmarks.registration import (
    CONTENDERS,
    STRUCTURES,
    Contender,
    Measurement,
    RegistrationBenchmark,
    against_truth,
    measure,
)
from deepstroke_training.benchmarks.registration_pairs import Anatomy, Pair, PairSettings, make_pair

MEASURED = Measurement(
    contender="fast",
    seed=1,
    dice=dict.fromkeys(STRUCTURES, 0.9),
    deep_error_mm=0.8,
    jacobian_min=0.5,
    inverse_error_mean_mm=0.006,
    inverse_error_p99_mm=0.03,
    cpu_s=2.0,
    wall_s=2.5,
)


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    """The formula head at 3 mm, its left and right structures under one label each, as tissues."""
    head = phantoms.head(phantoms.grid((3.0, 3.0, 3.0)))
    numbers = {name: number for number, name in enumerate(STRUCTURES, start=1)}
    merged = np.zeros_like(head.labels.data)
    for name, old in (("ventricles", (1, 2)), ("lentiform", (3, 4)), ("insula", (5,))):
        merged[np.isin(head.labels.data, old)] = numbers[name]
    ventricles = merged == numbers["ventricles"]
    grey = np.where(merged > 0, 1.0, 0.5 + 0.5 * np.sin(np.indices(merged.shape).sum(axis=0) / 3)) * head.brain.mask
    grey = np.where(ventricles, 0.0, grey).astype(np.float32)
    white = np.where(ventricles, 0.0, head.brain.mask - grey).astype(np.float32)
    numbers = {name: numbers[name] for name in ("ventricles", "lentiform", "insula")}
    return Anatomy(grey, white, head.brain.mask, numbers, merged, head.brain.ijk_to_ras)


@pytest.fixture(scope="module")
def pair(anatomy: Anatomy) -> Pair:
    return make_pair(anatomy, seed=3)


def test_a_seed_always_gives_the_same_pair(anatomy: Anatomy, pair: Pair) -> None:
    np.testing.assert_array_equal(make_pair(anatomy, seed=3).fixed.data, pair.fixed.data)
    assert not np.array_equal(make_pair(anatomy, seed=4).fixed.data, pair.fixed.data)


def test_the_subject_is_the_template_seen_through_the_truth(anatomy: Anatomy) -> None:
    plain = replace(PairSettings(), lesion_hu=(0.0, 0.0), bias_hu=0.0, noise_hu=0.0, slice_mm=1)
    pair = make_pair(anatomy, seed=3, settings=plain)
    ventricles = LabelMap((anatomy.labels == anatomy.structures["ventricles"]).astype(np.uint8), anatomy.ijk_to_ras)
    seen = pair.truth.apply(ventricles, pair.fixed).mask
    inner = seen & pair.fixed_mask.mask
    assert pair.fixed.data[inner].mean() < 15
    assert pair.fixed.data[pair.fixed_mask.mask & ~seen].mean() > 25


def test_slices_are_thick_and_noise_is_as_loud_as_said(anatomy: Anatomy) -> None:
    pair, silent = (make_pair(anatomy, 3, PairSettings(slice_mm=2, noise_hu=hu)) for hu in (6.0, 0.0))
    assert pair.fixed.spacing_mm == pytest.approx((3.0, 3.0, 6.0))
    difference = (pair.fixed.data - silent.fixed.data)[pair.fixed_mask.mask]
    assert difference.std() == pytest.approx(6.0, rel=0.03)


def test_ventricles_are_wider_than_the_template_s(anatomy: Anatomy) -> None:
    still = PairSettings(warp_mm=(0.0, 0.0), rotation_degrees=0.0, scale=(1.0, 1.0), shift_mm=0.0)
    labels = LabelMap(anatomy.labels, anatomy.ijk_to_ras)
    volumes = []
    for push in (0.0, 5.0):
        truth = make_pair(anatomy, 3, replace(still, ventricle_mm=(push, push))).truth
        volumes.append(truth.apply(labels, labels).volume_ml(anatomy.structures["ventricles"]))
    assert volumes[1] > 1.3 * volumes[0]


def test_the_truth_scores_perfectly_and_the_identity_does_not(anatomy: Anatomy, pair: Pair) -> None:
    dice, error = against_truth(pair.truth, pair, anatomy)
    assert set(dice.values()) == {1.0}
    assert error == 0.0
    dice, error = against_truth(SpatialTransform.from_affine(np.eye(4)), pair, anatomy)
    assert max(dice.values()) < 0.9
    assert error > 3.0


def test_an_engine_is_really_run_and_timed(anatomy: Anatomy, pair: Pair) -> None:
    found = measure(CONTENDERS[0], pair, anatomy, seed=3)
    assert found.contender == "fast"
    assert found.mean_dice > 0.7
    assert found.deep_error_mm < 3.0
    assert found.jacobian_min > 0
    assert found.cpu_s > 0.1


def test_the_table_compares_each_peer_with_fast(tmp_path: Path) -> None:
    slower = replace(MEASURED, contender="greedy", dice=dict.fromkeys(STRUCTURES, 0.85), cpu_s=10.0)
    result = RegistrationBenchmark(1, (MEASURED, slower), "a machine")
    fast, greedy = result.markdown().splitlines()[2:4]
    assert fast.split("|")[1].strip() == "fast"
    assert [cell.strip() for cell in greedy.split("|")[-3:-1]] == ["+0.0500", "x 0.20"]
    write_json(result.as_dict(), tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["measurements"][1]["mean_dice"] == pytest.approx(0.85)


def test_all_engines_take_part() -> None:
    assert [c.name for c in CONTENDERS] == ["fast", "greedy", "greedy, 4 levels", "ants syn", "ants syncc"]
    assert isinstance(CONTENDERS[2], Contender)
    assert CONTENDERS[2].deformable is not None
    assert "100x100x100x40" in CONTENDERS[2].deformable

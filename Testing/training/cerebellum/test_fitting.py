"""Training of M1 and M2 on small images whose answer is in their grey values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import DeepStrokeError, WeightsError
from deepstroke_training.cerebellum.augmentation import Augmentation, Pair
from deepstroke_training.cerebellum.data import PreparedCases, with_copies
from deepstroke_training.cerebellum.fitting import evaluate, fit, load, turned
from deepstroke_training.cerebellum.settings import CerebellumSettings


def ball(seed: int) -> Pair:
    rng = np.random.default_rng(seed)
    away = np.linalg.norm(np.indices((16, 16, 16)) - rng.uniform(6, 9, (3, 1, 1, 1)), axis=0)
    mask = (away < 4).astype(np.uint8)
    return (0.2 + 0.6 * mask + 0.05 * rng.standard_normal(mask.shape)).astype(np.float32), mask


@pytest.fixture
def cases() -> PreparedCases:
    pairs = [ball(seed) for seed in range(6)]
    return PreparedCases(tuple(pairs[:4]), tuple(pairs[4:5]), tuple(pairs[5:]), voxel_mm3=8.0)


def test_a_network_learns_and_comes_back_from_its_folder(cases: PreparedCases, tmp_path: Path) -> None:
    settings = CerebellumSettings(network="cerebellum_m1", epochs=12, lr=5e-3, dropout=0.0, seed=1)
    history = fit(settings, tmp_path, cases)
    assert len(history) == 12
    assert history[-1].training < history[0].training - 0.1
    scores = evaluate(load(settings, tmp_path), cases.validation, cases.voxel_mm3)
    assert 1 - scores[0].dice == pytest.approx(min(each.validation for each in history), abs=0.2)
    assert scores[0].true_volume_mm3 == 8.0 * cases.validation[0][1].sum()


def test_turned_copies_keep_only_those_that_show_the_structure(cases: PreparedCases) -> None:
    assert len(turned(cases.training, Augmentation(shift_voxels=1))) == 4
    assert len(turned(cases.training, Augmentation(shift_voxels=60))) < 4


def test_a_folder_without_weights_or_with_others_is_refused(cases: PreparedCases, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights\.safetensors: no such file"):
        load(CerebellumSettings(), tmp_path)
    fit(CerebellumSettings(network="cerebellum_m1", epochs=1), tmp_path, cases)
    with pytest.raises(WeightsError, match="holds no weights of cerebellum_m2"):
        load(CerebellumSettings(), tmp_path)


def test_runs_with_and_without_copies_may_take_as_many_steps(cases: PreparedCases, tmp_path: Path) -> None:
    """Four training cases: ten steps end with the third epoch; with two copies each, twelve cases, with the first."""
    settings = CerebellumSettings(network="cerebellum_m1", epochs=20, max_steps=10, augmentation=Augmentation(copies=2))
    assert len(fit(settings, tmp_path, cases)) == 3
    more = with_copies(cases, settings)
    assert (len(more.training), len(more.validation), len(more.test)) == (12, 3, 1)
    assert len(fit(settings, tmp_path, more)) == 1


def test_a_network_that_meets_no_structure_in_an_epoch_stops(cases: PreparedCases, tmp_path: Path) -> None:
    empty = tuple((image, np.zeros_like(mask)) for image, mask in cases.training)
    with pytest.raises(DeepStrokeError, match=r"nothing was marked rightly.*lr is 0\.001, try half"):
        fit(CerebellumSettings(network="cerebellum_m1", epochs=2), tmp_path, replace(cases, training=empty))

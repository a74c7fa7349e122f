"""Counts of stated probabilities, on predictions whose calibration is known by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from deepstroke.errors import InputError
from deepstroke.inference.predict import Prediction
from deepstroke.inference.weights import WeightsOutput
from deepstroke.preprocess.resampling import Grid
from deepstroke.regions import REGIONS
from deepstroke.volume import LabelMap
from deepstroke_training.assessment.reliability import (
    BINS,
    RELIABILITY_FILE,
    TEMPERATURES,
    Reliability,
    count,
    read_reliability,
)

SHAPE = (10, 4, 4)
#: Without sides from coordinates: the plane i = -1, so that all lies on its right.
MIDLINE = np.array([1.0, 0.0, 0.0, 1.0])
OUTPUT = WeightsOutput(("background", *(region.abbreviation for region in REGIONS)), None)
NEAREST_1 = TEMPERATURES[int(np.argmin(np.abs(np.array(TEMPERATURES) - 1.0)))]


def says_m1_with(probability: float) -> Prediction:
    """Everywhere M1 has the probability and all other classes share the rest."""
    chances = torch.full((11, *SHAPE), (1.0 - probability) / 10.0)
    chances[5] = probability
    return Prediction(chances.log(), None, Grid(SHAPE, np.eye(4)), np.ones(SHAPE, bool), None, ())


def m1_in(rows: int) -> LabelMap:
    """M1 on the right in so many of ten rows, C in the others."""
    labels = np.full(SHAPE, 11, np.uint8)
    labels[:rows] = 15
    return LabelMap(labels, np.eye(4))


def reliability_of(probability: float, rows: int) -> Reliability:
    found = LabelMap(np.full(SHAPE, 15, np.uint8), np.eye(4))
    counts = count(says_m1_with(probability), OUTPUT, MIDLINE, m1_in(rows), found)
    return Reliability.of(counts, 1.0)


def test_probabilities_that_hold_have_no_error_at_temperature_one() -> None:
    found = reliability_of(0.7, rows=7)
    assert found.voxels == 160
    assert found.ece_at(1.0) == pytest.approx(0.0, abs=0.03)  # 1.022 is the nearest that was tried
    assert found.best == pytest.approx(1.0, abs=0.07)


def test_too_sure_a_network_is_told_by_error_and_temperature() -> None:
    found = reliability_of(0.95, rows=7)
    assert found.ece_at(1.0) == pytest.approx(0.25, abs=0.02)
    # p = 1 / (1 + 10 exp(-s/T)) with s = ln(190) falls to 0.7 at s / T = ln(70/3).
    assert found.best == pytest.approx(math.log(190) / math.log(70 / 3), rel=0.05)
    assert found.ece_at(found.best) < 0.03


def test_the_likelihood_is_that_of_the_true_label() -> None:
    found = reliability_of(0.7, rows=10)
    at = TEMPERATURES.index(NEAREST_1)
    chance = 1.0 / (1.0 + 10.0 * math.exp(-math.log(0.7 / 0.03) / NEAREST_1))
    assert found.nll[at] == pytest.approx(-math.log(chance), abs=1e-4)


def test_what_is_no_region_in_truth_and_answer_is_not_looked_at() -> None:
    empty = np.zeros(SHAPE, np.uint8)
    empty[0] = 15
    truth = LabelMap(empty, np.eye(4))
    counts = count(says_m1_with(0.7), OUTPUT, MIDLINE, truth, truth)
    assert counts.voxels.sum(axis=1).tolist() == [16.0] * len(TEMPERATURES)


def test_counts_of_cases_add_up() -> None:
    found = LabelMap(np.full(SHAPE, 15, np.uint8), np.eye(4))
    one = count(says_m1_with(0.7), OUTPUT, MIDLINE, m1_in(5), found)
    two = count(says_m1_with(0.7), OUTPUT, MIDLINE, m1_in(9), found)
    assert Reliability.of(one + two, 1.0) == Reliability.of(
        count(says_m1_with(0.7), OUTPUT, MIDLINE, m1_in(7), found)
        + count(says_m1_with(0.7), OUTPUT, MIDLINE, m1_in(7), found),
        1.0,
    )
    assert one.voxels.shape == (len(TEMPERATURES), BINS)


def test_figures_are_read_back(tmp_path: Path) -> None:
    found = reliability_of(0.7, rows=7)
    found.write(tmp_path)
    assert read_reliability(tmp_path) == found
    (tmp_path / RELIABILITY_FILE).write_text("{")
    with pytest.raises(InputError, match=r"reliability\.json can't be read"):
        read_reliability(tmp_path)

"""Calibration on probabilities whose truth is known by hand, and against scikit-learn and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.evaluation import expected_calibration_error, reliability_curve


def test_two_bins_by_hand() -> None:
    curve = reliability_curve([0, 1, 1, 1], [0.2, 0.4, 0.9, 1.0], bins=2)
    assert [(round(b.probability, 6), float(b.observed), b.cases) for b in curve] == [(0.3, 0.5, 2), (0.95, 1.0, 2)]
    assert expected_calibration_error([0, 1, 1, 1], [0.2, 0.4, 0.9, 1.0], bins=2) == pytest.approx(0.125)


def test_the_curve_of_scikit_learn() -> None:
    peer = pytest.importorskip("sklearn.calibration")
    rng = np.random.default_rng(0)
    stated = rng.uniform(0, 1, 300)
    truth = rng.uniform(0, 1, 300) < stated**2
    for binning, strategy in (("width", "uniform"), ("count", "quantile")):
        observed, mean = peer.calibration_curve(truth, stated, n_bins=8, strategy=strategy)
        curve = reliability_curve(truth, stated, 8, binning)
        assert [b.probability for b in curve] == pytest.approx(mean)
        assert [float(b.observed) for b in curve] == pytest.approx(observed)


def test_the_error_of_torchmetrics() -> None:
    peer = pytest.importorskip("torchmetrics.functional.classification")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    stated = rng.uniform(0, 1, 200)
    truth = rng.uniform(0, 1, 200) < stated**1.5
    figure = peer.binary_calibration_error(torch.tensor(stated), torch.tensor(truth), n_bins=10, norm="l1")
    assert expected_calibration_error(truth, stated) == pytest.approx(figure.item(), abs=1e-6)


def test_equal_probabilities_make_one_bin() -> None:
    (only,) = reliability_curve([0, 1, 1, 0], [0.5] * 4, 5, "count")
    assert (only.probability, only.observed, only.cases) == (0.5, 0.5, 4)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match=r"in 0\.\.1, found 1\.2"):
        expected_calibration_error([0, 1], [0.5, 1.2])
    with pytest.raises(InputError, match="at least one bin"):
        reliability_curve([0, 1], [0.5, 0.7], bins=0)
    with pytest.raises(InputError, match="found 'quantile'"):
        reliability_curve([0, 1], [0.5, 0.7], 2, "quantile")
    with pytest.raises(InputError, match="at least 1 cases"):
        expected_calibration_error([], [])

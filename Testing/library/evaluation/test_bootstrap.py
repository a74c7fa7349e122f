"""Intervals from resampled patients: coverage on simulated data, and cases known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from deepstroke.errors import InputError
from deepstroke.evaluation import PatientBootstrap, bootstrap_mean, holm, paired_bootstrap


def test_many_normal_cases_get_students_interval() -> None:
    values = np.random.default_rng(0).normal(3, 2, 40)
    found = bootstrap_mean(values, range(40), draws=20_000)
    half = stats.t.ppf(0.975, 39) * values.std(ddof=1) / np.sqrt(40)
    assert found == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * half, rel=0.05)


def test_cases_of_one_patient_stay_together() -> None:
    # Copies of a patient's case add cases but no knowledge: the interval stays that of the patients.
    values = np.random.default_rng(1).normal(0, 1, 30)
    once = bootstrap_mean(values, range(30), draws=4000)
    thrice = bootstrap_mean(np.repeat(values, 3), np.repeat(np.arange(30), 3).tolist(), draws=4000)
    assert (thrice, thrice.low, thrice.high) == pytest.approx((once, once.low, once.high))


@pytest.mark.parametrize("patients", [8, 25])
def test_intervals_cover_the_true_difference_as_often_as_they_say(patients: int) -> None:
    rng = np.random.default_rng(patients)
    of_patient = np.repeat(np.arange(patients), 2)
    found = []
    for seed in range(300):
        gain = 0.5 + rng.normal(0, 1, patients)[of_patient] + rng.exponential(1, of_patient.size) - 1
        base = rng.normal(0, 3, of_patient.size)
        found.append(paired_bootstrap(base + gain, base, of_patient.tolist(), draws=600, seed=seed))
    covered = np.mean([one.difference.low <= 0.5 <= one.difference.high for one in found])
    assert 0.90 <= covered <= 0.985


def test_p_values_of_equal_methods_are_spread_evenly() -> None:
    rng = np.random.default_rng(7)
    p_values = []
    for seed in range(300):
        first, second = rng.normal(0, 1, (2, 20))
        p_values.append(paired_bootstrap(first, second, range(20), draws=600, seed=seed).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_p_value_and_interval_agree() -> None:
    rng = np.random.default_rng(8)
    for shift in (0.0, 0.2, 0.4, 0.8):
        first, second = rng.normal(shift, 1, 30), rng.normal(0, 1, 30)
        found = paired_bootstrap(first, second, range(30), draws=4000)
        excludes = not found.difference.low <= 0 <= found.difference.high
        assert excludes == (found.p_value < 0.05)


def test_equal_values_differ_by_nothing() -> None:
    found = paired_bootstrap([0.9, 0.8, 0.7], [0.9, 0.8, 0.7], ["a", "b", "c"], draws=500)
    assert (found.difference, found.difference.low, found.difference.high, found.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_the_exchange_of_both_methods_turns_the_sign() -> None:
    first, second = np.random.default_rng(9).normal(0.3, 1, (2, 12))
    one, other = (paired_bootstrap(*pair, range(12), draws=1000) for pair in ((first, second), (second, first)))
    assert one.difference == pytest.approx(-other.difference)
    assert one.difference.low == pytest.approx(-other.difference.high)
    assert one.p_value == pytest.approx(other.p_value)


def test_a_case_without_both_values_is_left_out() -> None:
    found = paired_bootstrap([0.9, np.nan, 0.7, 0.5], [0.8, 0.1, np.nan, 0.3], ["a", "b", "c", "d"], draws=500)
    assert (found.cases, found.patients) == (2, 2)
    assert (found.first, found.second) == (pytest.approx(0.7), pytest.approx(0.55))
    assert found.difference == pytest.approx(0.15)


def test_several_quantities_share_the_resamples() -> None:
    bootstrap = PatientBootstrap(range(10), draws=500, seed=3)
    values = np.random.default_rng(10).normal(0, 1, (10, 2))
    together = bootstrap.means(values)
    alone = [bootstrap.mean(column) for column in values.T]
    for one, other in zip(together, alone, strict=True):
        assert (one, one.low, one.high) == pytest.approx((other, other.low, other.high))


def test_the_same_seed_gives_the_same_interval_in_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.arange(50.0)
    whole = bootstrap_mean(values, range(50), draws=300, seed=4)
    monkeypatch.setattr("deepstroke.evaluation.bootstrap._BLOCK_NUMBERS", 500)
    pieces = bootstrap_mean(values, range(50), draws=300, seed=4)
    assert (whole.low, whole.high) == (pieces.low, pieces.high)


def test_what_has_no_interval_is_refused() -> None:
    with pytest.raises(InputError, match="at least two patients with a value, found 1"):
        bootstrap_mean([0.5, 0.6], ["a", "a"])
    with pytest.raises(InputError, match="at least two patients with a value, found 0"):
        paired_bootstrap([np.nan, 1.0], [1.0, np.nan], ["a", "b"])
    with pytest.raises(InputError, match="found shape \\(3, 1\\) for 2 cases"):
        bootstrap_mean([0.5, 0.6, 0.7], ["a", "b"])
    with pytest.raises(InputError, match="infinite"):
        bootstrap_mean([0.5, np.inf], ["a", "b"])
    with pytest.raises(InputError, match="needs cases and resamples, found 0"):
        bootstrap_mean([], [])
    with pytest.raises(InputError, match="unlike tables"):
        PatientBootstrap(["a", "b"]).paired_all(np.zeros((2, 1)), np.zeros((2, 2)))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])

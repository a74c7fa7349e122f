"""Proportions against published intervals, and detection counted by hand."""

from __future__ import annotations

import pytest

from deepstroke.errors import InputError
from deepstroke.evaluation import detection, proportion, sensitivity, specificity


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_of_newcombe_1998_table_1(count: int, total: int, low: float, high: float) -> None:
    found = proportion(count, total)
    assert found == pytest.approx(count / total)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_agrees_with_statsmodels() -> None:
    peer = pytest.importorskip("statsmodels.stats.proportion")
    found = proportion(7, 9, 0.9)
    assert (found.low, found.high) == pytest.approx(peer.proportion_confint(7, 9, 0.1, "wilson"))


def test_calls_counted_by_hand() -> None:
    called, actual = [1, 1, 0, 0, 1, 0, 0], [1, 1, 1, 0, 0, 0, 0]
    found = detection(called, actual)
    counts = found.true_positives, found.false_positives, found.true_negatives, found.false_negatives
    assert counts == (2, 1, 3, 1)
    assert found.sensitivity == pytest.approx(2 / 3) == sensitivity(called, actual)
    assert found.specificity == pytest.approx(3 / 4) == specificity(called, actual)
    assert found.accuracy == pytest.approx(5 / 7)


def test_a_class_that_is_absent_has_no_share() -> None:
    assert detection([1, 0], [0, 0]).sensitivity is None
    assert detection([1, 0], [True, True]).specificity is None


def test_faulty_samples_are_refused() -> None:
    with pytest.raises(InputError, match="found 0 of 0"):
        proportion(0, 0)
    with pytest.raises(InputError, match="only 0 and 1 are expected, found 2"):
        detection([0, 2], [0, 1])
    with pytest.raises(InputError, match="must be of the same cases, found 2 and 3"):
        detection([0, 1], [0, 1, 1])
    with pytest.raises(InputError, match="1 of 2 values are missing"):
        detection([0, float("nan")], [0, 1])
    with pytest.raises(InputError, match="numbers are expected"):
        detection(["yes", "no"], [0, 1])
    with pytest.raises(InputError, match="at least 1 cases"):
        detection([], [])
    with pytest.raises(InputError, match="confidence lies between 0 and 1"):
        proportion(1, 2, 95)

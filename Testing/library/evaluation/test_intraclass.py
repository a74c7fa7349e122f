"""Intraclass correlation on the published example of Shrout and Fleiss."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.evaluation import icc

#: Shrout and Fleiss 1979, table 2: four judges, six targets.
_RATINGS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


@pytest.mark.parametrize(
    ("form", "value", "low", "high"),
    [
        # Values: table 4 of the paper. Intervals: psych::ICC of R on the same ratings.
        ("1,1", 0.17, -0.133, 0.72),
        ("2,1", 0.29, 0.019, 0.76),
        ("3,1", 0.71, 0.342, 0.95),
        ("1,k", 0.44, -0.884, 0.91),
        ("2,k", 0.62, 0.071, 0.93),
        ("3,k", 0.91, 0.676, 0.99),
    ],
)
def test_the_example_of_shrout_and_fleiss(form: str, value: float, low: float, high: float) -> None:
    found = icc(_RATINGS, form)
    assert found == pytest.approx(value, abs=0.005)
    assert found.low == pytest.approx(low, abs=0.0006)
    assert found.high == pytest.approx(high, abs=0.006)


def test_an_offset_between_raters_counts_for_agreement_alone() -> None:
    base = np.arange(6.0)
    ratings = np.stack([base, base + 2], axis=1)
    assert icc(ratings, "3,1") == icc(ratings, "3,1").low == 1.0
    # Mean squares: 7 between cases, 12 between raters, 0 residual: 7 / (7 + 2 * 12 / 6).
    assert icc(ratings, "2,1") == pytest.approx(7 / 11)


def test_equal_raters_agree_fully_in_every_form() -> None:
    ratings = np.stack([np.arange(5.0)] * 2, axis=1)
    for form in ("1,1", "2,1", "3,1", "1,k", "2,k", "3,k"):
        found = icc(ratings, form)
        assert (found, found.low, found.high) == (1.0, 1.0, 1.0)


def test_intervals_cover_the_true_value_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    true = 4 / (4 + 1)  # variance 4 between cases, 1 within
    found = [icc(rng.normal(0, 2, (15, 1)) + rng.normal(0, 1, (15, 3)), "1,1") for _ in range(400)]
    assert 0.92 <= np.mean([one.low <= true <= one.high for one in found]) <= 0.98


def test_what_it_is_not_defined_on_is_refused() -> None:
    with pytest.raises(InputError, match="all ratings are equal"):
        icc([[3, 3], [3, 3]])
    with pytest.raises(InputError, match="at least two of each, found \\(2, 1\\)"):
        icc([[1], [2]])
    with pytest.raises(InputError, match="1 of 4 values are missing"):
        icc([[1, 2], [3, np.nan]])
    with pytest.raises(InputError, match="found '4,1'"):
        icc(_RATINGS, "4,1")
    with pytest.raises(InputError, match="cases don't differ"):
        icc([[1, 2], [1, 2], [1, 2]], "3,1")
    with pytest.raises(InputError, match="cases don't differ"):
        icc([[1, 2], [1, 2]], "1,k")
    with pytest.raises(InputError, match="as many numbers for each case"):
        icc([[1, 2], [3]])

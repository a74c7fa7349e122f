"""Figures of a score against a reference, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.regions import SIDED_REGIONS
from deepstroke_training.scoring.agreement import agreement_of, compare_models, region_figures
from deepstroke_training.scoring.judging import JudgedCase, JudgedRegion
from deepstroke_training.scoring.plots import roc_points
from deepstroke_training.scoring.tables import agreement_tables


def case(name: str, reference: set[int], called: set[int], unjudged: set[int] = frozenset()) -> JudgedCase:  # type: ignore[assignment]
    """A case by the labels 1..20 that the reference and the score call."""
    regions = tuple(
        JudgedRegion(
            name,
            name,
            region.abbreviation,
            side,
            label in reference,
            None if label in unjudged else (0.8 if label in called else 0.1),
            None if label in unjudged else label in called,
        )
        for label, (region, side) in enumerate(SIDED_REGIONS, start=1)
    )
    true_side = ("left" if min(reference) <= 10 else "right") if reference else None
    found_side = ("left" if min(called) <= 10 else "right") if called else None
    side = true_side or found_side or "left"
    offset = 0 if side == "left" else 10
    count = sum(offset < label <= offset + 10 for label in called)
    wanted = sum(offset < label <= offset + 10 for label in reference)
    return JudgedCase(name, name, regions, side, 10 - wanted, 10 - count, found_side, true_side, ())  # type: ignore[arg-type]


CASES = (
    case("a", {1, 2, 3, 4}, {1, 2, 3}),  # one missed
    case("b", {15, 16}, {15, 16, 17}),  # one too many
    case("c", set(), set()),
    case("d", set(), {5}),  # a false one without any lesion
    case("e", {6}, {6}, unjudged={7, 8}),
)


def test_figures_by_hand() -> None:
    found = agreement_of(CASES)
    regions, total = found.all_regions, found.total
    assert (regions.judged, regions.unjudged, regions.involved) == (98, 2, 7)
    assert regions.sensitivity == pytest.approx(6 / 7)
    assert regions.specificity == pytest.approx(89 / 91)
    assert found.by_region["M1"].involved == 1
    assert (total.cases, total.withheld, total.right_side, total.sided) == (5, 0, 3, 3)
    assert total.false_regions == 0.5
    assert total.spared == 2
    assert total.difference is not None
    assert total.difference.bias == pytest.approx((1 - 1 + 0 - 1 + 0) / 5)
    low = total.low[7]
    assert (low.true_positives, low.false_positives, low.false_negatives, low.true_negatives) == (1, 1, 0, 3)


def test_one_class_has_no_area() -> None:
    figures = region_figures(CASES[2].regions)
    assert (figures.area, figures.sensitivity, figures.sensitivity_at_92) == (None, None, None)
    assert figures.specificity == 1.0


def test_two_methods_on_the_same_cases() -> None:
    better = (case("a", {1, 2, 3, 4}, {1, 2, 3, 4}), *CASES[1:])
    (comparison,) = compare_models({"new": better, "old": CASES})
    assert comparison.accuracy.difference == pytest.approx(1 / 20 / 5)
    assert comparison.total_error is not None
    assert comparison.total_error.difference == pytest.approx(-1 / 5)


def test_tables_hold_the_figures() -> None:
    text = agreement_tables({"logistic": agreement_of(CASES)}, (), "Synthetic cases", ["5 cases."])
    assert text.startswith("# Synthetic cases\n")
    assert "| logistic | 98 | 7 | 2 |" in text
    assert "0.50 (2 cases)" in text


def test_roc_of_a_perfect_score() -> None:
    false, true = roc_points(np.array([0.9, 0.8, 0.1]), np.array([True, True, False]))
    assert list(zip(false, true, strict=True)) == [(0.0, 0.0), (0.0, 0.5), (0.0, 1.0), (1.0, 1.0)]

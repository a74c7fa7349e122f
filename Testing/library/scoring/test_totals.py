"""Totals from involved regions, with overrides and regions that can't be judged."""

from __future__ import annotations

from dataclasses import replace

from deepstroke.regions import SIDED_REGIONS
from deepstroke.scoring import RegionMeasures, RegionScore, totals_of
from deepstroke.scoring.totals import affected_side


def regions(involved: set[int], unjudged: set[int] = frozenset()) -> tuple[RegionScore, ...]:  # type: ignore[assignment]
    """Twenty regions; those with the labels given are involved, or can't be judged."""
    return tuple(
        RegionScore(
            RegionMeasures(region, side, 5.0, 30.0, 30.0, None),
            probability=None if label in unjudged else (0.9 if label in involved else 0.1),
            involved=None if label in unjudged else label in involved,
            obstacles=("low-confidence",) if label in unjudged else (),
        )
        for label, (region, side) in enumerate(SIDED_REGIONS, start=1)
    )


def test_each_side_loses_a_point_for_each_region() -> None:
    total = totals_of(regions({1, 2, 3, 15}))
    assert (total.left, total.right, total.side, total.score) == (7, 9, "left", 7)


def test_all_of_a_side() -> None:
    assert totals_of(regions(set(range(11, 21)))).score == 0


def test_regions_that_cannot_be_judged_are_not_counted_but_told() -> None:
    total = totals_of(regions({1}, unjudged={2, 3, 12}))
    assert (total.score, total.lowest, total.highest, total.right) == (9, 7, 9, 10)


def test_nothing_judged_gives_no_total() -> None:
    total = totals_of(regions(set(), unjudged=set(range(1, 21))))
    assert (total.score, total.left, total.right, total.side) == (None, None, None, None)


def test_a_readers_override_is_totalled_by_the_same_rule() -> None:
    found = list(regions({1, 2}))
    found[0] = replace(found[0], involved=False)
    assert totals_of(found).left == 9


def test_of_two_sides_the_one_with_more_expected_involvement_is_affected() -> None:
    assert affected_side(regions({1, 11, 12})) == "right"
    assert affected_side(regions(set())) is None


def test_withheld() -> None:
    total = totals_of(regions({1}), withheld=("haemorrhage",))
    assert (total.score, total.left, total.side, total.withheld) == (None, None, "left", ("haemorrhage",))


def test_a_side_on_which_nothing_is_judged_has_no_total_and_does_not_count() -> None:
    total = totals_of(regions({11}, unjudged=set(range(1, 11))))
    assert (total.left, total.right, total.side, total.score) == (None, 9, "right", 9)
    unaffected = totals_of(regions(set(), unjudged=set(range(11, 21))))
    assert (unaffected.left, unaffected.right, unaffected.score) == (10, None, 10)
    told = totals_of(regions(set(), unjudged=set(range(11, 21))), side="right")
    assert (told.score, told.lowest, told.side) == (None, None, "right")

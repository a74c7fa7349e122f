"""From involved regions to the score of each side, and which side is affected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepstroke.findings import Finding
from deepstroke.regions import REGIONS, SIDES, Side
from deepstroke.scoring.result import AspectsResult, RegionScore


def totals_of(
    regions: Sequence[RegionScore], side: Side | None = None, withheld: tuple[str, ...] = ()
) -> AspectsResult:
    """The total of each side: 10 less its involved regions; none for a side on which no region can be judged.

    Args:
        regions: the twenty regions, also with a reader's overrides.
        side: the affected side, where it is known; else it is the one with more involvement to be expected.
        withheld: codes of findings for which no total is given.
    """
    affected = side or affected_side(regions)
    if withheld or not any(region.assessable for region in regions):
        return AspectsResult(side=affected, side_given=side is not None, withheld=withheld)
    scores = {name: _score_of(regions, name) for name in SIDES}
    counted = affected or _lower_side(scores)
    score = scores[counted]
    if score is None:
        return AspectsResult(side=affected, side_given=side is not None, left=scores["left"], right=scores["right"])
    unjudged = sum(region.side == counted and region.involved is None for region in regions)
    return AspectsResult(
        side=affected,
        score=score,
        left=scores["left"],
        right=scores["right"],
        lowest=score - unjudged,
        highest=score,
        side_given=side is not None,
    )


def affected_side(regions: Sequence[RegionScore]) -> Side | None:
    """The side with an involved region; of two the one with more involved regions to be expected."""
    sides = [side for side in SIDES if _count(regions, side)]
    return max(sides, key=lambda side: _expected(regions, side), default=None)


def report_both_sides(regions: Sequence[RegionScore]) -> tuple[Finding, ...]:
    """A warning where regions of both sides are involved: a comparison of the sides doesn't give that easily."""
    named = {side: [r.region.abbreviation for r in regions if r.side == side and r.involved] for side in SIDES}
    if not all(named.values()):
        return ()
    words = "; ".join(f"{side} {', '.join(names)}" for side, names in named.items())
    return (Finding("both-sides-involved", f"Regions of both sides look involved ({words}): look closely."),)


def _score_of(regions: Sequence[RegionScore], side: Side) -> int | None:
    judged = any(region.side == side and region.assessable for region in regions)
    return len(REGIONS) - _count(regions, side) if judged else None


def _lower_side(scores: Mapping[Side, int | None]) -> Side:
    """The side with the lower total; a side without one comes last."""
    return min(SIDES, key=lambda side: (scores[side] is None, scores[side] or 0))


def _count(regions: Sequence[RegionScore], side: Side) -> int:
    return sum(region.side == side and region.involved is True for region in regions)


def _expected(regions: Sequence[RegionScore], side: Side) -> float:
    return sum(region.probability or 0.0 for region in regions if region.side == side)

"""What is said of a region, whoever says it, and the score that follows. The page's ``judgement.js`` counts alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from deepstroke.regions import SIDES, Side
from deepstroke.report.contents import RegionResult, Report

#: Involved: early ischemic change. Not scored: nobody has judged the region yet.
Status = Literal["involved", "not-involved", "not-assessable", "not-scored"]
STATUSES: tuple[Status, ...] = get_args(Status)
#: What a reader may choose.
CHOICES: tuple[Status, ...] = ("involved", "not-involved", "not-assessable")
STATUS_WORDS: dict[Status, str] = {
    "involved": "involved",
    "not-involved": "not involved",
    "not-assessable": "not assessable",
    "not-scored": "not scored",
}
FULL_SCORE = 10


@dataclass(frozen=True)
class SideScore:
    """The score of one side.

    Attributes:
        score: 10 minus the involved regions; None where a region isn't judged yet, or none can be.
        lowest: what the score would be if all regions that can't be judged were involved.
    """

    score: int | None
    lowest: int | None

    def __str__(self) -> str:
        if self.score is None or self.lowest is None:
            return "–"
        return str(self.score) if self.lowest == self.score else f"{self.lowest} to {self.score}"


def status_of(result: RegionResult) -> Status:
    """What the computed result says of a region; one that can't be judged is never called normal."""
    if not result.assessable:
        return "not-assessable"
    if result.involved is None:
        return "not-scored"
    return "involved" if result.involved else "not-involved"


def count_score(statuses: Iterable[Status]) -> SideScore:
    """The score of the ten regions of one side.

    Example:
        >>> str(count_score(["involved"] * 2 + ["not-assessable"] + ["not-involved"] * 7))
        '7 to 8'
    """
    given = list(statuses)
    unknown = given.count("not-assessable")
    if "not-scored" in given or unknown == len(given):
        return SideScore(None, None)
    score = FULL_SCORE - given.count("involved")
    return SideScore(score, score - unknown)


def side_scores(report: Report) -> Mapping[Side, SideScore]:
    """The computed score of each side; none where the report withholds it."""
    if report.aspects.withheld:
        return dict.fromkeys(SIDES, SideScore(None, None))
    return {
        side: count_score(status_of(result) for result in report.regions if result.measures.side == side)
        for side in SIDES
    }

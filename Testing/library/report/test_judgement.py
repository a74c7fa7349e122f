"""What is said of a region, and the score that follows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from deepstroke.report.contents import Report
from deepstroke.report.judgement import Status, count_score, side_scores, status_of
from deepstroke.scoring import AspectsResult
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["not-involved"] * 10, "10"),
        (["involved"] * 3 + ["not-involved"] * 7, "7"),
        (["involved"] * 2 + ["not-assessable"] * 3 + ["not-involved"] * 5, "5 to 8"),
        (["not-scored"] + ["not-involved"] * 9, "–"),
        (["not-assessable"] * 10, "–"),
        ([], "–"),
    ],
)
def test_a_score_is_ten_less_the_involved_regions(given: list[Status], words: str) -> None:
    assert str(count_score(given)) == words


def test_both_sides_of_a_report(head: Head, scored_report_of: Callable[..., Report]) -> None:
    report = scored_report_of(*head)
    assert {side: str(score) for side, score in side_scores(report).items()} == {"left": "8", "right": "9 to 10"}
    withheld = scored_report_of(*head, aspects=AspectsResult("left", withheld=("haemorrhage",)))
    assert {str(score) for score in side_scores(withheld).values()} == {"–"}


def test_what_cannot_be_judged_is_never_normal(head: Head, report_of: Callable[..., Report]) -> None:
    volume, labels = head
    report = report_of(volume, labels.with_labels(np.where(labels.data == 6, 0, labels.data)))
    assert status_of(report.regions[5]) == "not-assessable"
    assert status_of(report.regions[6]) == "not-scored"

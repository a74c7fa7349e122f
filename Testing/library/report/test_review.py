"""A reader's review: what was saved comes back, and what was altered is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepstroke.errors import InputError
from deepstroke.report.contents import Report
from deepstroke.report.page_facts import result_id
from deepstroke.report.review import read_review
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]


def change(subject: str, before: str, after: str, **more: str) -> dict[str, str]:
    known = {"when": "2024-05-06T08:00:00.000Z", "who": "Dr. Reader", "why": "seen on the thin slices"}
    return {**known, "subject": subject, "from": before, "to": after, **more}


@pytest.fixture
def content(head: Head, scored_report_of: Callable[..., Report]) -> dict[str, Any]:
    """Of ``report.json``: left 8, right 9 to 10."""
    return json.loads(json.dumps(scored_report_of(*head).as_dict()))


def save(folder: Path, content: dict[str, Any], audit: list[dict[str, str]], score: int | None, **more: Any) -> Path:
    review = {
        "format": "deepstroke-review", "version": 1, "report": {"id": result_id(content)},
        "saved": "2024-05-06T09:00:00.000Z", "aspects": {"score": score}, "audit": audit, **more,
    }  # fmt: skip
    path = folder / "aspects-review-1.json"
    path.write_text(json.dumps(review), encoding="utf-8")
    return path


def test_changes_are_replayed(content: dict[str, Any], tmp_path: Path) -> None:
    audit = [
        change("left M5", "not-involved", "involved"),
        change("left I", "involved", "not-involved"),
        change("left M6", "not-involved", "not-assessable"),
        change("left M4", "not-involved", "involved"),
    ]
    review = read_review(save(tmp_path, content, audit, 7), content)
    assert (review.side, review.score, review.left, review.right) == ("left", 7, 7, 10)
    assert review.regions["left", "M5"] == "involved"
    assert review.regions["left", "M6"] == "not-assessable"
    assert review.regions["right", "C"] == "not-assessable"
    assert (review.changes[0].who, review.changes[0].why) == ("Dr. Reader", "seen on the thin slices")


def test_the_affected_side_follows_or_is_named(content: dict[str, Any], tmp_path: Path) -> None:
    cleared = [change("left I", "involved", "not-involved"), change("left M2", "involved", "not-involved")]
    assert read_review(save(tmp_path, content, cleared, 10), content).side is None
    moved = [*cleared, change("right L", "not-involved", "involved")]
    assert read_review(save(tmp_path, content, moved, 9), content).side == "right"
    named = [change("affected side", "left", "right")]
    assert read_review(save(tmp_path, content, named, 10), content).score == 10


def test_a_withheld_total_stays_so_until_the_reader_gives_it(content: dict[str, Any], tmp_path: Path) -> None:
    content["aspects"] |= {"withheld": ["haemorrhage"], "score": None, "left": None, "right": None}
    first = change("left C", "not-involved", "involved")
    assert read_review(save(tmp_path, content, [first], None), content).left is None
    given = [first, change("total", "withheld", "given")]
    assert read_review(save(tmp_path, content, given, 7), content).left == 7


@pytest.mark.parametrize(
    ("audit", "score", "message"),
    [
        ([change("left M5", "involved", "not-involved")], 8, "change 1 .*left M5.* doesn't follow"),
        ([change("left M11", "involved", "not-involved")], 8, "doesn't follow"),
        ([change("left M5", "not-involved", "perhaps")], 8, "doesn't follow"),
        ([change("left M5", "not-involved", "involved", when="yesterday")], 7, "doesn't follow"),
        ([change("left M5", "not-involved", "involved", who=" ")], 7, "lacks its time, reader"),
        ([change("left M5", "not-involved", "involved")], 9, "the score doesn't follow"),
    ],
)
def test_what_was_altered_is_refused(
    content: dict[str, Any], tmp_path: Path, audit: list[dict[str, str]], score: int, message: str
) -> None:
    with pytest.raises(InputError, match=f"aspects-review-1.json: .*{message}"):
        read_review(save(tmp_path, content, audit, score), content)


def test_other_files_are_refused(content: dict[str, Any], tmp_path: Path) -> None:
    path = save(tmp_path, content, [], 8, report={"id": "0" * 16})
    with pytest.raises(InputError, match="belongs to another result"):
        read_review(path, content)
    with pytest.raises(InputError, match="no DeepStroke review of version 1"):
        read_review(save(tmp_path, content, [], 8, version=2), content)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not a readable review"):
        read_review(path, content)


def test_a_result_is_known_by_its_content_and_not_by_its_timings(content: dict[str, Any]) -> None:
    assert result_id({**content, "timings_s": {}, "outputs": []}) == result_id(content)
    assert result_id({**content, "method": "unet"}) != result_id(content)

"""A reader's review as ``report.html`` saves it: read, checked against its result, and replayed change by change."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from deepstroke.errors import InputError
from deepstroke.regions import SIDES, Side
from deepstroke.report.judgement import CHOICES, SideScore, Status, count_score
from deepstroke.report.page_facts import result_id

FORMAT, VERSION = "deepstroke-review", 1
_AFFECTED, _TOTAL = "affected side", "total"
_ALLOWED: dict[str, tuple[str, ...]] = {_AFFECTED: ("left", "right", "none"), _TOTAL: ("given", "withheld")}
_MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Change:
    """One change by a reader.

    Attributes:
        when: moment in ISO 8601.
        who: the reader, as they named themselves.
        subject: ``"left M2"``, ``"affected side"`` or ``"total"``.
        before, after: what was said and what is said now.
        why: the reader's reason.
    """

    when: str
    who: str
    subject: str
    before: str
    after: str
    why: str


@dataclass(frozen=True)
class Review:
    """What a reader says of a result.

    Attributes:
        saved: moment in ISO 8601.
        changes: in the order in which they were made.
        regions: by (side, abbreviation), after all changes.
        side: the affected side.
        score, left, right: of the affected side and of both; None where a region isn't judged or no total is given.
    """

    saved: str
    changes: tuple[Change, ...]
    regions: Mapping[tuple[str, str], Status]
    side: Side | None
    score: int | None
    left: int | None
    right: int | None


def read_review(path: str | os.PathLike[str], report: Mapping[str, Any]) -> Review:
    """Read a review and replay its changes on the result that it belongs to.

    Args:
        path: a file that ``report.html`` saved.
        report: the content of the ``report.json`` of the same result.

    Raises:
        InputError: the file is no review, belongs to another result, or a change or its score doesn't follow from what
            came before.
    """
    path = Path(path)
    content = _read(path)
    if content["report"].get("id") != result_id(report):
        raise InputError(f"{path}: this review belongs to another result", code="review-result")
    judged: dict[str, str] = dict(_computed(report))
    changes = tuple(_follow(path, number, entry, judged) for number, entry in enumerate(content["audit"], start=1))
    review = _review(str(content["saved"]), changes, judged, report)
    if content["aspects"].get("score") != review.score:
        raise InputError(f"{path}: the score doesn't follow from the changes", code="review-score")
    return review


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable review ({error})", code="review-file") from error
    shape = {"report": dict, "audit": list, "aspects": dict, "saved": str}
    known = isinstance(content, dict) and (content.get("format"), content.get("version")) == (FORMAT, VERSION)
    if not known or not all(isinstance(content.get(key), kind) for key, kind in shape.items()):
        raise InputError(f"{path}: no DeepStroke review of version {VERSION}", code="review-file")
    return content


def _computed(report: Mapping[str, Any]) -> dict[str, str]:
    """What the result says of every subject before a reader."""
    judged: dict[str, str] = {f"{region['side']} {region['region']}": _status(region) for region in report["regions"]}
    judged[_AFFECTED] = report["aspects"].get("side") or "none"
    if report["aspects"].get("withheld"):
        judged[_TOTAL] = "withheld"
    return judged


def _status(region: Mapping[str, Any]) -> Status:
    if not region.get("assessable"):
        return "not-assessable"
    if region.get("involved") is None:
        return "not-scored"
    return "involved" if region["involved"] else "not-involved"


def _follow(path: Path, number: int, entry: Any, judged: dict[str, str]) -> Change:
    """Make one change, if it follows from the ones before."""
    keys = ("when", "who", "subject", "from", "to", "why")
    texts = [entry.get(key) if isinstance(entry, dict) else None for key in keys]
    if not all(isinstance(text, str) and text.strip() and len(text) <= _MOST_CHARACTERS for text in texts):
        raise InputError(f"{path}: change {number} lacks its time, reader, subject or reason", code="review-change")
    change = Change(*map(str, texts))
    allowed = _ALLOWED.get(change.subject, CHOICES)
    if judged.get(change.subject) != change.before or change.after not in allowed or not _is_moment(change.when):
        raise InputError(
            f"{path}: change {number} (of {change.subject} from {change.before} to {change.after}) doesn't follow "
            "from the ones before it; the file was altered",
            code="review-change",
        )
    judged[change.subject] = change.after
    return change


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def _review(saved: str, changes: tuple[Change, ...], judged: Mapping[str, str], report: Mapping[str, Any]) -> Review:
    regions: dict[tuple[str, str], Any] = {
        (region["side"], region["region"]): judged[f"{region['side']} {region['region']}"]
        for region in report["regions"]
    }
    counts = {side: count_score(value for (of, _), value in regions.items() if of == side) for side in SIDES}
    side = _affected(judged, regions, report)
    if judged.get(_TOTAL) == "withheld":
        counts = dict.fromkeys(SIDES, SideScore(None, None))
    scores = {side: count.score for side, count in counts.items()}
    lower = min(SIDES, key=lambda one: 99 if (score := scores[one]) is None else score)
    return Review(saved, changes, regions, side, scores[side or lower], scores["left"], scores["right"])


def _affected(
    judged: Mapping[str, str], regions: Mapping[tuple[str, str], str], report: Mapping[str, Any]
) -> Side | None:
    """A side that was named, by the user or by the reader, stays; the computed one while it has an involved region."""
    chosen: Any = None if judged[_AFFECTED] == "none" else judged[_AFFECTED]
    if report["aspects"].get("side_given") or (chosen or "none") != (report["aspects"].get("side") or "none"):
        return chosen
    involved = {side: sum(v == "involved" for (of, _), v in regions.items() if of == side) for side in SIDES}
    if chosen and involved[chosen]:
        return chosen
    if not any(involved.values()):
        return None
    return "left" if involved["left"] > involved["right"] else "right"

"""The audit trail: who overruled which region, when, why, and what that did to the score."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from DeepStrokeASPECTSLib.reading import Overrides, Reading, RegionReading, Status, aspects, total

#: The library's format of a reader's review, which its tables of cases read.
REVIEW_FORMAT, REVIEW_VERSION = "deepstroke-review", 1
#: What stands for a reader or a reason that wasn't named.
UNNAMED, UNSTATED = "unnamed", "judged on the images"


@dataclass(frozen=True)
class AuditEntry:
    """One decision of a reader.

    Attributes:
        when: ISO 8601 with the time zone.
        who: as the reader calls themselves; never a patient.
        subject: such as ``"left M2"``.
        before, after: what was said and what is said now.
        why: the reader's reason.
        score_before, score_after: ASPECTS of that side.
        run: when the result was made.
        series_uid: of the series that was read.
        deepstroke: version of the library.
    """

    when: str
    who: str
    subject: str
    before: Status
    after: Status
    why: str
    score_before: int | None
    score_after: int | None
    run: str
    series_uid: str | None
    deepstroke: str | None

    def line(self) -> str:
        """The entry as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def entry_of(
    reading: Reading, region: RegionReading, before: Overrides, after: Overrides, who: str, why: str = ""
) -> AuditEntry:
    """The entry for a change of one region's override.

    Args:
        reading: the run.
        region: whose override was changed.
        before, after: all overrides, by sided label.
        who, why: the reader and the reason.
    """
    return AuditEntry(
        when=_now(),
        who=who.strip() or UNNAMED,
        subject=region.subject,
        before=before.get(region.label, region.status),
        after=after.get(region.label, region.status),
        why=why.strip() or UNSTATED,
        score_before=aspects(reading, before)[region.side].score,
        score_after=aspects(reading, after)[region.side].score,
        run=reading.created,
        series_uid=reading.series_uid,
        deepstroke=(reading.versions or {}).get("deepstroke"),
    )


def _now() -> str:
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds")


def review_file(reading: Reading, overrides: Overrides, trail: Sequence[AuditEntry]) -> Mapping[str, Any]:
    """The review in the library's format, as `report.html` saves it too.

    Args:
        reading: the run.
        overrides: the reader's word as it stands, by sided label.
        trail: every decision that led there.
    """
    # Its neighbours need scipy, which isn't imported into Slicer before a reader saves.
    from deepstroke.report.page_facts import result_id

    scores = aspects(reading, overrides)
    return {
        "format": REVIEW_FORMAT,
        "version": REVIEW_VERSION,
        "saved": _now(),
        "report": {
            "id": result_id(reading.content or {}),
            "created": reading.created,
            "series_uid": reading.series_uid,
        },
        "audit": [_change(entry) for entry in trail],
        "aspects": {
            "score": total(reading, overrides),
            **{side: score.score for side, score in scores.items()},
        },
        "regions": {r.subject: overrides.get(r.label, r.status) for r in reading.regions},
    }


def _change(entry: AuditEntry) -> dict[str, str]:
    return {
        "when": entry.when,
        "who": entry.who,
        "subject": entry.subject,
        "from": entry.before,
        "to": entry.after,
        "why": entry.why,
    }

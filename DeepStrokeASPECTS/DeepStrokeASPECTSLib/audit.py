"""The audit trail: who overruled which region, when, and what that did to the score. One JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from deepstroke.regions import Side
from DeepStrokeASPECTSLib.reading import Overrides, Reading, RegionReading, aspects


@dataclass(frozen=True)
class AuditEntry:
    """One decision of a reader.

    Attributes:
        time: ISO 8601 with the time zone.
        reader: who, as they call themselves; never a patient.
        region, side: which.
        automatic: what the score said; None where it said nothing.
        before, after: the reader's word; None means that the score's stands.
        score_before, score_after: ASPECTS of that side.
        run: when the result was made.
        series_uid: of the series that was read.
        deepstroke: version of the library.
    """

    time: str
    reader: str
    region: str
    side: Side
    automatic: bool | None
    before: bool | None
    after: bool | None
    score_before: int | None
    score_after: int | None
    run: str
    series_uid: str | None
    deepstroke: str | None

    def line(self) -> str:
        """The entry as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)


def entry_of(reading: Reading, region: RegionReading, before: Overrides, after: Overrides, reader: str) -> AuditEntry:
    """The entry for a change of one region's override.

    Args:
        reading: the run.
        region: whose override was changed.
        before, after: all overrides, by sided label.
        reader: who did it.
    """
    return AuditEntry(
        time=datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
        reader=reader,
        region=region.region.abbreviation,
        side=region.side,
        automatic=region.involved,
        before=before.get(region.label),
        after=after.get(region.label),
        score_before=aspects(reading, before)[region.side].score,
        score_after=aspects(reading, after)[region.side].score,
        run=reading.created,
        series_uid=reading.series_uid,
        deepstroke=(reading.versions or {}).get("deepstroke"),
    )


def final_reading(reading: Reading, overrides: Overrides, reader: str) -> Mapping[str, object]:
    """What `reading.json` holds: the score with the reader's word, and each region's."""
    scores = aspects(reading, overrides)
    return {
        "reader": reader,
        "run": reading.created,
        "series_uid": reading.series_uid,
        "aspects": {side: asdict(score) for side, score in scores.items()},
        "regions": [
            {
                "region": r.region.abbreviation,
                "side": r.side,
                "automatic": r.involved,
                "reader": overrides.get(r.label),
                "involved": overrides.get(r.label, r.involved),
            }
            for r in reading.regions
        ],
    }

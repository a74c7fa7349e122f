"""`report.json` as a reader sees it: a row a region and side, and ASPECTS with the reader's own judgement on top."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from deepstroke.errors import InputError
from deepstroke.regions import SIDED_REGIONS, SIDES, Region, Side

FULL_SCORE = 10
#: As in the library's report; not scored: nobody has judged the region yet.
Status = Literal["involved", "not-involved", "not-assessable", "not-scored"]
#: What a reader may say.
CHOICES: tuple[Status, ...] = get_args(Status)[:3]
#: The reader's word on regions, by their numbers in a sided label map.
Overrides = Mapping[int, Status]


@dataclass(frozen=True)
class RegionReading:
    """What is known of one region on one side; None where the report doesn't say.

    Attributes:
        region, side: which.
        volume_ml: of all its voxels.
        mean_hu: over its brain tissue.
        difference_hu: its mean less that of the same region on the other side; below 0: darker.
        confidence: of its segmentation, 0..1.
        probability: that it is involved, 0..1.
        involved: what the score says.
        assessable: whether it can be judged at all.
        reasons: for the probability, and obstacles, in words.
    """

    region: Region
    side: Side
    volume_ml: float | None = None
    mean_hu: float | None = None
    difference_hu: float | None = None
    confidence: float | None = None
    probability: float | None = None
    involved: bool | None = None
    assessable: bool | None = None
    reasons: tuple[str, ...] = ()

    @property
    def label(self) -> int:
        """Its number in a sided label map."""
        return self.region.label(self.side)

    @property
    def subject(self) -> str:
        """What a review calls it, such as ``"left M1"``."""
        return f"{self.side} {self.region.abbreviation}"

    @property
    def status(self) -> Status:
        """What the score says; a region that can't be judged is never called normal."""
        if self.assessable is False:
            return "not-assessable"
        if self.involved is None:
            return "not-scored"
        return "involved" if self.involved else "not-involved"


@dataclass(frozen=True)
class SideScore:
    """ASPECTS of one side.

    Attributes:
        score: 10 less the involved regions; None where a region isn't judged yet, or none can be.
        lowest: what it would be if all regions that can't be judged were involved.
        unjudged: how many regions nobody has judged yet.
    """

    score: int | None
    lowest: int | None
    unjudged: int

    def __str__(self) -> str:
        if self.score is None or self.lowest is None:
            return "-"
        return str(self.score) if self.lowest == self.score else f"{self.lowest}-{self.score}"


@dataclass(frozen=True)
class Reading:
    """One run's report.

    Attributes:
        regions: twenty, in the order of their labels.
        warnings: every warning of the run.
        method: the route that was taken.
        device: what did the work.
        series_uid: of the series that was read; None where it was no DICOM.
        created: when, ISO 8601.
        versions: what made it.
        affected: the side that the score calls affected.
        affected_given: whether the user had named that side.
        withheld: why no total is given; None where it is.
        content: all of `report.json`.
    """

    regions: tuple[RegionReading, ...]
    warnings: tuple[str, ...] = ()
    method: str = "-"
    device: str = "-"
    series_uid: str | None = None
    created: str = ""
    versions: Mapping[str, str] | None = None
    affected: Side | None = None
    affected_given: bool = False
    withheld: str | None = None
    content: Mapping[str, Any] | None = None


def read_report(path: Path) -> Reading:
    """Read `report.json`; what is missing in it stays None.

    Raises:
        InputError: the file is missing or no report.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = {(row["region"], row["side"]): row for row in content["regions"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no report of a run ({error}); segment again", code="no-report") from error
    return Reading(
        regions=tuple(_region(region, side, rows) for region, side in SIDED_REGIONS),
        warnings=tuple(str(warning.get("message", warning)) for warning in content.get("warnings") or ()),
        method=_route(content),
        device=str((content.get("parameters") or {}).get("device_description") or "-"),
        series_uid=(content.get("series") or {}).get("uid"),
        created=str(content.get("created") or ""),
        versions=content.get("versions") or {},
        content=content,
        **_totals(content.get("aspects") or {}),
    )


def _totals(aspects: Mapping[str, Any]) -> dict[str, Any]:
    withheld = aspects.get("withheld")
    return {
        "affected": aspects.get("side"),
        "affected_given": bool(aspects.get("side_given")),
        "withheld": str(withheld) if withheld else None,
    }


def _route(content: Mapping[str, Any]) -> str:
    engine = content.get("engine")
    return f"{content.get('method', '-')} ({engine})" if engine else str(content.get("method", "-"))


def _region(region: Region, side: Side, rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> RegionReading:
    row = rows.get((region.abbreviation, side), {})
    other = rows.get((region.abbreviation, _opposite(side)), {})
    reasons = [str(reason.get("text", reason)) for reason in row.get("reasons") or ()]
    obstacles = row.get("obstacles") or [row.get("obstacle")]
    return RegionReading(
        region,
        side,
        volume_ml=row.get("volume_ml"),
        mean_hu=row.get("mean_hu"),
        difference_hu=_difference(row, other),
        confidence=row.get("confidence"),
        probability=row.get("probability"),
        involved=row.get("involved"),
        assessable=row.get("assessable"),
        reasons=(*reasons, *(str(obstacle) for obstacle in obstacles if obstacle)),
    )


def _opposite(side: Side) -> Side:
    return "right" if side == "left" else "left"


def _difference(row: Mapping[str, Any], other: Mapping[str, Any]) -> float | None:
    stated = (row.get("tissue") or {}).get("difference_hu")
    if stated is not None:
        return float(stated)
    if row.get("mean_hu") is None or other.get("mean_hu") is None:
        return None
    return float(row["mean_hu"]) - float(other["mean_hu"])


def aspects(reading: Reading, overrides: Overrides) -> dict[Side, SideScore]:
    """ASPECTS of both sides; the reader's word on a region takes the place of the score's.

    Args:
        reading: of the run.
        overrides: by a region's sided label: what the reader says.
    """
    if reading.withheld:
        return dict.fromkeys(SIDES, SideScore(None, None, 0))
    return {side: _count(_statuses(reading, overrides, side)) for side in SIDES}


def _statuses(reading: Reading, overrides: Overrides, side: Side) -> list[Status]:
    return [overrides.get(r.label, r.status) for r in reading.regions if r.side == side]


def _count(statuses: list[Status]) -> SideScore:
    unjudged, unknown = statuses.count("not-scored"), statuses.count("not-assessable")
    if unjudged or unknown == len(statuses):
        return SideScore(None, None, unjudged)
    score = FULL_SCORE - statuses.count("involved")
    return SideScore(score, score - unknown, unjudged)


def affected_side(reading: Reading, overrides: Overrides) -> Side | None:
    """The side that the total is given for: the user's; the score's while it has an involved region; else the worse."""
    if reading.affected_given:
        return reading.affected
    involved = {side: _statuses(reading, overrides, side).count("involved") for side in SIDES}
    if reading.affected and involved[reading.affected]:
        return reading.affected
    if not any(involved.values()):
        return None
    return "left" if involved["left"] > involved["right"] else "right"


def total(reading: Reading, overrides: Overrides) -> int | None:
    """ASPECTS of the affected side, or the lower one where no side is."""
    scores = aspects(reading, overrides)
    lower = min(SIDES, key=lambda side: 99 if scores[side].score is None else scores[side].score)
    return scores[affected_side(reading, overrides) or lower].score

"""`report.json` as a reader sees it: a row a region and side, and ASPECTS with the reader's own judgement on top."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepstroke.errors import InputError
from deepstroke.regions import SIDED_REGIONS, SIDES, Region, Side

FULL_SCORE = 10
#: A region on a side, by its number in a sided label map.
Overrides = Mapping[int, bool]


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


@dataclass(frozen=True)
class SideScore:
    """ASPECTS of one side.

    Attributes:
        score: 10 less the involved regions; None where no region was judged, by the score or by the reader.
        involved: their abbreviations.
        unjudged: regions that neither the score nor the reader has judged; they count as not involved.
    """

    score: int | None
    involved: tuple[str, ...]
    unjudged: tuple[str, ...]


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
    """

    regions: tuple[RegionReading, ...]
    warnings: tuple[str, ...] = ()
    method: str = "-"
    device: str = "-"
    series_uid: str | None = None
    created: str = ""
    versions: Mapping[str, str] | None = None


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
    )


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
        overrides: by a region's sided label: whether the reader calls it involved.
    """
    return {side: _side_score([r for r in reading.regions if r.side == side], overrides) for side in SIDES}


def _side_score(regions: list[RegionReading], overrides: Overrides) -> SideScore:
    judged = {r.region.abbreviation: overrides.get(r.label, r.involved) for r in regions}
    involved = tuple(name for name, said in judged.items() if said)
    unjudged = tuple(name for name, said in judged.items() if said is None)
    score = None if len(unjudged) == len(judged) else FULL_SCORE - len(involved)
    return SideScore(score, involved, unjudged)

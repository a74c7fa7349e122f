"""What a structured report says, free of DICOM: each region's measures and verdict, and the score of each side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deepstroke.dicom.seg_segments import Algorithm
from deepstroke.regions import Region, Side

#: Whether a region shows early ischemic change; indeterminate: it can't be judged.
Verdict = Literal["present", "absent", "indeterminate"]


@dataclass(frozen=True)
class RegionStatement:
    """One region on one side.

    Attributes:
        region, side: which.
        volume_ml: of the whole region.
        mean_hu, median_hu: None where nothing could be measured.
        verdict: early ischemic change; None where nothing judged it, which the report then leaves out.
        probability: of early ischemic change, 0..1.
        confidence: of the segmentation, 0..1.
    """

    region: Region
    side: Side
    volume_ml: float
    mean_hu: float | None = None
    median_hu: float | None = None
    verdict: Verdict | None = None
    probability: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class ScoreStatement:
    """The ASPECTS of one side; a score of None isn't written as a number.

    Attributes:
        side: which.
        score: 10 less the involved regions.
        lowest: what it would be if all regions that can't be judged were involved.
    """

    side: Side
    score: int | None
    lowest: int | None = None


@dataclass(frozen=True)
class Assessment:
    """All that a structured report says.

    Attributes:
        regions: of both sides.
        scores: of both sides.
        affected: the affected side; None where there is none, or none was found.
        algorithm: what made the regions.
        notes: sentences for the reader, warnings first of all; free of patient data.
    """

    regions: tuple[RegionStatement, ...]
    scores: tuple[ScoreStatement, ...]
    algorithm: Algorithm
    affected: Side | None = None
    notes: tuple[str, ...] = ()

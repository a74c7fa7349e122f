"""A report's content as DICOM's structured report states it."""

from __future__ import annotations

from deepstroke.dicom.seg_segments import Algorithm
from deepstroke.dicom.sr_content import Assessment, RegionStatement, ScoreStatement, Verdict
from deepstroke.regions import SIDES
from deepstroke.report.contents import RegionResult, Report
from deepstroke.report.judgement import Status, side_scores, status_of

_VERDICTS: dict[Status, Verdict | None] = {
    "involved": "present",
    "not-involved": "absent",
    "not-assessable": "indeterminate",
    "not-scored": None,
}


def assessment_of(report: Report, algorithm: Algorithm) -> Assessment:
    """What a structured report says of a result: regions, scores, and every warning as a note.

    Args:
        report: with all twenty regions.
        algorithm: what made the regions.
    """
    scores = side_scores(report)
    return Assessment(
        regions=tuple(_statement(result) for result in report.regions),
        scores=tuple(ScoreStatement(side, scores[side].score, scores[side].lowest) for side in SIDES),
        algorithm=algorithm,
        affected=report.aspects.side,
        notes=tuple(finding.message for finding in report.findings),
    )


def _statement(result: RegionResult) -> RegionStatement:
    measures = result.measures
    return RegionStatement(
        region=measures.region,
        side=measures.side,
        volume_ml=measures.volume_ml,
        mean_hu=result.mean_hu,
        median_hu=result.median_hu,
        verdict=_VERDICTS[status_of(result)],
        probability=result.probability,
        confidence=result.confidence,
    )

"""Scores every case of a table by one or more models, with regions from the table or from our own segmentation."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from deepstroke.errors import DeepStrokeError
from deepstroke.findings import Finding
from deepstroke.nifti import atomic_path, read_label_map, read_volume, write_json, write_nifti
from deepstroke.options import Method
from deepstroke.progress import Progress, silent
from deepstroke.regions import SIDED_REGIONS, Side
from deepstroke.scoring.model import ScoreModel
from deepstroke.scoring.result import AspectsScore
from deepstroke.scoring.scorer import MeasuredScan, measure_scan, score_measured
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.scoring.table import CaseRow

#: Where regions come from: the table's own, or a route of ``deepstroke segment``.
RegionSource = Literal["table", "atlas", "unet", "both", "auto"]
REGION_SOURCES: tuple[RegionSource, ...] = get_args(RegionSource)


@dataclass(frozen=True)
class JudgedRegion:
    """One region of one case by one model; ``probability`` and ``called`` are None where it can't be judged."""

    case: str
    patient: str
    region: str
    side: Side
    reference: bool
    probability: float | None
    called: bool | None


@dataclass(frozen=True)
class JudgedCase:
    """One case by one model.

    Attributes:
        case, patient: which.
        regions: the twenty, in the order of labels.
        reference: total of the reference on ``side``.
        side: the side that is compared: that of the reference's lower total; where both are equal, the score's own.
        score: total on that side; None where it was withheld.
        found_side: the affected side by the score.
        true_side: by the reference; None where no region is involved or both sides alike.
        findings: codes of the score's findings.
    """

    case: str
    patient: str
    regions: tuple[JudgedRegion, ...]
    side: Side
    reference: int
    score: int | None
    found_side: Side | None
    true_side: Side | None
    findings: tuple[str, ...]


@dataclass(frozen=True)
class FailedCase:
    """A case that gave no score, and why."""

    case: str
    code: str
    message: str


def judge_table(
    rows: Sequence[CaseRow],
    root: Path,
    models: Mapping[str, ScoreModel],
    source: RegionSource = "table",
    cache: Path | None = None,
    progress: Progress = silent,
) -> tuple[dict[str, tuple[JudgedCase, ...]], tuple[FailedCase, ...]]:
    """Score every case by every model; a case that fails is named and the others go on.

    Args:
        rows: of the table.
        root: folder to which its files are relative.
        models: by name.
        source: where regions come from.
        cache: folder in which segmentations are kept; needed unless they come from the table.
        progress: told after each case.
    """
    judged: dict[str, list[JudgedCase]] = {name: [] for name in models}
    failed = []
    for number, row in enumerate(rows, start=1):
        try:
            measured, findings = _measured(row, root, source, cache)
        except DeepStrokeError as error:
            failed.append(FailedCase(row.case, error.code, str(error)))
        else:
            for name, model in models.items():
                judged[name].append(judge_case(row, score_measured(measured, model, row.side, findings)))
        progress(number / len(rows), f"case {number} of {len(rows)}")
    return {name: tuple(cases) for name, cases in judged.items()}, tuple(failed)


def judge_case(row: CaseRow, found: AspectsScore) -> JudgedCase:
    """A score against the row's reference."""
    totals = {side: row.total(side) for side in ("left", "right")}
    low: Side = "left" if totals["left"] <= totals["right"] else "right"
    true_side: Side | None = None if totals["left"] == totals["right"] else low
    side: Side = true_side or found.side or "left"
    return JudgedCase(
        case=row.case,
        patient=row.patient,
        regions=tuple(
            JudgedRegion(
                row.case,
                row.patient,
                entry.region.abbreviation,
                entry.side,
                entry.region.abbreviation in row.involved[entry.side],
                entry.probability,
                entry.involved,
            )
            for entry in found.regions
        ),
        side=side,
        reference=row.total(side),
        score=found.left if side == "left" else found.right,
        found_side=found.side,
        true_side=true_side,
        findings=tuple(finding.code for finding in found.findings),
    )


def write_judged(cases: Mapping[str, Sequence[JudgedCase]], path: Path) -> None:
    """Write every region of every case as one CSV table."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("model", "case", "patient", "region", "side", "reference", "probability", "called"))
        for model, judged in cases.items():
            for case in judged:
                writer.writerows(
                    (model, r.case, r.patient, r.region, r.side, int(r.reference), r.probability, _bit(r.called))
                    for r in case.regions
                )


def _bit(value: bool | None) -> str:
    return "" if value is None else str(int(value))


def _measured(
    row: CaseRow, root: Path, source: RegionSource, cache: Path | None
) -> tuple[MeasuredScan, tuple[Finding, ...]]:
    if source == "table" or cache is None:
        volume, labels = read_volume(root / row.ct), read_label_map(root / row.labels)
        brain = None if row.brain is None else read_label_map(root / row.brain)
        return measure_scan(volume, labels, brain), ()
    folder = cache / source / row.case
    if not (folder / "facts.json").exists():
        _segment(root / row.ct, source, folder)
    return _cached(folder)


def _segment(path: Path, method: Method, folder: Path) -> None:
    """Segment a scan and keep what the score needs of it."""
    from deepstroke.pipeline import segment

    result = segment(path, method=method, score=False)
    write_nifti(Volume(np.rint(result.ct.data).astype(np.int16), result.ct.ijk_to_ras), folder / "ct.nii.gz")
    write_nifti(result.labels, folder / "labels.nii.gz")
    write_nifti(result.brain, folder / "brain.nii.gz")
    confidence = _confidence(result.confidence, result.labels, result.brain)
    findings = [finding.as_dict() for finding in result.findings]
    write_json({"confidence": confidence, "findings": findings}, folder / "facts.json")


def _confidence(confidence: Volume | None, labels: LabelMap, brain: LabelMap) -> dict[str, float]:
    """Mean over each label's voxels in the brain."""
    if confidence is None:
        return {}
    inside = labels.data[brain.mask]
    counts = np.bincount(inside, minlength=len(SIDED_REGIONS) + 1)
    sums = np.bincount(inside, confidence.data[brain.mask], minlength=len(SIDED_REGIONS) + 1)
    return {str(n): float(sums[n] / counts[n]) for n in range(1, len(counts)) if counts[n]}


def _cached(folder: Path) -> tuple[MeasuredScan, tuple[Finding, ...]]:
    import json

    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    measured = measure_scan(
        read_volume(folder / "ct.nii.gz"),
        read_label_map(folder / "labels.nii.gz"),
        read_label_map(folder / "brain.nii.gz"),
        {int(n): value for n, value in facts["confidence"].items()},
    )
    return measured, tuple(Finding(entry["code"], entry["message"]) for entry in facts["findings"])

"""The score of a head CT: measures, guards, a model's probabilities, and the totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from deepstroke.errors import InputError
from deepstroke.findings import Finding
from deepstroke.regions import Side
from deepstroke.scoring.features import BY_NAME, features_of
from deepstroke.scoring.guards import WITHHOLDING, doubts_of, lesion_findings, obstacles_of, report_unjudged
from deepstroke.scoring.lesions import find_lesions, find_mirror, without_lesions
from deepstroke.scoring.measures import RegionMeasures, measure_regions
from deepstroke.scoring.model import Judgement, ScoreModel
from deepstroke.scoring.result import AspectsScore, Reason, RegionScore, ScoreMethod, ScoreObstacle
from deepstroke.scoring.store import load_score_model
from deepstroke.scoring.texture import texture_of
from deepstroke.scoring.tissue import TissueMap, classify
from deepstroke.scoring.tissue_measures import RegionTissue, measure_tissue
from deepstroke.scoring.totals import report_both_sides, totals_of
from deepstroke.scoring.working_scan import WorkingScan, reduce_scan
from deepstroke.volume import LabelMap, Volume

#: Reasons that are told for a region, and the least log odds that one must add to be told.
MOST_REASONS, LEAST_PUSH = 3, 0.1


@dataclass(frozen=True, eq=False)
class MeasuredScan:
    """All that a model needs to know about a scan.

    Attributes:
        measures, tissues, obstacles: of the twenty sided regions in the order of their labels.
        scan, tissue: the working grid, without lesions that are no early ischemia.
        findings: what was found beside early ischemia.
    """

    measures: tuple[RegionMeasures, ...]
    tissues: tuple[RegionTissue, ...]
    obstacles: tuple[tuple[ScoreObstacle, ...], ...]
    scan: WorkingScan
    tissue: TissueMap
    findings: tuple[Finding, ...]


def score(
    volume: Volume,
    labels: LabelMap,
    *,
    brain: LabelMap | None = None,
    method: ScoreMethod | Literal["auto"] = "auto",
    side: Side | None = None,
    confidence: Mapping[int, float] | None = None,
    findings: Iterable[Finding] = (),
    model: str | Path | None = None,
) -> AspectsScore:
    """Score the ten ASPECTS regions of each side, with a probability and reasons for each.

    Args:
        volume: HU of a non-contrast head CT on an orthogonal grid.
        labels: sided regions 1..20 on the same grid.
        brain: brain mask on the same grid; without one the soft tissue around the regions takes its place.
        method: how probabilities are computed; ``"auto"`` is what the shipped models' measurements favour.
        side: the affected side, where the clinic tells it; else it is found.
        confidence: of each label's segmentation, 0..1, where a network gave it.
        findings: of the stages before, some of which make a score doubtful.
        model: file of a model of one's own, in place of a shipped one.

    Raises:
        GeometryError: the grids differ.
        InputError: no region is labelled, a label is above 20, or there is no brain tissue.
        ConfigError: there is no such method.
        WeightsError: the model's file is missing, was altered, or can't be used.

    Example:
        >>> found = score(ct, labels)  # doctest: +SKIP
        >>> found.score, found.side, found.of("M2", "left").reasons  # doctest: +SKIP
    """
    stored = load_score_model(method, model)
    measured = measure_scan(volume, labels, brain, confidence or {})
    return score_measured(measured, stored.model, side, tuple(findings))


def measure_scan(
    volume: Volume, labels: LabelMap, brain: LabelMap | None = None, confidence: Mapping[int, float] | None = None
) -> MeasuredScan:
    """Measure a scan's regions and look for what forbids to judge them; arguments and errors are those of ``score``."""
    measures = measure_regions(volume, labels, brain)
    if not labels.data.any():
        raise InputError("no region is labelled: there is nothing to score", code="no-regions")
    scan = reduce_scan(volume, labels, brain)
    whole = classify(scan)
    lesions = find_lesions(scan, whole, find_mirror(scan))
    tissue = without_lesions(whole, lesions)
    tissues = measure_tissue(scan, tissue)
    obstacles = obstacles_of(measures, tissues, lesions, scan, confidence or {})
    return MeasuredScan(measures, tissues, obstacles, scan, tissue, lesion_findings(lesions, scan))


def score_measured(
    measured: MeasuredScan, model: ScoreModel, side: Side | None = None, findings: Sequence[Finding] = ()
) -> AspectsScore:
    """The score of a measured scan by a model; ``findings`` are those of earlier stages."""
    textures = texture_of(measured.scan, measured.tissue)
    regions = tuple(_region(measured, n, model, textures[n]) for n in range(len(measured.measures)))
    withheld = tuple(f.code for f in measured.findings if f.code in WITHHOLDING)
    total = replace(
        totals_of(regions, side, withheld), method=model.method, model=model.name, threshold=model.threshold
    )
    told = (
        *measured.findings,
        *report_unjudged(regions),
        *report_both_sides(regions),
        *doubts_of(findings),
    )
    return AspectsScore(regions, total, told)


def _region(measured: MeasuredScan, n: int, model: ScoreModel, texture: Mapping[str, float]) -> RegionScore:
    own, mirror = measured.tissues[n], measured.tissues[(n + len(measured.tissues) // 2) % len(measured.tissues)]
    measures, obstacles = measured.measures[n], measured.obstacles[n]
    tissue = None if own.measures is None else replace(own.measures, texture=texture)
    features = None if obstacles else features_of(own, mirror)
    if features is None:
        return RegionScore(measures, obstacles=obstacles or ("no-mirror",), excluded=own.excluded, tissue=tissue)
    judged = model.judge(measures.region.abbreviation, features)
    values = dict(zip(BY_NAME, features.tolist(), strict=True))
    return RegionScore(
        measures=measures,
        probability=judged.probability,
        involved=judged.probability >= model.threshold,
        reasons=_reasons(judged, values),
        excluded=own.excluded,
        tissue=tissue,
    )


def _reasons(judged: Judgement, values: Mapping[str, float]) -> tuple[Reason, ...]:
    """The measures that moved the probability most."""
    strongest = sorted(judged.pushes.items(), key=lambda item: -abs(item[1]))[:MOST_REASONS]
    return tuple(
        Reason(name, BY_NAME[name].text(values[name]), push) for name, push in strongest if abs(push) >= LEAST_PUSH
    )

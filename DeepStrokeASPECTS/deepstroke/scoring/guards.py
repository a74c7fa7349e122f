"""What a reader must know about a score: what forbids a total, what makes it doubtful, what is no early ischemia."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from deepstroke.findings import Finding
from deepstroke.regions import SIDED_REGIONS
from deepstroke.scoring.lesions import OUTSIDE_SHARE, Lesion, Lesions
from deepstroke.scoring.measures import RegionMeasures
from deepstroke.scoring.result import SCORE_OBSTACLE_WORDS, RegionScore, ScoreObstacle
from deepstroke.scoring.tissue_measures import RegionTissue
from deepstroke.scoring.working_scan import WorkingScan

#: Fractions of a region: of blood and of an old defect from which on it can't be judged, of tissue below which not.
MOST_BLOOD, MOST_DEFECT, LEAST_TISSUE = 0.1, 0.2, 0.3
#: Confidence of a region's segmentation below which it can't be judged.
LEAST_CONFIDENCE = 0.5
#: ml of a dark area outside the regions that is named.
LEAST_FOREIGN_ML = 8.0
#: Findings of other stages that make a score doubtful, and in words why.
DOUBTS: dict[str, str] = {
    "doubtful-registration": "the registration is doubtful",
    "atlas-route-failed": "the atlas could not be laid on",
    "network-refused": "the network refused the scan",
    "doubtful-pose": "the network's idea of the head's pose is doubtful",
    "low-confidence": "the network is unsure of regions",
    "side-ratio": "the regions of both sides differ in size",
    "routes-differ": "network and atlas part",
    "movement": "the head moved",
    "noisy": "the scan is noisy",
    "metal": "there is metal",
    "contrast-suspected": "there may be contrast medium",
    "skull-defect": "the skull was opened",
    "air-inside-skull": "there is air inside the skull",
    "vertex-cut-off": "the scan ends below the vertex",
    "side-cut-off": "the scan ends within the brain at a side",
}
#: Findings for which no total is given: the score is not defined there.
WITHHOLDING = ("haemorrhage",)


def lesion_findings(lesions: Lesions, scan: WorkingScan) -> tuple[Finding, ...]:
    """Blood, old defects within the regions, and infarcts outside the middle cerebral artery's territory, by name."""
    found = []
    if lesions.blood:
        found.append(
            Finding(
                "haemorrhage",
                f"{_figures(lesions.blood)} as dense as fresh blood: ASPECTS is not defined with a haemorrhage; "
                "it must be ruled out.",
            )
        )
    within = [lesion for lesion in lesions.defects if lesion.inside > 1.0 - OUTSIDE_SHARE]
    if within:
        regions = ", ".join(_touched(lesion, scan) for lesion in within)
        found.append(
            Finding(
                "old-infarct", f"{_figures(within)} as dark as CSF, an old infarct? It lies in {regions}; left out."
            )
        )
    outside = [lesion for lesion in lesions.defects if lesion not in within and lesion.ml >= LEAST_FOREIGN_ML]
    found += [_foreign(lesion, "as dark as CSF, an old infarct?") for lesion in outside]
    found += [_foreign(lesion, "darker than the other side") for lesion in lesions.foreign]
    return tuple(found)


def obstacles_of(
    measures: Sequence[RegionMeasures],
    tissues: Sequence[RegionTissue],
    lesions: Lesions,
    scan: WorkingScan,
    confidence: Mapping[int, float],
) -> tuple[tuple[ScoreObstacle, ...], ...]:
    """Why each region can't be judged, in the order of labels."""
    blood, defects = (_shares(kind, scan) for kind in (lesions.blood, lesions.defects))
    alone = [
        _alone(measure, tissue, blood[label], defects[label], confidence.get(label))
        for label, (measure, tissue) in enumerate(zip(measures, tissues, strict=True), start=1)
    ]
    half = len(alone) // 2
    # Little is lost to a defect of the other side as long as tissue is left there to compare with.
    blind = [any(o not in ("low-confidence", "old-infarct") for o in obstacles) for obstacles in alone]
    return tuple(
        (*obstacles, "no-mirror") if not obstacles and blind[(n + half) % len(alone)] else obstacles
        for n, obstacles in enumerate(alone)
    )


def report_unjudged(regions: Iterable[RegionScore]) -> tuple[Finding, ...]:
    """One warning that names the regions that can't be judged, so that none passes for normal; else nothing."""
    named = [
        f"{r.side} {r.region.abbreviation} ({', '.join(SCORE_OBSTACLE_WORDS[o] for o in r.obstacles)})"
        for r in regions
        if r.obstacles
    ]
    if not named:
        return ()
    return (Finding("region-not-assessable", f"These regions can't be judged: {', '.join(named)}."),)


def doubts_of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One warning that says why the score must be looked at with care, from what other stages found; else nothing."""
    codes = {finding.code for finding in findings}
    reasons = [words for code, words in DOUBTS.items() if code in codes]
    if not reasons:
        return ()
    return (Finding("score-doubtful", f"Look closely at the score: {'; '.join(reasons)}."),)


def _alone(
    measures: RegionMeasures, tissue: RegionTissue, blood: float, defect: float, confidence: float | None
) -> tuple[ScoreObstacle, ...]:
    if measures.obstacle is not None:
        return (measures.obstacle,)
    excluded = tissue.excluded
    checks: tuple[tuple[bool, ScoreObstacle], ...] = (
        (blood > MOST_BLOOD, "haemorrhage"),
        (defect > MOST_DEFECT, "old-infarct"),
        (tissue.measures is None or 1.0 - excluded.total < LEAST_TISSUE, "little-tissue"),
        (confidence is not None and confidence < LEAST_CONFIDENCE, "low-confidence"),
    )
    return tuple(obstacle for applies, obstacle in checks if applies)


def _shares(lesions: Sequence[Lesion], scan: WorkingScan) -> list[float]:
    """The fraction of each label 0..20 that lesions fill."""
    count = len(SIDED_REGIONS) + 1
    whole = np.bincount(scan.labels.ravel(), minlength=count)
    part = np.zeros(count)
    for lesion in lesions:
        part += np.bincount(scan.labels[lesion.mask], minlength=count)
    return list(part / np.maximum(whole, 1))


def _figures(lesions: Sequence[Lesion]) -> str:
    return " and ".join(f"{lesion.ml:.0f} ml" + (f" on the {lesion.side}" if lesion.side else "") for lesion in lesions)


def _touched(lesion: Lesion, scan: WorkingScan) -> str:
    labels = [int(label) for label in np.unique(scan.labels[lesion.mask]) if label]
    return ", ".join(f"{SIDED_REGIONS[n - 1][1]} {SIDED_REGIONS[n - 1][0].abbreviation}" for n in labels)


def _foreign(lesion: Lesion, what: str) -> Finding:
    return Finding(
        "infarct-outside-mca",
        f"{lesion.ml:.0f} ml on the {lesion.side} are {what}, {lesion.place}: not the middle cerebral artery's, so not "
        "scored.",
    )

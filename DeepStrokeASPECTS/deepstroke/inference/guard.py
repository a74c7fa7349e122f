"""Whether a network's answer can be believed: what is warned of, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from deepstroke.errors import InputError
from deepstroke.findings import Finding
from deepstroke.inference.pose import Pose
from deepstroke.inference.settings import GuardLimits
from deepstroke.regions import REGIONS, SIDED_REGIONS, region_of
from deepstroke.volume import LabelMap, Volume

#: The refusal's code.
OUT_OF_DOMAIN = "out-of-domain"


@dataclass(frozen=True)
class Evidence:
    """The figures by which an answer is judged.

    Attributes:
        pose: of the head; None from a network without coordinates.
        usual_residual_mm: of the pose's fit, on heads that the network knows.
        confidence: mean probability of the voxels of each label that occurs.
        mean_confidence: over all labelled voxels; 0 where there are none.
        volumes_ml: of each label 1..20.
        loose: share of each label that lay apart from its largest piece.
    """

    pose: Pose | None
    usual_residual_mm: float
    confidence: Mapping[int, float]
    mean_confidence: float
    volumes_ml: Mapping[int, float]
    loose: Mapping[int, float]

    @property
    def missing(self) -> list[int]:
        """Labels without a voxel."""
        return [label for label, ml in self.volumes_ml.items() if ml == 0]


def gather(
    labels: LabelMap, confidence: Volume, pose: Pose | None, usual_residual_mm: float, loose: Mapping[int, float]
) -> Evidence:
    """The figures of a label map and the probabilities of its labels, on one grid."""
    labelled = labels.data > 0
    found = labels.data[labelled]
    counts = np.bincount(found, minlength=len(SIDED_REGIONS) + 1)
    sums = np.bincount(found, confidence.data[labelled], minlength=len(SIDED_REGIONS) + 1)
    return Evidence(
        pose=pose,
        usual_residual_mm=usual_residual_mm,
        confidence={n: float(sums[n] / counts[n]) for n in range(1, len(SIDED_REGIONS) + 1) if counts[n]},
        mean_confidence=float(sums.sum() / max(counts.sum(), 1)),
        volumes_ml={n: float(counts[n] * labels.voxel_ml) for n in range(1, len(SIDED_REGIONS) + 1)},
        loose=loose,
    )


def refuse_foreign(evidence: Evidence, limits: GuardLimits) -> None:
    """Raise for what can't be a head that the network knows.

    Raises:
        InputError: with the code ``out-of-domain`` and the figures that led to it.
    """
    pose, faults = evidence.pose, []
    most_mm = limits.most_residual * evidence.usual_residual_mm
    if pose is not None and pose.residual_mm > most_mm:
        faults.append(f"template coordinates scatter by {pose.residual_mm:.1f} mm (at most {most_mm:g})")
    if pose is not None and _either_way(pose.scale) > limits.most_scale:
        faults.append(f"the head's size differs from the template's by a factor of {_either_way(pose.scale):.1f}")
    if len(evidence.missing) > limits.most_missing:
        faults.append(f"{len(evidence.missing)} of 20 regions are missing: {_names(evidence.missing)}")
    elif evidence.mean_confidence < limits.least_confidence:
        share = f"{evidence.mean_confidence:.2f} (at least {limits.least_confidence:g})"
        faults.append(f"the mean probability of the regions is {share}")
    if faults:
        raise InputError(
            f"the network doesn't know such a scan: {'; '.join(faults)}. Is it a whole adult head without contrast? "
            "Look at it, or use method 'atlas'",
            code=OUT_OF_DOMAIN,
        )


def doubts(evidence: Evidence, limits: GuardLimits, expected_ml: Mapping[int, float]) -> tuple[Finding, ...]:
    """What a reader must look at.

    Args:
        evidence: of the answer.
        limits: from which figures on there is a doubt.
        expected_ml: of each label in the template; empty where nobody knows.
    """
    found = _pose_doubts(evidence, limits)
    if evidence.missing:
        found.append(Finding("region-missing", f"The network found no voxel of {_names(evidence.missing)}."))
    unsure = {n: p for n, p in evidence.confidence.items() if p < limits.doubtful_confidence}
    if unsure:
        figures = _names(unsure, lambda n: f"{unsure[n]:.2f}")
        found.append(Finding("low-confidence", f"The network is unsure of {figures} (mean probability)."))
    loose = {n: share for n, share in evidence.loose.items() if share > limits.doubtful_loose_share}
    if loose:
        figures = _names(loose, lambda n: f"{100 * loose[n]:.0f} %")
        found.append(Finding("region-in-pieces", f"Parts of regions lay apart and were left out: {figures}."))
    found += _volume_doubts(evidence, limits, expected_ml)
    return tuple(found)


def _pose_doubts(evidence: Evidence, limits: GuardLimits) -> list[Finding]:
    pose, usual_mm = evidence.pose, evidence.usual_residual_mm
    if pose is None:
        return []
    found = []
    if pose.residual_mm > limits.doubtful_residual * usual_mm:
        figures = f"{pose.residual_mm:.1f} mm, usual are {usual_mm:g} mm"
        found.append(Finding("doubtful-pose", f"The network's template coordinates scatter by {figures}."))
    if _either_way(pose.scale) > limits.doubtful_scale:
        figures = f"a factor of {_either_way(pose.scale):.1f}"
        found.append(Finding("head-size", f"To the network the head's size differs from the template's by {figures}."))
    return found


def _volume_doubts(evidence: Evidence, limits: GuardLimits, expected_ml: Mapping[int, float]) -> list[Finding]:
    volumes, found = evidence.volumes_ml, []
    scale = 1.0 if evidence.pose is None else evidence.pose.scale
    odd = [
        n
        for n, ml in volumes.items()
        if ml > 0 and n in expected_ml and _either_way(ml * scale / expected_ml[n]) > limits.doubtful_volume
    ]
    if odd:
        figures = _names(odd, lambda n: f"{volumes[n]:.1f} ml")
        found.append(Finding("region-volume", f"Unusual volumes for a head of this size: {figures}."))
    uneven = []
    for region in REGIONS:
        left, right = volumes[region.label("left")], volumes[region.label("right")]
        if min(left, right) > 0 and max(left, right) / min(left, right) > limits.doubtful_side_ratio:
            uneven.append(f"{region.abbreviation} ({left:.1f} ml left, {right:.1f} ml right)")
    if uneven:
        found.append(Finding("side-ratio", f"The network's regions differ between the sides: {', '.join(uneven)}."))
    return found


def _either_way(ratio: float) -> float:
    """A ratio or its inverse, whichever is larger."""
    return max(ratio, 1.0 / ratio) if ratio > 0 else float("inf")


def _names(labels: Iterable[int], figure: Callable[[int], str] | None = None) -> str:
    """Labels in words, such as ``left M1``, each with a figure."""
    words = []
    for label in labels:
        region, side = region_of(label)
        words.append(f"{side} {region.abbreviation}" + ("" if figure is None else f" ({figure(label)})"))
    return ", ".join(words)

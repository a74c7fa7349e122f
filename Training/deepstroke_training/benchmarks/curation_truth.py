"""What curation makes of synthetic media against their truth: verdicts on series, labels, and the mean overlay."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from deepstroke import atlas as atlases
from deepstroke.atlas.outlines import border_points
from deepstroke.atlas.ridges import extract_ridge
from deepstroke.commands.console import table
from deepstroke.evaluation import joint_counts
from deepstroke.nifti import read_label_map, read_volume
from deepstroke.preprocess.resampling import resample
from deepstroke.progress import Progress, silent, within
from deepstroke.regions import REGIONS, SIDED_REGIONS
from deepstroke.volume import LabelMap
from deepstroke_training.curation import CurationSettings, curate_media
from deepstroke_training.curation.identities import Salt, load_salt
from deepstroke_training.curation.morphological_baseline import fill_outlines

#: Reasons that tell why a series of a kind can't be used; any of them is right.
EXPECTED_REASONS: Mapping[str, frozenset[str]] = {
    "localizer": frozenset({"localizer"}),
    "bone": frozenset({"bone-kernel"}),
    "contrast": frozenset({"contrast"}),
    "coronal": frozenset({"coronal"}),
    "sagittal": frozenset({"sagittal"}),
    "page": frozenset({"secondary-capture"}),
    "gap": frozenset({"missing-slices", "gap-in-series"}),
    "no-rescale": frozenset({"no-rescale"}),
}
#: A region of which a scan shows less than this says nothing about a method, ml.
LEAST_ML = 0.5
#: Outlines are drawn along a region's inner edge, half a pixel inside.
INSET_MM = 0.25
WAYS = ("second pass", "first pass", "morphology")


@dataclass(frozen=True)
class Verdict:
    """One series of the media: what it is and what was said of it.

    Attributes:
        kind: ``"brain"``, or what makes it unusable.
        case: of the data set, empty where it was rejected.
        truth_case: of the cohort.
        reasons: codes why it was rejected.
        overlays: whether it carries outlines.
    """

    kind: str
    case: str
    truth_case: str
    reasons: frozenset[str]
    overlays: bool

    @property
    def right(self) -> bool:
        """Whether it was used if and only if it can be, and rejected for what it is."""
        if self.kind == "brain":
            return bool(self.case)
        return not self.case and bool(self.reasons & EXPECTED_REASONS[self.kind])


@dataclass(frozen=True)
class TruthFigures:
    """Figures of one cohort.

    Attributes:
        patients: of the media.
        verdicts: of every series.
        dice: mean Dice of each case over its regions, by way and case.
        region_dice: mean over cases of each of the 20 regions, by way.
        ridge_mm: distances of the mean overlay's ridge from the true outlines on the template: mean, median, 95 %.
        outline_found: share of the true outline that has the ridge within 2 mm.
        quarantined: cases that failed.
    """

    patients: int
    verdicts: Sequence[Verdict]
    dice: Mapping[str, Mapping[str, float]]
    region_dice: Mapping[str, Mapping[str, float]]
    ridge_mm: tuple[float, float, float]
    outline_found: float
    quarantined: int

    def mean(self, way: str) -> float:
        """Mean Dice of a way over its cases."""
        return float(np.mean(list(self.dice[way].values())))

    def table(self) -> str:
        """The figures as text."""
        return "\n\n".join([self._verdict_table(), self._dice_table(), self._ridge_text()])

    def as_dict(self) -> dict[str, object]:
        """The figures for JSON; cases keep their synthetic names."""
        wrong = [f"{v.truth_case}: {v.kind} {sorted(v.reasons)}" for v in self.verdicts if not v.right]
        return {
            "patients": self.patients,
            "series": len(self.verdicts),
            "wrong_verdicts": wrong,
            "mean_dice": {way: self.mean(way) for way in self.dice},
            "dice": self.dice,
            "region_dice": self.region_dice,
            "ridge_mm": dict(zip(("mean", "median", "p95"), self.ridge_mm, strict=True)),
            "outline_found": self.outline_found,
            "quarantined": self.quarantined,
        }

    def _verdict_table(self) -> str:
        kinds = sorted({verdict.kind for verdict in self.verdicts})
        rows = []
        for kind in kinds:
            of_kind = [verdict for verdict in self.verdicts if verdict.kind == kind]
            rows.append([kind, str(len(of_kind)), str(sum(verdict.right for verdict in of_kind))])
        title = f"{self.patients} synthetic patients, {self.quarantined} cases quarantined"
        return f"{title}\n" + table(["series of the media", "number", "right verdict"], rows)

    def _dice_table(self) -> str:
        rows = [
            [
                way,
                str(len(self.dice[way])),
                f"{self.mean(way):.3f}",
                f"{min(self.dice[way].values()):.3f}",
                *_by_name(self.region_dice[way]),
            ]
            for way in WAYS
        ]
        regions = [region.abbreviation for region in REGIONS]
        return table(["native labels, Dice", "cases", "mean", "least case", *regions], rows)

    def _ridge_text(self) -> str:
        mean, median, far = self.ridge_mm
        return (
            f"ridge of the mean overlay to the true outline: mean {mean:.2f} mm, median {median:.2f}, 95 % {far:.2f}; "
            f"{self.outline_found:.0%} of the outline has it within 2 mm (target: 1 mm)"
        )


def measure(cohort: Path, work: Path, workers: int | None = None, progress: Progress = silent) -> TruthFigures:
    """Curate a cohort's media with and without the second pass, and hold the results against its truth.

    Args:
        cohort: made by ``synthesize`` with media and overlays.
        work: folder for the two data sets.
        workers: processes; the number of cores without one.
        progress: told how far it is.
    """
    media, truth = cohort / "media", cohort / "truth" / "media-series.csv"
    refined, plain = work / "second-pass", work / "first-pass"
    report = curate_media([media], refined, workers=workers, progress=within(progress, 0.0, 0.48))
    once = CurationSettings(second_pass=False)
    salt_file = refined.with_name(refined.name + ".private") / "salt.txt"
    curate_media([media], plain, once, workers=workers, salt_file=salt_file, progress=within(progress, 0.48, 0.96))
    verdicts = read_verdicts(truth, refined, load_salt(salt_file, refined))
    by_case = dict(_dice_of_cases(verdicts, cohort, refined, plain))
    dice_of = {way: {case: _mean(ways[way].values()) for case, ways in by_case.items()} for way in WAYS}
    region_dice = {way: _mean_by_region([ways[way] for ways in by_case.values()]) for way in WAYS}
    ridge_mm, found = ridge_distances(refined)
    patients = len({verdict.truth_case for verdict in verdicts})
    return TruthFigures(patients, verdicts, dice_of, region_dice, ridge_mm, found, report.quarantined)


def read_verdicts(truth: Path, dataset: Path, salt: Salt) -> list[Verdict]:
    """What a data set's index says of each series that the truth lists; a series it doesn't list has no reasons."""
    said = {row["series"]: row for row in _rows(dataset / "index.csv")}
    verdicts = []
    for row in _rows(truth):
        found = said.get(salt.name("series", row["series_uid"]), {"case": "", "reasons": ""})
        kind = row["fault"] or row["role"]
        verdicts.append(
            Verdict(kind, found["case"], row["case"], frozenset(found["reasons"].split()), bool(row["overlays"]))
        )
    return verdicts


def ridge_distances(dataset: Path) -> tuple[tuple[float, float, float], float]:
    """How far the mean overlay's ridge lies from the outlines of the atlas that the synthetic heads were made from.

    Returns:
        Mean, median and 95th percentile of the ridge's distances in mm, and the share of the outline within 2 mm of it.
    """
    density = read_volume(dataset / "mean_overlay" / "density.nii.gz")
    ridge = extract_ridge(density).points_ras
    border = border_points(atlases.load().labels, INSET_MM)
    away, _ = cKDTree(border).query(ridge)
    back, _ = cKDTree(ridge).query(border)
    figures = float(away.mean()), float(np.median(away)), float(np.percentile(away, 95))
    return figures, float((back <= 2.0).mean())


def _dice_of_cases(
    verdicts: Sequence[Verdict], cohort: Path, refined: Path, plain: Path
) -> Iterator[tuple[str, dict[str, dict[int, float]]]]:
    """Each curated case with outlines: its Dice by way and label."""
    for verdict in verdicts:
        name = f"raw_segmentation/{verdict.case}.nii.gz"
        if verdict.kind != "brain" or not verdict.overlays or not (refined / name).exists():
            continue
        first = read_label_map(plain / name)
        stored = read_label_map(cohort / "raw_segmentation" / f"{verdict.truth_case}.nii.gz")
        truth = resample(stored, first, order=0, antialias=False, fill=0)
        filled = fill_outlines(read_volume(refined / "raw_overlays" / f"{verdict.case}.nii.gz"), first)
        ways = dict(zip(WAYS, (read_label_map(refined / name), first, filled), strict=True))
        yield verdict.truth_case, {way: _dice_of(labels, truth) for way, labels in ways.items()}


def _dice_of(labels: LabelMap, truth: LabelMap) -> dict[int, float]:
    numbers, counts = joint_counts(labels.data, truth.data)
    found, true = counts.sum(axis=1), counts.sum(axis=0)
    return {
        label: float(2 * counts[place, place] / (found[place] + true[place]))
        for place, label in enumerate(numbers)
        if label > 0 and true[place] * truth.voxel_ml >= LEAST_ML
    }


def _mean_by_region(cases: Sequence[Mapping[int, float]]) -> dict[str, float]:
    means = {}
    for number, (region, side) in enumerate(SIDED_REGIONS, start=1):
        values = [case[number] for case in cases if number in case]
        means[f"{side} {region.abbreviation}"] = float(np.mean(values)) if values else math.nan
    return means


def _by_name(means: Mapping[str, float]) -> list[str]:
    """Both sides' mean of each region, as text."""
    values: NDArray[np.float64] = np.array(list(means.values())).reshape(2, 10)
    return [f"{value:.2f}" for value in values.mean(axis=0)]


def _mean(values: object) -> float:
    return float(np.mean(list(values)))  # type: ignore[call-overload]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))

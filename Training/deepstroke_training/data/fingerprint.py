"""What a data set is like, stage by stage: sizes, densities, regions, and the cases that stand out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import naming
from deepstroke.nifti import read_volume
from deepstroke.progress import Progress, silent
from deepstroke.regions import SIDED_REGIONS
from deepstroke.volume import Volume
from deepstroke_training.data.curated_dataset import CuratedDataset, DatasetCase
from deepstroke_training.data.prepared_case import STAGES, Stage
from deepstroke_training.data.preprocessing import brain_of

#: Percentiles of HU within the brain.
PERCENTILES = (0.5, 5.0, 25.0, 50.0, 75.0, 95.0, 99.5)
#: HU counted by a bin of their own; what lies beyond falls into the outer bins.
LEAST_HU, MOST_HU = -1024, 3071
#: How many robust standard deviations from the median make an outlier, and the least relative difference.
_OUTLIER_SIGMA, _OUTLIER_SHARE = 3.5, 0.2


@dataclass(frozen=True)
class Spread:
    """How values are spread over cases; ``unit`` says of what."""

    unit: str
    least: float
    median: float
    most: float


@dataclass(frozen=True)
class RegionVolumes:
    """Volumes of one region of one side over all cases, in ml.

    Attributes:
        region: abbreviation.
        side: of the patient.
        mean, deviation, least, median, most: over the cases that show it.
        missing: cases without it.
    """

    region: str
    side: str
    mean: float
    deviation: float
    least: float
    median: float
    most: float
    missing: int


@dataclass(frozen=True)
class Outlier:
    """A region whose volume is unlike that of other cases.

    Attributes:
        case: where it is.
        region, side: which it is.
        volume_ml: its volume; 0 where it is missing.
        median_ml: of all cases.
    """

    case: str
    region: str
    side: str
    volume_ml: float
    median_ml: float


@dataclass(frozen=True, eq=False)
class StageFingerprint:
    """One stage of a data set.

    Attributes:
        cases, patients: how many.
        spacing_mm: voxel size along i, j and k.
        shape: voxels along i, j and k.
        hu_percentiles: of the brain's voxels in all cases together, by percentile.
        hu_counts: how many of the brain's voxels have each HU from ``LEAST_HU`` to ``MOST_HU``.
        class_shares: share of all voxels of background and of each region, both sides together, by name.
        volumes: of the twenty regions.
        volumes_ml: (cases, 20), in the order of the labels.
        outliers: those furthest from the median first.
    """

    cases: int
    patients: int
    spacing_mm: tuple[Spread, Spread, Spread]
    shape: tuple[Spread, Spread, Spread]
    hu_percentiles: Mapping[str, float]
    hu_counts: NDArray[np.int64]
    class_shares: Mapping[str, float]
    volumes: tuple[RegionVolumes, ...]
    volumes_ml: NDArray[np.float64]
    outliers: tuple[Outlier, ...]

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON, without those of each case."""
        return {
            "cases": self.cases,
            "patients": self.patients,
            "spacing_mm": [asdict(one) for one in self.spacing_mm],
            "shape": [asdict(one) for one in self.shape],
            "hu_percentiles": dict(self.hu_percentiles),
            "class_shares": dict(self.class_shares),
            "volumes": [asdict(one) for one in self.volumes],
            "outliers": [asdict(one) for one in self.outliers],
        }


@dataclass(frozen=True)
class Fingerprint:
    """A data set at a glance.

    Attributes:
        dataset: its name.
        cases, patients: how many.
        patients_with_several: how many have more than one scan.
        to_review: cases that curation flagged.
        stages: by name.
    """

    dataset: str
    cases: int
    patients: int
    patients_with_several: int
    to_review: int
    stages: Mapping[Stage, StageFingerprint]

    def as_dict(self) -> dict[str, Any]:
        """All figures for JSON."""
        facts = {name: value for name, value in vars(self).items() if name != "stages"}
        return {**facts, "stages": {stage: one.as_dict() for stage, one in self.stages.items()}}


def fingerprint(
    dataset: CuratedDataset | Path | str, stages: Sequence[Stage] = STAGES, progress: Progress = silent
) -> Fingerprint:
    """Measure a data set; one case is in memory at a time.

    Args:
        dataset: opened, or its folder, which is checked then.
        stages: which to measure.
        progress: told after each case.

    Raises:
        InputError: files of the data set can't be used.

    Example:
        >>> fingerprint("dataset").stages["raw"].hu_percentiles["50"]  # doctest: +SKIP
        33.0
    """
    if not isinstance(dataset, CuratedDataset):
        dataset = CuratedDataset.open(dataset, stages)
    tallies = {stage: _Tally(stage) for stage in stages}
    for number, case in enumerate(dataset.cases, start=1):
        for tally in tallies.values():
            tally.add(case)
        progress(number / len(dataset.cases), f"case {number} of {len(dataset.cases)}")
    several = sum(sum(case.patient == one for case in dataset.cases) > 1 for one in dataset.patients)
    return Fingerprint(
        dataset=dataset.name,
        cases=len(dataset.cases),
        patients=len(dataset.patients),
        patients_with_several=several,
        to_review=sum(bool(case.review) for case in dataset.cases),
        stages={stage: tally.result() for stage, tally in tallies.items()},
    )


class _Tally:
    """What has been counted of a stage: as much for a thousand cases as for one, but for twenty volumes each."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.names: list[str] = []
        self.patients: set[str] = set()
        self.spacings: list[tuple[float, ...]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.volumes_ml: list[NDArray[np.float64]] = []
        self.hu_counts = np.zeros(MOST_HU - LEAST_HU + 1, np.int64)
        self.label_counts = np.zeros(len(SIDED_REGIONS) + 1, np.int64)

    def add(self, case: DatasetCase) -> None:
        with naming(case.image_path(self.stage)):
            image, labels = case.read(self.stage)
            self.hu_counts += _histogram(image, _brain(case, self.stage, image))
        counts = np.bincount(labels.data.ravel(), minlength=len(self.label_counts))
        self.label_counts += counts
        self.volumes_ml.append(np.asarray(counts[1:] * labels.voxel_ml, np.float64))
        self.names.append(case.name)
        self.patients.add(case.patient)
        self.spacings.append(image.spacing_mm)
        self.shapes.append(image.shape)

    def result(self) -> StageFingerprint:
        volumes_ml = np.array(self.volumes_ml).reshape(-1, len(SIDED_REGIONS))
        return StageFingerprint(
            cases=len(self.names),
            patients=len(self.patients),
            spacing_mm=_spreads(self.spacings, "mm"),
            shape=_spreads(self.shapes, "voxels"),
            hu_percentiles=percentiles(self.hu_counts),
            hu_counts=self.hu_counts,
            class_shares=_class_shares(self.label_counts),
            volumes=tuple(_volumes(volumes_ml[:, n], n) for n in range(len(SIDED_REGIONS))),
            volumes_ml=volumes_ml,
            outliers=outliers(self.names, volumes_ml),
        )


def percentiles(hu_counts: NDArray[np.int64]) -> dict[str, float]:
    """HU at each of ``PERCENTILES`` from counts of whole HU; empty without a voxel."""
    total = int(hu_counts.sum())
    if total == 0:
        return {}
    reached = np.searchsorted(np.cumsum(hu_counts), np.array(PERCENTILES) / 100.0 * total)
    return {f"{p:g}": float(LEAST_HU + n) for p, n in zip(PERCENTILES, reached, strict=True)}


def outliers(names: Sequence[str], volumes_ml: NDArray[np.float64]) -> tuple[Outlier, ...]:
    """Regions that are missing, or whose volume is far from the median in robust standard deviations.

    Args:
        names: of the cases.
        volumes_ml: (cases, 20).
    """
    found = []
    for n, (region, side) in enumerate(SIDED_REGIONS):
        volumes = volumes_ml[:, n]
        median = float(np.median(volumes)) if len(volumes) else 0.0
        sigma = 1.4826 * float(np.median(np.abs(volumes - median))) if len(volumes) else 0.0
        limit = max(_OUTLIER_SIGMA * sigma, _OUTLIER_SHARE * median)
        for name, volume in zip(names, volumes, strict=True):
            if abs(volume - median) > limit or (volume == 0 < median):
                away = abs(volume - median) / max(median, 1e-6)
                found.append(
                    (away, Outlier(name, region.abbreviation, side, round(float(volume), 3), round(median, 3)))
                )
    return tuple(one for _, one in sorted(found, key=lambda pair: -pair[0]))


def _brain(case: DatasetCase, stage: Stage, image: Volume) -> NDArray[np.bool_]:
    stripped = read_volume(case.image_path("stripped")) if stage == "raw" else image
    image.require_same_grid(stripped, "the stripped volume")
    return brain_of(stripped)


def _histogram(image: Volume, brain: NDArray[np.bool_]) -> NDArray[np.int64]:
    inside = np.rint(np.clip(image.data[brain], LEAST_HU, MOST_HU)).astype(np.int64)
    return np.bincount(inside - LEAST_HU, minlength=MOST_HU - LEAST_HU + 1)


def _spreads(rows: Sequence[Sequence[float]], unit: str) -> tuple[Spread, Spread, Spread]:
    values = np.array(rows, dtype=np.float64).reshape(-1, 3)
    i, j, k = (_spread(values[:, axis], unit) for axis in range(3))
    return i, j, k


def _spread(values: NDArray[np.float64], unit: str) -> Spread:
    least, median, most = (round(float(v), 4) for v in np.percentile(values, (0, 50, 100)))
    return Spread(unit, least, median, most)


def _class_shares(label_counts: NDArray[np.int64]) -> dict[str, float]:
    shares = {"background": float(label_counts[0])}
    for label, (region, _) in enumerate(SIDED_REGIONS, start=1):
        shares[region.abbreviation] = shares.get(region.abbreviation, 0.0) + float(label_counts[label])
    total = max(float(label_counts.sum()), 1.0)
    return {name: round(count / total, 7) for name, count in shares.items()}


def _volumes(volumes: NDArray[np.float64], n: int) -> RegionVolumes:
    region, side = SIDED_REGIONS[n]
    seen = volumes[volumes > 0]
    figures = (seen.mean(), seen.std(), seen.min(), np.median(seen), seen.max()) if len(seen) else (0.0,) * 5
    mean, deviation, least, median, most = (round(float(figure), 3) for figure in figures)
    return RegionVolumes(
        region.abbreviation, side, mean, deviation, least, median, most, missing=len(volumes) - len(seen)
    )

"""Regions with their measures and their reference, as a score learns from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError, naming
from deepstroke.nifti import read_label_map, read_volume
from deepstroke.progress import Progress, silent
from deepstroke.regions import REGIONS, SIDED_REGIONS
from deepstroke.scoring.features import FEATURES, features_of
from deepstroke.scoring.scorer import MeasuredScan, measure_scan
from deepstroke.scoring.tissue_measures import measure_tissue
from deepstroke_training.scoring.table import CaseRow

#: HU by which healthy sides differ in a region, and a whole side from the other (standard deviations). Synthetic heads
#: are more alike on both sides than people are: training adds these, so that a model doesn't trust 1 HU.
ASYMMETRY_HU, SIDE_ASYMMETRY_HU = 1.2, 0.6
#: How often each scan is seen, each time with another natural asymmetry.
REPLICATES = 3


@dataclass(frozen=True, eq=False)
class Instances:
    """Regions of many scans, one row each.

    Attributes:
        features: (rows, features) in the order of ``FEATURES``.
        involved: (rows) whether the reference calls the region involved.
        region: (rows) 0..9 in the order of ``REGIONS``.
        case: (rows) number of the scan and its replicate: rows of one scan with one asymmetry share it.
        patient: (rows) number of the patient.
    """

    features: NDArray[np.float64]
    involved: NDArray[np.bool_]
    region: NDArray[np.int64]
    case: NDArray[np.int64]
    patient: NDArray[np.int64]

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return int(np.unique(self.patient).size)

    def at(self, rows: NDArray) -> Instances:
        """Some of the rows."""
        return Instances(
            self.features[rows], self.involved[rows], self.region[rows], self.case[rows], self.patient[rows]
        )


@dataclass(frozen=True)
class Asymmetry:
    """The natural differences of both sides that training adds.

    Attributes:
        region_hu, side_hu: standard deviation of a region's and of a whole side's difference.
        replicates: how often each scan is seen.
        seed: of the draws.
    """

    region_hu: float = ASYMMETRY_HU
    side_hu: float = SIDE_ASYMMETRY_HU
    replicates: int = REPLICATES
    seed: int = 0


def gather_instances(
    rows: Sequence[CaseRow], root: Path, asymmetry: Asymmetry, progress: Progress = silent
) -> Instances:
    """Measure the scans of a table; regions that can't be judged are left out.

    Args:
        rows: of the table.
        root: folder to which its files are relative.
        asymmetry: what is added.
        progress: told after each scan.

    Raises:
        InputError: a file can't be read or measured, or no region can be judged; the message names the file.
    """
    patients = {name: number for number, name in enumerate(dict.fromkeys(row.patient for row in rows))}
    draws = np.random.default_rng(asymmetry.seed)
    found: list[Any] = []
    for number, row in enumerate(rows):
        measured = read_measured(row, root)
        for replicate in range(asymmetry.replicates):
            case = number * asymmetry.replicates + replicate
            found += _instances(with_asymmetry(measured, asymmetry, draws), row, case, patients[row.patient])
        progress((number + 1) / len(rows), f"case {number + 1} of {len(rows)}")
    if not found:
        raise InputError("no region of any case can be judged: there is nothing to learn from", code="case-table")
    return Instances(*(np.array(column) for column in zip(*found, strict=True)))


def read_measured(row: CaseRow, root: Path) -> MeasuredScan:
    """The measures of a row's scan.

    Raises:
        InputError: a file can't be read or measured; the message names it.
    """
    volume, labels = read_volume(root / row.ct), read_label_map(root / row.labels)
    brain = None if row.brain is None else read_label_map(root / row.brain)
    with naming(root / row.ct):
        return measure_scan(volume, labels, brain)


def with_asymmetry(measured: MeasuredScan, asymmetry: Asymmetry, draws: np.random.Generator) -> MeasuredScan:
    """The scan with each region's HU and each side's moved a little against the other's."""
    shift = draws.normal(0.0, asymmetry.region_hu, len(REGIONS)) + draws.normal(0.0, asymmetry.side_hu)
    by_label = np.concatenate([[0.0], shift / 2.0, -shift / 2.0]).astype(np.float32)
    scan = replace(measured.scan, hu=measured.scan.hu + by_label[measured.scan.labels])
    return replace(measured, scan=scan, tissues=measure_tissue(scan, measured.tissue))


def _instances(
    measured: MeasuredScan, row: CaseRow, case: int, patient: int
) -> Iterator[tuple[NDArray[np.float64], bool, int, int, int]]:
    half = len(REGIONS)
    for n, (region, side) in enumerate(SIDED_REGIONS):
        features = features_of(measured.tissues[n], measured.tissues[(n + half) % len(SIDED_REGIONS)])
        if measured.obstacles[n] or features is None:
            continue
        yield features, region.abbreviation in row.involved[side], region.number - 1, case, patient


FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)

"""Synthetic scans beside real ones: noise, its correlation, and the Hounsfield units of the brain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.commands.console import table
from deepstroke.dicom import choose_series, inspect, read_scan
from deepstroke.dicom.appearance import look
from deepstroke.errors import InputError
from deepstroke.nifti import write_json
from deepstroke.preprocess.brain import extract_brain
from deepstroke.progress import Progress, silent

#: Percentiles of the brain's HU.
PERCENTILES = (5, 25, 50, 75, 95)
#: Darker than this lies CSF or an old infarct, brighter than that calcification, blood or partial volume of bone.
CSF_HU, BRIGHT_HU = 15.0, 60.0


@dataclass(frozen=True)
class ScanAppearance:
    """What one scan looks like in figures.

    Attributes:
        name: of its folder.
        kind: ``"real"`` or ``"synthetic"``.
        noise_hu: standard deviation of fine detail in soft tissue, on the slices as stored.
        correlation: of that detail between neighbouring pixels of a row.
        brain_hu: percentiles of the brain with its CSF.
        csf_share, bright_share: parts of it below ``CSF_HU`` and above ``BRIGHT_HU``.
    """

    name: str
    kind: str
    noise_hu: float
    correlation: float
    brain_hu: tuple[float, ...]
    csf_share: float
    bright_share: float


@dataclass(frozen=True)
class AppearanceFigures:
    """Real scans one by one, and the range of the synthetic ones."""

    scans: Sequence[ScanAppearance]

    def table(self) -> str:
        """The figures as text: every real scan; median and 5 to 95 % of the synthetic ones."""
        head = ["scan", "noise HU", "correlation", *(f"{p} % HU" for p in PERCENTILES), "CSF share", "bright share"]
        rows = [
            [scan.name, *(f"{value:.2f}" for value in _figures(scan))] for scan in self.scans if scan.kind == "real"
        ]
        made = np.array([_figures(scan) for scan in self.scans if scan.kind == "synthetic"])
        if len(made):
            low, middle, high = np.percentile(made, (5, 50, 95), axis=0)
            cells = [f"{m:.2f} ({a:.2f} to {b:.2f})" for m, a, b in zip(middle, low, high, strict=True)]
            rows.append([f"{len(made)} synthetic: median (5 to 95 %)", *cells])
        return table(head, rows)

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON; real scans are named by their folders."""
        return asdict(self)


def run(
    real: Sequence[Path], synthetic: Sequence[Path], output: Path | None = None, progress: Progress = silent
) -> AppearanceFigures:
    """Measure the best series of every folder.

    Args:
        real: folders, one a study.
        synthetic: folders of ``synthesize --dicom``, one a scan.
        output: JSON file to write.
        progress: told after each scan.

    Raises:
        InputError: a folder holds no usable head CT.
    """
    figures = AppearanceFigures(tuple(_measured(real, synthetic, progress)))
    if output is not None:
        write_json(figures.as_dict(), output)
    return figures


def measure(folder: Path, kind: str) -> ScanAppearance:
    """The appearance of the best series of a folder.

    Raises:
        InputError: there is none, or it shows too little brain to measure.
    """
    record = choose_series(inspect(folder))
    scan = read_scan(record)
    seen = look(record.headers, base_first=bool(scan.slices.normal_ras[2] > 0))
    if seen.noise_hu is None or seen.correlation is None:
        raise InputError(f"{folder}: too little soft tissue to measure noise in", code="no-brain-seen")
    hu = scan.volume.data[extract_brain(scan.volume).mask]
    percentiles = tuple(float(value) for value in np.percentile(hu, PERCENTILES))
    shares = float((hu < CSF_HU).mean()), float((hu > BRIGHT_HU).mean())
    return ScanAppearance(folder.name, kind, seen.noise_hu, seen.correlation, percentiles, *shares)


def _measured(real: Sequence[Path], synthetic: Sequence[Path], progress: Progress) -> Iterator[ScanAppearance]:
    plan = [*((folder, "real") for folder in real), *((folder, "synthetic") for folder in synthetic)]
    for number, (folder, kind) in enumerate(plan, start=1):
        yield measure(folder, kind)
        progress(number / len(plan), f"{number} of {len(plan)} scans measured")


def _figures(scan: ScanAppearance) -> tuple[float, ...]:
    return scan.noise_hu, scan.correlation, *scan.brain_hu, scan.csf_share, scan.bright_share

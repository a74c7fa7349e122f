"""The scan that a job works on, from DICOM, NIfTI or NRRD."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deepstroke.dicom import Scan, SliceStack, choose_series, inspect, read_scan
from deepstroke.errors import InputError
from deepstroke.findings import Finding
from deepstroke.nifti import read_volume
from deepstroke.preprocess.resampling import orthogonal
from deepstroke.progress import Progress, silent, within
from deepstroke.report.contents import SeriesFacts
from deepstroke.volume import Volume

_VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr")

#: What stands in for voxels without a value.
AIR_HU = -1024.0


@dataclass(frozen=True, eq=False)
class LoadedScan:
    """A head CT on an orthogonal grid with axes nearest to right, anterior, superior.

    Attributes:
        volume: HU.
        slices: the source slices; None where the file is no DICOM.
        facts: what the report says of the series, free of patient data.
        findings: what was noticed while reading.
    """

    volume: Volume
    slices: SliceStack | None
    facts: SeriesFacts
    findings: tuple[Finding, ...]


def load_scan(path: str | Path, series: str | None = None, progress: Progress = silent) -> LoadedScan:
    """Read the best (or the named) head CT series under a path, or one NIfTI or NRRD file.

    Raises:
        InputError: nothing usable is there; the message names the file and the cause.
    """
    path = Path(path)
    if path.name.lower().endswith(_VOLUME_SUFFIXES):
        return _load_volume(path, series)
    inspection = inspect(path, progress=within(progress, 0.0, 0.5))
    chosen = choose_series(inspection, series)
    scan = read_scan(chosen)
    progress(1.0, "series read")
    return LoadedScan(scan.volume, scan.slices, _facts(scan), scan.findings)


def _facts(scan: Scan) -> SeriesFacts:
    record = scan.series
    steps = np.diff(scan.slices.offsets_mm)
    return SeriesFacts(
        uid=record.uid,
        number=record.number,
        description=record.description or None,
        slices=record.slices,
        spacing_mm=scan.volume.spacing_mm,
        tilt_deg=round(scan.slices.tilt_deg, 3),
        slice_step_mm=(round(float(steps.min()), 4), round(float(steps.max()), 4)),
        coverage_mm=record.coverage_mm,
        kernel=record.kernel or None,
        why_chosen="; ".join(record.merits) or None,
    )


def _load_volume(path: Path, series: str | None) -> LoadedScan:
    if series is not None:
        raise InputError(f"{path} holds one volume; --series is for DICOM", code="no-series")
    stored = read_volume(path)
    finite = np.isfinite(stored.data)
    if not finite.any():
        raise InputError(f"{path}: no voxel holds a finite value", code="empty-volume")
    volume = orthogonal(Volume(np.where(finite, stored.data, AIR_HU).astype(np.float32), stored.ijk_to_ras))
    findings = [Finding("no-dicom-source", "the input is no DICOM series, so no labels.seg.dcm is written")]
    if lost := int(finite.size - np.count_nonzero(finite)):
        findings.append(Finding("no-number", f"{lost} voxels hold no finite value and were taken as air"))
    if not stored.is_orthogonal:
        findings.append(Finding("sheared-grid", "the grid was sheared (gantry tilt) and was resampled upright"))
    facts = SeriesFacts(None, None, None, stored.shape[2], stored.spacing_mm, tilt_deg=0.0)
    return LoadedScan(volume.reoriented_to_ras(), None, facts, tuple(findings))

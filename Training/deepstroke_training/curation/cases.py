"""One case: from the files of a series to the three stages of the data set. The only place where stages are joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from deepstroke import atlas as atlases
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.propagate import propagate_labels
from deepstroke.dicom.judging import judge
from deepstroke.dicom.scan import Scan, read_scan
from deepstroke.dicom.series import group_series
from deepstroke.dicom.source import FileSource
from deepstroke.errors import DicomSeriesError
from deepstroke.findings import Finding
from deepstroke.preprocess.brain import analyse_head
from deepstroke.register import SpatialTransform, register
from deepstroke.register.quality import RegistrationQuality
from deepstroke.stages import StageClock
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.identities import Salt
from deepstroke_training.curation.pictures import draw_case
from deepstroke_training.curation.quality import CaseQuality, flags
from deepstroke_training.curation.series_index import read_series_headers
from deepstroke_training.curation.settings import CurationSettings
from deepstroke_training.curation.stages import carry_to_template, strip, whole_hu
from deepstroke_training.curation.storage import (
    QC_FOLDER,
    VOLUME_FOLDERS,
    WrittenFile,
    require_space,
    write_checked,
    written,
)


@dataclass(frozen=True)
class CaseJob:
    """What curating one case needs.

    Attributes:
        name: of the case.
        series: salted name of its series.
        part: which stack of the series, as ``SeriesRecord.part``.
        sources: the files of the series.
        dataset: the data set's folder, at the same path on every worker.
        settings: of the run.
        salt: to tell the series' own files from misfiled ones.
        findings: codes of what was noticed of the series' files while indexing.
    """

    name: str
    series: str
    part: int
    sources: tuple[FileSource, ...]
    dataset: Path
    settings: CurationSettings
    salt: Salt
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseReceipt:
    """What is left of a case after its files are on the disk: small enough for any number of cases.

    Attributes:
        figures: columns of ``cases.csv``.
        files: what was written.
        seconds: wall time of each stage.
    """

    figures: dict[str, Any]
    files: tuple[WrittenFile, ...]
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CuratedCase:
    """Everything that a case leaves in the data set, still in memory.

    Attributes:
        raw, raw_labels: the scan in whole HU and its regions, on the scan's orthogonal grid.
        stripped: the scan with 0 outside the brain.
        registered, registered_labels: the stripped scan and its regions on the template's grid.
        quality: figures.
        findings: of every stage.
    """

    raw: Volume
    raw_labels: LabelMap
    stripped: Volume
    registered: Volume
    registered_labels: LabelMap
    quality: CaseQuality
    findings: tuple[Finding, ...]


def curate_case(job: CaseJob) -> CaseReceipt:
    """Read, strip, register and label one series, and write its part of the data set.

    Raises:
        DeepStrokeError: a stage refuses the case; nothing was written then. With a code of ``DISK_CODES`` the disk
            is at fault, and so every other case would fail as well.
    """
    _use_one_thread()
    clock = StageClock()
    atlas = _atlas(job.settings.atlas)
    with clock.stage("read", 0, 0.1):
        scan = _read(job)
    case = curate(scan, atlas, job.settings, clock)
    with clock.stage("write", 0.9, 1):
        files = _write(job, case, scan)
    return CaseReceipt(_figures(job, scan, case), files, clock.seconds)


def curate(scan: Scan, atlas: Atlas, settings: CurationSettings, clock: StageClock | None = None) -> CuratedCase:
    """Take a scan through every stage.

    Raises:
        InputError: the scan shows no head that can be read.
        RegistrationError: the template could not be brought onto it.
    """
    clock = clock or StageClock()
    with clock.stage("strip", 0.1, 0.2):
        head = analyse_head(scan.volume)
        raw = whole_hu(scan.volume)
        stripped = strip(raw, head.brain)
    with clock.stage("register", 0.2, 0.8):
        to_template = _registered(scan.volume, head.brain, atlas, settings)
    with clock.stage("label", 0.8, 0.85):
        labels = propagate_labels(atlas, to_template, scan.volume)
    with clock.stage("carry", 0.85, 0.9):
        registered = whole_hu(carry_to_template(stripped, to_template, atlas))
    quality = CaseQuality(_measured(to_template), head.brain_ml, len(labels.present()))
    findings = (*scan.findings, *head.findings, *to_template.findings)
    return CuratedCase(raw, labels, stripped, registered, atlas.labels, quality, findings)


def _read(job: CaseJob) -> Scan:
    headers, _ = read_series_headers(job.sources)
    mine = [header for header in headers if job.salt.name("series", header.series_uid) == job.series]
    for group in group_series(mine):
        if group.part == job.part:
            return read_scan(judge(group))
    raise DicomSeriesError("the series is no longer what it was when it was indexed; run again", code="series-changed")


def _registered(scan: Volume, brain: LabelMap, atlas: Atlas, settings: CurationSettings) -> SpatialTransform:
    return register(
        scan,
        atlas.template,
        engine=settings.engine,
        device=settings.device,
        fixed_mask=brain,
        moving_mask=atlas.brain,
        settings=settings.registration,
    )


def _measured(transform: SpatialTransform) -> RegistrationQuality:
    if transform.quality is None:
        raise DicomSeriesError("the registration was not measured", code="registration")
    return transform.quality


def _write(job: CaseJob, case: CuratedCase, scan: Scan) -> tuple[WrittenFile, ...]:
    volumes = dict(
        zip(
            VOLUME_FOLDERS,
            (case.raw, case.raw_labels, case.stripped, case.registered, case.registered_labels),
            strict=True,
        )
    )
    job.dataset.mkdir(parents=True, exist_ok=True)
    require_space(job.dataset, sum(v.data.nbytes for v in volumes.values()) / 1e6, job.settings.reserve_mb)
    files = [write_checked(volume, job.dataset, f"{name}/{job.name}.nii.gz") for name, volume in volumes.items()]
    picture = f"{QC_FOLDER}/{job.name}.png"
    draw_case(
        case.raw, case.raw_labels, case.registered, case.registered_labels, _caption(job, case), job.dataset / picture
    )
    return (*files, written(job.dataset, picture))


def _caption(job: CaseJob, case: CuratedCase) -> tuple[str, str]:
    figures = case.quality.registration
    facts = (
        f"{job.name}   NCC {figures.ncc:.3f}   LNCC {figures.lncc:.3f}   brains' Dice {figures.mask_dice:.3f}   "
        f"least Jacobian {figures.jacobian_min:.2f}   inverse error {figures.inverse_error_p99_mm:.2f} mm"
    )
    review = _flags(job, case)
    return facts, "look at: " + ", ".join(review) if review else ""


def _flags(job: CaseJob, case: CuratedCase) -> tuple[str, ...]:
    noticed = (*case.findings, *(Finding(code, "") for code in job.findings))
    return flags(case.quality, noticed, job.settings.review)


def _figures(job: CaseJob, scan: Scan, case: CuratedCase) -> dict[str, Any]:
    return {
        "shape": list(case.raw.shape),
        "spacing_mm": [round(step, 5) for step in case.raw.spacing_mm],
        **case.quality.as_dict(),
        "findings": sorted({finding.code for finding in case.findings} | set(job.findings)),
        "review": list(_flags(job, case)),
    }


@lru_cache(maxsize=1)
def _atlas(name: str | None) -> Atlas:
    return atlases.load(name)


def _use_one_thread() -> None:
    """Workers are processes that share a machine's cores, and one thread gives the same bytes everywhere."""
    import torch

    torch.set_num_threads(1)

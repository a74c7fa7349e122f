"""One case: from the files of a series to the three stages of the data set. The only place where stages are joined."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from deepstroke import atlas as atlases
from deepstroke.atlas.model import Atlas
from deepstroke.atlas.overlay_cloud import OverlayCloud
from deepstroke.atlas.propagate import propagate_labels
from deepstroke.dicom.judging import judge
from deepstroke.dicom.overlays import OverlayPlanes, read_overlays
from deepstroke.dicom.scan import Scan, read_scan
from deepstroke.dicom.series import group_series
from deepstroke.dicom.source import FileSource
from deepstroke.errors import DicomSeriesError, RegistrationError
from deepstroke.preprocess.brain import analyse_head
from deepstroke.register import SpatialTransform, register
from deepstroke.register.quality import RegistrationQuality
from deepstroke.stages import StageClock
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.case_files import figures_of, review_flags, write_case
from deepstroke_training.curation.curated import CuratedCase
from deepstroke_training.curation.identities import Salt
from deepstroke_training.curation.quality import CaseQuality, agreement
from deepstroke_training.curation.series_index import read_series_headers
from deepstroke_training.curation.settings import CurationSettings
from deepstroke_training.curation.stages import (
    carry_overlay,
    carry_to_template,
    distances_to_outlines,
    overlay_cloud,
    second_pass,
    strip,
    whole_hu,
)
from deepstroke_training.curation.storage import WrittenFile


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


def curate_case(job: CaseJob) -> CaseReceipt:
    """Read, strip, register and label one series, and write its part of the data set.

    Raises:
        DeepStrokeError: a stage refuses the case; nothing was written then. With a code of ``DISK_CODES`` the disk
            is at fault, and so every other case would fail as well.
    """
    _use_one_thread()
    clock = StageClock()
    atlas = _atlas(job.settings.atlas)
    with clock.stage("read", 0.0, 0.1):
        scan = _read(job)
        planes = read_overlays(scan.series)
    case = curate(scan, planes, atlas, job.settings, clock)
    review = review_flags(case, job.findings, job.settings.review)
    with clock.stage("write", 0.9, 1.0):
        files = write_case(case, job.name, job.dataset, job.settings.reserve_mb, review)
    return CaseReceipt(figures_of(case, job.findings, review), files, clock.seconds)


def curate(
    scan: Scan, planes: OverlayPlanes, atlas: Atlas, settings: CurationSettings, clock: StageClock | None = None
) -> CuratedCase:
    """Take a scan through every stage.

    Args:
        scan: the series.
        planes: its overlays, which may be empty.
        atlas: whose template and regions are used.
        settings: of the registration.
        clock: takes the seconds of each stage.

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
    with clock.stage("carry", 0.85, 0.88):
        registered = whole_hu(carry_to_template(stripped, to_template, atlas))
    case = CuratedCase(
        raw=raw,
        raw_labels=labels,
        stripped=stripped,
        registered=registered,
        registered_labels=atlas.labels,
        overlay=None,
        quality=CaseQuality(_measured(to_template), head.brain_ml, len(labels.present())),
        findings=(*scan.findings, *head.findings, *to_template.findings, *planes.findings),
    )
    if planes.is_empty:
        return case
    with clock.stage("overlay", 0.88, 0.9):
        return _with_overlay(case, overlay_cloud(planes, scan.slices), to_template, atlas, settings)


def _with_overlay(
    case: CuratedCase, cloud: OverlayCloud, to_template: SpatialTransform, atlas: Atlas, settings: CurationSettings
) -> CuratedCase:
    """A case after the second pass: its overlay, and labels refined by it.

    The overlay that goes into the mean is the first pass's: it must not know the atlas that is drawn on the mean.
    """
    overlay = carry_overlay(cloud, case.raw, to_template, atlas)
    first_mm = distances_to_outlines(cloud.points_ras, case.raw_labels)
    refined, finding = second_pass(to_template, cloud, atlas) if settings.second_pass else (to_template, None)
    labels = propagate_labels(atlas, refined, case.raw)
    within = SpatialTransform(
        refined.steps[len(to_template.steps) :],
        refined.inverse_steps[: len(refined.inverse_steps) - len(to_template.inverse_steps)],
    )
    near = agreement(first_mm, distances_to_outlines(cloud.points_ras, labels))
    return replace(
        case,
        raw_labels=labels,
        registered_labels=propagate_labels(atlas, within, atlas.template) if within.steps else atlas.labels,
        overlay=overlay,
        quality=replace(case.quality, regions=len(labels.present()), overlay=near),
        findings=case.findings if finding is None else (*case.findings, finding),
    )


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
        raise RegistrationError("the registration was not measured", code="registration")
    return transform.quality


@lru_cache(maxsize=1)
def _atlas(name: str | None) -> Atlas:
    return atlases.load(name)


def _use_one_thread() -> None:
    """Workers are processes that share a machine's cores, and one thread gives the same bytes everywhere."""
    import torch

    torch.set_num_threads(1)

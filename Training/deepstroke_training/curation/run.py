"""A curation run: media in, data set out. It may be killed at any time and started again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepstroke import atlas as atlases
from deepstroke.progress import Progress, silent
from deepstroke.stages import StageClock
from deepstroke_training.curation.cluster import connect
from deepstroke_training.curation.curating import curate_cases
from deepstroke_training.curation.indexing import index_media, judge_media, select_cases
from deepstroke_training.curation.media import require_media
from deepstroke_training.curation.settings import CurationSettings
from deepstroke_training.curation.tables import (
    count_unlisted,
    write_case_tables,
    write_index_tables,
    write_mean_overlay,
)
from deepstroke_training.curation.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class CurationReport:
    """What a run found and made.

    Attributes:
        files, series: on the media.
        losses: files that are missing, damaged or no DICOM.
        cases: in the data set.
        review: how many of them ask for a look.
        quarantined: series and cases that failed.
        unlisted: volumes in the folder that belong to no case of this run.
        seconds: wall seconds of every stage in each case that this run curated.
        phases_s: wall seconds of the run's phases.
    """

    files: int
    series: int
    losses: int
    cases: int
    review: int
    quarantined: int
    unlisted: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    phases_s: dict[str, float] = field(default_factory=dict)

    def summary(self) -> str:
        """The report in a few lines."""
        lines = [
            f"{self.series} series in {self.files} files; {self.losses} are missing, damaged or no DICOM (losses.csv)",
            f"{self.cases} cases, {self.review} of them to be looked at (cases.csv, qc/)",
            f"{self.quarantined} quarantined (quarantine.csv)",
        ]
        if self.unlisted:
            lines.append(
                f"{self.unlisted} volumes in the folder aren't listed in cases.csv: they come from other media"
            )
        return "\n".join(lines)


def curate_media(
    media: Sequence[Path],
    dataset: Path,
    settings: CurationSettings | None = None,
    *,
    scheduler: str | None = None,
    workers: int | None = None,
    salt_file: Path | None = None,
    private: Path | None = None,
    index_only: bool = False,
    retry: bool = False,
    progress: Progress = silent,
) -> CurationReport:
    """Make a data set of every usable head CT on the media; started again, it goes on where it stood.

    Args:
        media: folders, DICOMDIR files or archives.
        dataset: the folder to write; the same on every worker.
        settings: what is done to a case.
        scheduler: address of a running dask scheduler; a cluster of processes on this machine without one.
        workers: processes of the local cluster; the number of cores without one.
        salt_file: holds the salt of all names; made in the private folder without one.
        private: folder for file names and the salt; ``<dataset>.private`` without one.
        index_only: stop when ``index.csv`` says what would become a case.
        retry: try quarantined cases again.
        progress: told how far it is.

    Raises:
        InputError: a medium is missing, or the disk is full.
        ConfigError: another run works on the data set, the salt doesn't fit, or the scheduler doesn't answer.

    Example:
        >>> report = curate_media([Path("media")], Path("dataset"))  # doctest: +SKIP
        >>> report.cases  # doctest: +SKIP
        40
    """
    settings = settings or CurationSettings()
    require_media(media, dataset)
    atlas = _atlas_facts(settings.atlas)
    clock = StageClock(progress)
    with (
        open_workspace(dataset, private, salt_file, settings, atlas) as workspace,
        connect(scheduler, workers, workspace.private / "spill") as client,
    ):
        with clock.stage("index", 0.0, 0.05) as stage:
            index_media(media, workspace, client, stage)
        with clock.stage("judge", 0.05, 0.2) as stage:
            judge_media(workspace, client, stage)
            select_cases(workspace)
        seconds: dict[str, list[float]] = {}
        if not index_only:
            with clock.stage("cases", 0.2, 0.95) as stage:
                seconds = curate_cases(workspace, client, atlas, retry, stage)
        with clock.stage("tables", 0.95, 1.0):
            write_index_tables(workspace)
            if not index_only:
                write_case_tables(workspace)
                write_mean_overlay(workspace)
                workspace.compact_journal()
        report = _report(workspace, seconds, clock.seconds)
    progress(1.0, "done")
    return report


def _report(workspace: Workspace, seconds: dict[str, list[float]], phases_s: dict[str, float]) -> CurationReport:
    index = workspace.index
    return CurationReport(
        files=index.count_files(),
        series=index.count_series(),
        losses=sum(1 for _ in index.losses()),
        cases=index.count_rows("cases"),
        review=sum(bool(row["review"]) for row in index.rows("cases")),
        quarantined=index.count_rows("quarantine"),
        unlisted=count_unlisted(workspace),
        seconds=seconds,
        phases_s=phases_s,
    )


def _atlas_facts(name: str | None) -> dict[str, str]:
    """Name, version and sha256 of the labels of an atlas, after checking its files."""
    atlas = atlases.load(name)
    return {"name": atlas.name, "version": atlas.version, "sha256": atlas.manifest["files"]["labels"]["sha256"]}

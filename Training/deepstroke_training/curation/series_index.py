"""Judge one series of a medium: what it is, and why it becomes a case or not, as rows free of patient data."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from deepstroke.dicom.header import SliceHeader, read_headers
from deepstroke.dicom.judging import judge
from deepstroke.dicom.parsing import pydicom_guarded
from deepstroke.dicom.records import SeriesRecord
from deepstroke.dicom.series import group_series
from deepstroke.dicom.source import FileSource, open_sources
from deepstroke.errors import DicomSeriesError
from deepstroke.findings import Finding
from deepstroke_training.curation.identities import Salt, without_identifiers

_PATIENT_ID, _ISSUER = 0x00100020, 0x00100021


@dataclass(frozen=True)
class SeriesJob:
    """What judging one series needs.

    Attributes:
        name: salted name of the series.
        sources: its files.
        lost: how many of its files the DICOMDIR names in vain.
        salt: for the names of patients, studies and cases.
    """

    name: str
    sources: tuple[FileSource, ...]
    lost: int
    salt: Salt


@dataclass(frozen=True)
class UnreadableFile:
    """A file of a series that can't be read, and why; the message names it."""

    source: FileSource
    code: str
    message: str


@dataclass(frozen=True)
class SeriesReceipt:
    """What is known of one series after it was judged.

    Attributes:
        rows: of ``index.csv``, one for each stack of slices that the series holds.
        rejected: files that can't be read; they name paths and stay outside the data set.
        misfiled: files whose header names another series, with that series' name.
    """

    rows: tuple[dict[str, Any], ...]
    rejected: tuple[UnreadableFile, ...] = ()
    misfiled: tuple[tuple[FileSource, str], ...] = ()


def judge_series(job: SeriesJob) -> SeriesReceipt:
    """Read the headers of a series and judge each of its stacks."""
    headers, rejected = read_series_headers(job.sources)
    mine = [header for header in headers if job.salt.name("series", header.series_uid) == job.name]
    own = {header.source for header in mine}
    astray = {h.source: job.salt.name("series", h.series_uid) for h in headers if h.source not in own}
    rows = tuple(_row(judge(group), job, rejected) for group in group_series(mine))
    if not rows and rejected and not astray:
        rows = (_unreadable(job, rejected),)
    return SeriesReceipt(rows, tuple(rejected), tuple(astray.items()))


def read_series_headers(sources: Iterable[FileSource]) -> tuple[list[SliceHeader], list[UnreadableFile]]:
    """The header of every slice in files, and the files that hold none."""
    headers: list[SliceHeader] = []
    rejected: list[UnreadableFile] = []
    for source, opener in open_sources(sources):
        try:
            with opener() as stream:
                headers.extend(read_headers(stream, source))
        except DicomSeriesError as error:
            rejected.append(UnreadableFile(source, error.code, str(error)))
    return headers, rejected


def content_hash(headers: Sequence[SliceHeader]) -> str:
    """sha256 over the bytes of the files of some slices, whatever the files are called and however often they come.

    Raises:
        DicomSeriesError: a file can't be read.
    """
    digests = set()
    for _, opener in open_sources(dict.fromkeys(header.source for header in headers)):
        with opener() as stream:
            digests.add(hashlib.sha256(stream.read()).digest())
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _row(record: SeriesRecord, job: SeriesJob, rejected: Sequence[UnreadableFile]) -> dict[str, Any]:
    header = record.headers[0]
    paths = {h.source.path for h in record.headers}
    findings = (*record.findings, *_losses(job.lost, len(rejected)))
    row: dict[str, Any] = {
        "series": job.name,
        "part": record.part,
        "study": job.salt.name("study", header.study_uid),
        "patient": job.salt.name("patient", *_patient(header)),
        "case": job.salt.name("case", header.series_uid, record.part) if record.usable else "",
        "usable": record.usable,
        "reasons": [reason.code for reason in record.reasons],
        "why": without_identifiers("; ".join(reason.message for reason in record.reasons), paths),
        "findings": [finding.code for finding in findings],
        "input": content_hash(record.headers) if record.usable else "",
    }
    facts = record.as_dict()
    # A description is free text, in which people's names stand at times.
    for left_out in ("uid", "part", "usable", "reasons", "findings", "merits", "description"):
        facts.pop(left_out)
    return {**row, **facts}


def _losses(lost: int, rejected: int) -> list[Finding]:
    findings = []
    if lost:
        findings.append(Finding("files-missing", f"the DICOMDIR names {lost} more files, which are missing"))
    if rejected:
        findings.append(Finding("files-rejected", f"{rejected} more files can't be read"))
    return findings


def _unreadable(job: SeriesJob, rejected: Sequence[UnreadableFile]) -> dict[str, Any]:
    """The row of a series none of whose files can be read."""
    codes = Counter(file.code for file in rejected)
    why = "; ".join(f"{count} files: {code}" for code, count in sorted(codes.items()))
    return {
        "series": job.name,
        "part": 0,
        "case": "",
        "usable": False,
        "reasons": ["unreadable-files"],
        "why": why,
        "findings": [],
        "input": "",
        "score": 0.0,
    }


def _patient(header: SliceHeader) -> tuple[str, ...]:
    """What tells patients apart: the ID with its issuer, or the study where there is no ID."""
    import pydicom

    _, opener = next(iter(open_sources([header.source])))
    with opener() as stream, pydicom_guarded(str(header.source)):
        dataset = pydicom.filereader.read_partial(
            stream, stop_when=lambda tag, vr, length: tag > _ISSUER, specific_tags=[_PATIENT_ID, _ISSUER], force=True
        )
    identity = [str(dataset[tag].value or "").strip() if tag in dataset else "" for tag in (_PATIENT_ID, _ISSUER)]
    return tuple(identity) if identity[0] else ("study", header.study_uid)

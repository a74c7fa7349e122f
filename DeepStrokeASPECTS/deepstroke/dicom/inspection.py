"""Find every series in a folder, file, archive or medium, judge it, and choose the best non-contrast head CT."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from deepstroke.dicom.archive import is_archive, list_members
from deepstroke.dicom.dicomdir import read_dicomdir, resolve_records
from deepstroke.dicom.header import SliceHeader, is_media_directory, read_headers
from deepstroke.dicom.judging import judge
from deepstroke.dicom.records import Inspection, RejectedFile, SeriesRecord
from deepstroke.dicom.series import group_series
from deepstroke.dicom.source import FileSource, open_source, open_sources
from deepstroke.errors import DicomSeriesError, InputError
from deepstroke.findings import Finding
from deepstroke.progress import Progress, silent

#: Causes that tell of no lost slice: other files, and faults of a directory whose files were found all the same.
_NO_SLICES = {"not-dicom", "dicomdir-cycle", "dicomdir-offset", "dicomdir-cut", "not-a-dicomdir"}


def inspect(path: str | os.PathLike[str], progress: Progress = silent) -> Inspection:
    """Find and judge every series.

    Args:
        path: a folder, one DICOM file, a DICOMDIR (its whole medium is read), or a zip or tar archive.
        progress: told how far it is.

    Raises:
        InputError: there is no such file, or an archive is refused.
    """
    path = Path(path)
    sources = list(find_files(path))
    if len(sources) == 1 and path.is_file() and _is_dicomdir(path):
        sources = [source for source in find_files(path.parent) if _is_inside(source.path, path.parent)]
    return _inspect_sources(str(path), sources, progress)


def inspect_files(paths: Iterable[Path], progress: Progress = silent) -> Inspection:
    """Find and judge every series in a list of files.

    Raises:
        InputError: the list is empty, or a file is missing.
    """
    sources = [source for path in paths for source in find_files(path)]
    if not sources:
        raise InputError("no files were given; name the files of a DICOM series", code="missing-file")
    return _inspect_sources(f"{sources[0].path.parent} ({len(sources)} files)", sources, progress)


def _inspect_sources(name: str, sources: list[FileSource], progress: Progress) -> Inspection:
    headers: list[SliceHeader] = []
    rejected: list[RejectedFile] = []
    directories: list[Path] = []
    for number, (source, opener) in enumerate(open_sources(sources)):
        if number % 20 == 0:
            progress(0.9 * number / len(sources), f"reading headers, {number} of {len(sources)} files")
        try:
            with opener() as stream:
                if not is_media_directory(stream):
                    headers.extend(read_headers(stream, source))
                elif source.member is None:
                    directories.append(source.path)
        except DicomSeriesError as error:
            rejected.append(RejectedFile(str(source), error.code, str(error)))
    rejected.extend(loss for directory in directories for loss in _find_losses(directory, headers))
    records = [_mention_losses(judge(group), rejected) for group in group_series(headers)]
    records.sort(key=lambda r: (not r.usable, -r.score, r.number if r.number is not None else 10**6, r.uid, r.part))
    progress(1.0, f"{len(records)} series found")
    return Inspection(name, len(sources), tuple(records), tuple(rejected))


def _find_losses(path: Path, headers: Iterable[SliceHeader]) -> list[RejectedFile]:
    """What a DICOMDIR names and nobody found: a file that was moved on the medium but was read isn't lost."""
    try:
        directory = read_dicomdir(path)
    except DicomSeriesError as error:
        return [RejectedFile(str(path), error.code, str(error))]
    read = {header.sop_uid for header in headers}
    _, lost = resolve_records(directory)
    return [*directory.losses, *(loss for record, loss in lost if record.sop_uid not in read)]


def _mention_losses(record: SeriesRecord, rejected: Sequence[RejectedFile]) -> SeriesRecord:
    """Say of a series that files which could be its slices were lost: a missing end shows nowhere else."""
    named = sum(entry.series_uid == record.uid for entry in rejected)
    unnamed = sum(not entry.series_uid and entry.code not in _NO_SLICES for entry in rejected)
    findings = list(record.findings)
    if named:
        findings.append(
            Finding("missing-slices", f"{named} slices that the DICOMDIR names for this series are missing")
        )
    if unnamed:
        findings.append(Finding("unreadable-files", f"{unnamed} damaged files beside it may be slices of this series"))
    return replace(record, findings=tuple(findings))


def _is_dicomdir(path: Path) -> bool:
    with open_source(FileSource(path)) as stream:
        return is_media_directory(stream)


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a file lies on a medium, also after following links."""
    return path.resolve().is_relative_to(folder.resolve())


def find_files(path: Path) -> Iterator[FileSource]:
    """Every file under a folder, every member of an archive, or the one file itself, in a fixed order.

    Raises:
        InputError: there is no such file or folder, or an archive is refused.
    """
    if path.is_dir():
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                if file.is_file():
                    yield FileSource(file)
    elif not path.is_file():
        raise InputError(f"{path}: no such file or folder", code="missing-file")
    elif is_archive(path):
        for order, member in enumerate(list_members(path)):
            yield FileSource(path, member, order)
    else:
        yield FileSource(path)


def choose_series(inspection: Inspection, uid: str | None = None) -> SeriesRecord:
    """The best usable series, or the one that is named.

    Raises:
        DicomSeriesError: none is usable, or the named one isn't; the message holds every reason.
    """
    candidates = [record for record in inspection.series if uid is None or record.uid == uid]
    if not candidates:
        known = ", ".join(record.uid for record in inspection.series) or "none"
        what = "no DICOM series" if uid is None else f"no series {uid}"
        raise DicomSeriesError(
            f"{inspection.path}: {what} (found {known}){_rejections(inspection.rejected)}", code="no-series"
        )
    for record in candidates:
        if record.usable:
            return record
    reasons = "; ".join(f"{r.name}: {', '.join(reason.message for reason in r.reasons)}" for r in candidates)
    code = candidates[0].reasons[0].code if len(candidates) == 1 else "no-usable-series"
    raise DicomSeriesError(
        f"{inspection.path}: no usable non-contrast head CT; {reasons}{_rejections(inspection.rejected)}", code=code
    )


def _rejections(rejected: Sequence[RejectedFile]) -> str:
    """How many files were turned away, with one example, a damaged one rather than one that is no DICOM."""
    if not rejected:
        return ""
    example = min(rejected, key=lambda entry: entry.code == "not-dicom")
    return f"; {len(rejected)} files were turned away, such as {example.message}"

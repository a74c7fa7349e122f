"""Find every series in a folder, file, archive or medium, judge it, and choose the best non-contrast head CT."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from deepstroke.dicom.archive import is_archive, list_members
from deepstroke.dicom.continuity import coverage_mm, judge_continuity, thickness_mm
from deepstroke.dicom.exclusions import has_contrast, judge_tags
from deepstroke.dicom.header import SliceHeader, is_media_directory, read_headers
from deepstroke.dicom.ranking import rank
from deepstroke.dicom.records import Inspection, RejectedFile, SeriesRecord
from deepstroke.dicom.series import SliceGroup, group_series
from deepstroke.dicom.source import FileSource, open_sources
from deepstroke.dicom.wording import publishable, publishable_kernel
from deepstroke.errors import DicomSeriesError, InputError
from deepstroke.findings import Finding
from deepstroke.progress import Progress, silent


def inspect(path: str | os.PathLike[str], progress: Progress = silent) -> Inspection:
    """Find and judge every series.

    Args:
        path: a folder, one DICOM file, a DICOMDIR, or a zip or tar archive.
        progress: told how far it is.

    Raises:
        InputError: there is no such file, or an archive is refused.
    """
    path = Path(path)
    return _inspect_sources(str(path), list(find_files(path)), progress)


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
    for number, (source, opener) in enumerate(open_sources(sources)):
        if number % 20 == 0:
            progress(number / len(sources), f"reading headers, {number} of {len(sources)} files")
        try:
            with opener() as stream:
                if not is_media_directory(stream):
                    headers.extend(read_headers(stream, source))
        except DicomSeriesError as error:
            rejected.append(RejectedFile(str(source), error.code, str(error)))
    records = [describe_group(group) for group in group_series(headers)]
    records.sort(key=lambda r: (not r.usable, -r.score, r.number if r.number is not None else 10**6, r.uid, r.part))
    progress(1.0, f"{len(records)} series found")
    return Inspection(name, len(sources), tuple(records), tuple(rejected))


def find_files(path: Path) -> Iterator[FileSource]:
    """Every file under a folder, every member of an archive, or the one file itself, in a fixed order.

    Raises:
        InputError: there is no such file or folder.
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


def _rejections(rejected: Iterable[RejectedFile]) -> str:
    rejected = list(rejected)
    if not rejected:
        return ""
    return f"; {len(rejected)} files were turned away, such as {rejected[0].message}"


def describe_group(group: SliceGroup) -> SeriesRecord:
    """Judge one group of slices by its headers."""
    reasons = [*group.reasons, *judge_tags(group)]
    findings = [*group.findings, *_file_findings(group.headers)]
    if group.orientation == "axial" and not any(r.code in ("localizer", "not-ct", "no-pixels") for r in reasons):
        against, noted = judge_continuity(group)
        reasons, findings = [*reasons, *against], [*findings, *noted]
    merits = [] if reasons else rank(group)
    header = group.headers[0]
    stack = group.stack if group.has_geometry else None
    step = float(np.median(np.diff(stack.offsets_mm))) if stack and len(stack) > 1 else thickness_mm(group) or 0.0
    return SeriesRecord(
        uid=header.series_uid,
        part=group.part,
        number=header.series_number,
        description=publishable(header.description),
        modality=header.modality,
        slices=len(group.headers),
        rows=header.rows,
        columns=header.columns,
        spacing_mm=(stack.pixel_spacing_mm[1], stack.pixel_spacing_mm[0], round(step, 4)) if stack else None,
        thickness_mm=thickness_mm(group),
        tilt_deg=round(stack.tilt_deg, 3) if stack else None,
        kernel=publishable_kernel(header.kernel),
        coverage_mm=round(coverage_mm(group), 2) if stack else None,
        orientation=group.orientation,
        contrast=bool(has_contrast(group)),
        reasons=tuple(reasons),
        findings=tuple(findings),
        score=round(sum(merit.points for merit in merits), 2),
        merits=tuple(merit.text for merit in merits),
        headers=group.headers,
    )


def _file_findings(headers: tuple[SliceHeader, ...]) -> list[Finding]:
    """What is odd about single files, said once for the series with the number of files."""
    counts: dict[Finding, int] = {}
    for header in headers:
        for finding in header.findings:
            counts[finding] = counts.get(finding, 0) + 1
    return [Finding(f.code, f"{f.message} ({count} of {len(headers)} slices)") for f, count in counts.items()]

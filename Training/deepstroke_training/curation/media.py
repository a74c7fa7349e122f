"""Walk media: every file is put into a series, by its DICOMDIR where there is one, else by its own header.

Files of a DICOMDIR aren't opened here. What it names in vain is listed as lost, and what lies on the medium without
being named is looked at like the files of a plain folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from deepstroke.dicom.archive import is_archive
from deepstroke.dicom.dicomdir import DirectoryRecord, read_dicomdir, resolve_records
from deepstroke.dicom.header import is_media_directory
from deepstroke.dicom.inspection import find_files
from deepstroke.dicom.parsing import parse_header, pydicom_guarded
from deepstroke.dicom.source import FileSource, open_source, open_sources
from deepstroke.errors import DicomSeriesError, InputError
from deepstroke_training.curation.file_index import FileIndex, IndexedFile
from deepstroke_training.curation.identities import Salt

#: Files looked at by one task.
BATCH = 256
_DIRECTORY_STEMS = ("DICOMDIR", "DIRFILE")
_ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_SERIES_UID = 0x0020000E
_DEFLATED = b"1.2.840.10008.1.2.1.99"


@dataclass(frozen=True)
class UnknownFile:
    """A file whose series isn't known yet.

    Attributes:
        source: where its bytes lie.
        size, changed: of the file or the archive, bytes and ns.
    """

    source: FileSource
    size: int
    changed: int


def require_media(media: Sequence[Path], dataset: Path) -> None:
    """Raise unless all media are there and the data set lies on none of them.

    Raises:
        InputError: a medium is missing, or none is given.
    """
    if not media:
        raise InputError("no media were given; name folders, DICOMDIR files or archives", code="missing-file")
    for medium in media:
        if not medium.exists():
            raise InputError(f"{medium}: no such file or folder", code="missing-file")
        if medium.is_dir() and dataset.resolve().is_relative_to(medium.resolve()):
            raise InputError(
                f"{dataset} lies on the medium {medium}; write the data set elsewhere", code="output-place"
            )


def walk(media: Iterable[Path], index: FileIndex, salt: Salt) -> Iterator[list[UnknownFile]]:
    """Index what DICOMDIRs name and what is known from an earlier run; give the other files in batches.

    Args:
        media: folders, DICOMDIR files or archives.
        index: takes the files of DICOMDIRs and their losses.
        salt: of the names of series.

    Raises:
        InputError: an archive that was named itself is refused.
    """
    for medium in (path.resolve() for path in media):
        unknown = _walk_folder(medium, index, salt) if medium.is_dir() else _walk_file(medium, index, salt)
        while batch := list(islice(unknown, BATCH)):
            yield batch


def look_up(files: Sequence[UnknownFile], salt: Salt) -> list[IndexedFile]:
    """The series of each file by its header, or why it belongs to none."""
    found = []
    unknown = {file.source: file for file in files}
    for source, opener in open_sources([file.source for file in files]):
        file = unknown[source]
        series, code, message = "", "", ""
        try:
            with opener() as stream:
                series = salt.name("series", _series_uid(stream, str(source)))
        except DicomSeriesError as error:
            code, message = error.code, str(error)
        found.append(IndexedFile.of(source, file.size, file.changed, series, code, message))
    return found


def _series_uid(stream: BinaryIO, name: str) -> str:
    """The Series Instance UID of a DICOM file, its header read no further than there."""
    import pydicom

    start = stream.read(1024)
    stream.seek(0)
    if start[128:132] == b"DICM" and _DEFLATED not in start:
        with pydicom_guarded(name):
            header = pydicom.filereader.read_partial(
                stream, stop_when=lambda tag, vr, length: tag > _SERIES_UID, specific_tags=[_SERIES_UID]
            )
    else:
        header = parse_header(stream, name).dataset
    uid = str(header.get("SeriesInstanceUID") or "")
    if not uid:
        raise DicomSeriesError(f"{name}: no Series Instance UID; export the series again", code="no-series-uid")
    return uid


def _walk_folder(medium: Path, index: FileIndex, salt: Salt) -> Iterator[UnknownFile]:
    waiting = [medium]
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            entries = sorted(listing, key=lambda entry: (not _may_be_directory(entry.name), entry.name))
        files = [entry for entry in entries if entry.is_file()]
        waiting += [Path(entry.path) for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]
        yield from _take_folder(files, medium, index, salt)


def _take_folder(
    files: Sequence[os.DirEntry[str]], medium: Path, index: FileIndex, salt: Salt
) -> Iterator[UnknownFile]:
    """The files of one folder that have to be looked at; its DICOMDIR may name the others."""
    directories = [entry for entry in files if _may_be_directory(entry.name) and _is_directory(Path(entry.path))]
    for entry in directories:
        _index_directory(Path(entry.path), index, salt)
    if not files:
        return
    folder = Path(files[0].path).parent
    known = index.known_in(folder)
    kept = []
    for entry in files:
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(medium):
            message = f"{entry.path}: a link that leads out of the medium"
            index.add_losses([(entry.path, "outside-medium", message, "")])
        elif known.get(entry.name) == _stamp(entry):
            kept.append(entry.name)
        elif entry not in directories:
            yield from _take(Path(entry.path), index)
    index.keep(folder, kept)


def _walk_file(medium: Path, index: FileIndex, salt: Salt) -> Iterator[UnknownFile]:
    """An archive's members; the whole medium of a DICOMDIR; or the one file."""
    if _is_directory(medium):
        yield from _walk_folder(medium.parent, index, salt)
    elif is_archive(medium):
        stamp = _stamp(medium)
        if index.known_in(medium.parent).get(medium.name) == stamp:
            index.keep(medium.parent, [medium.name])
        else:
            yield from (UnknownFile(source, *stamp) for source in find_files(medium))
    else:
        yield from _take(medium, index)


def _take(path: Path, index: FileIndex) -> Iterator[UnknownFile]:
    """A file that has to be looked at; an archive stands for its members."""
    stamp = _stamp(path)
    if not path.name.lower().endswith(_ARCHIVE_SUFFIXES):
        yield UnknownFile(FileSource(path), *stamp)
        return
    try:
        yield from (UnknownFile(source, *stamp) for source in find_files(path))
    except InputError as error:
        index.add_losses([(str(path), error.code, str(error), "")])


def _index_directory(path: Path, index: FileIndex, salt: Salt) -> None:
    try:
        directory = read_dicomdir(path)
    except DicomSeriesError as error:
        index.add_losses([(str(path), error.code, str(error), "")])
        return
    found, lost = resolve_records(directory)
    names: dict[str, str] = {}

    def series_of(record: DirectoryRecord) -> str:
        if record.series_uid not in names:
            names[record.series_uid] = salt.name("series", record.series_uid)
        return names[record.series_uid]

    index.add_losses((loss.path, loss.code, loss.message, "") for loss in directory.losses)
    index.add_losses(
        (loss.path, loss.code, loss.message, series_of(record) if record.series_uid else "") for record, loss in lost
    )
    # A record without a series is no image; its file is looked at when the walk comes to it.
    index.add(
        IndexedFile.of(FileSource(file), *_stamp(file), series_of(record))
        for record, file in found
        if record.series_uid
    )


def _may_be_directory(name: str) -> bool:
    return name.upper().split(".")[0].split(";")[0] in _DIRECTORY_STEMS


def _is_directory(path: Path) -> bool:
    if not _may_be_directory(path.name):
        return False
    with open_source(FileSource(path)) as stream:
        return is_media_directory(stream)


def _stamp(file: Path | os.DirEntry[str]) -> tuple[int, int]:
    """Size in bytes and time of the last change in ns."""
    status = file.stat()
    return status.st_size, status.st_mtime_ns

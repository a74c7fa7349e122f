"""DICOMDIR: the list of files on a medium, read in one pass over its bytes.

Media are seldom as the standard wants them: offsets are missing, wrong or run in circles, names differ in case or
suffix, files are gone, and one bad name must not cost the rest. So all records are read in the order of their bytes;
offsets only say which series a record belongs to; and every record whose file can't be had is listed with its cause.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deepstroke.dicom.elements import ITEM, ITEM_END, SEQUENCE_END, UNDEFINED_LENGTH, element_at, skip_undefined
from deepstroke.dicom.parsing import pydicom_guarded
from deepstroke.dicom.records import RejectedFile
from deepstroke.errors import DicomSeriesError

#: A DICOMDIR of a million records holds about 500 MB.
MAX_BYTES = 2**30

_SUFFIX = re.compile(r"(\.(dcm|dicom|dic|ima|img)?)?(;\d+)?$")

_ROOT_OFFSET = 0x00041200
_RECORD_SEQUENCE = 0x00041220
_NEXT, _IN_USE, _LOWER, _KIND, _FILE_ID = 0x00041400, 0x00041410, 0x00041420, 0x00041430, 0x00041500
_SOP_CLASS, _SOP_UID, _SYNTAX, _OWN_SOP_UID = 0x00041510, 0x00041511, 0x00041512, 0x00080018
_MODALITY, _STUDY_UID, _SERIES_UID, _SERIES_NUMBER = 0x00080060, 0x0020000D, 0x0020000E, 0x00200011
_NOT_IN_USE = b"\0\0"
#: Signs that no component of a file's name holds, unless it is meant to lead elsewhere.
_NO_NAME = frozenset("/\\:\0")
_WANTED = frozenset(
    (
        *(_NEXT, _IN_USE, _LOWER, _KIND, _FILE_ID, _SOP_CLASS, _SOP_UID, _SYNTAX, _OWN_SOP_UID),
        *(_MODALITY, _STUDY_UID, _SERIES_UID, _SERIES_NUMBER),
    )
)


@dataclass(frozen=True, slots=True)
class DirectoryRecord:
    """One file that a DICOMDIR names.

    Attributes:
        kind: record type, such as ``"IMAGE"``.
        file_id: the file's path below the DICOMDIR's folder, as the record has it.
        sop_class, sop_uid, transfer_syntax: of the file; empty where the record doesn't say.
        study_uid, series_uid, series_number, modality: of the records above it; empty where there are none.
    """

    kind: str
    file_id: tuple[str, ...]
    sop_class: str
    sop_uid: str
    transfer_syntax: str
    study_uid: str
    series_uid: str
    series_number: str
    modality: str


@dataclass(frozen=True)
class MediaDirectory:
    """What a DICOMDIR names.

    Attributes:
        path: the DICOMDIR.
        records: every file that it names.
        losses: faults of the directory itself: offsets that lead nowhere or in circles, an end that is cut off.
    """

    path: Path
    records: tuple[DirectoryRecord, ...]
    losses: tuple[RejectedFile, ...]


class _Above(NamedTuple):
    """What the study and series records above a record say."""

    study_uid: str = ""
    series_uid: str = ""
    series_number: str = ""
    modality: str = ""


_NOTHING = _Above()


class _Node(NamedTuple):
    """One record of the directory, small enough for hundreds of thousands of them.

    ``own`` is what a study or series record says of itself, ``file`` what a record says of its file: the components
    of its name, SOP class, SOP instance and transfer syntax.
    """

    kind: str
    next: int
    lower: int
    own: _Above
    file: tuple[tuple[str, ...], str, str, str] | None


def read_dicomdir(path: Path) -> MediaDirectory:
    """Read every record of a DICOMDIR.

    Raises:
        DicomSeriesError: the file isn't a DICOMDIR, or is too large.
    """
    data, start, root, explicit = _open(path)
    losses: list[RejectedFile] = []
    nodes: dict[int, _Node] = {}
    try:
        for offset, fields in _walk_items(data, start, explicit):
            if fields.get(_IN_USE) != _NOT_IN_USE:
                nodes[offset] = _node(fields)
    except DicomSeriesError as error:
        losses.append(RejectedFile(str(path), "dicomdir-cut", f"{path}: records are cut off or damaged ({error})"))
    above = _above_by_order(nodes)
    reached, broken = _above_by_offsets(nodes, root)
    above.update(reached)
    losses.extend(RejectedFile(str(path), code, f"{path}: {message}") for code, message in broken)
    records = tuple(
        DirectoryRecord(node.kind, *node.file, *above[offset]) for offset, node in nodes.items() if node.file
    )
    return MediaDirectory(path, records, tuple(losses))


def _open(path: Path) -> tuple[bytes, int, int, bool]:
    """The bytes, the start of the first record, the root's offset, and whether value types are explicit."""
    from pydicom.filereader import read_partial
    from pydicom.uid import ImplicitVRLittleEndian

    if path.stat().st_size > MAX_BYTES:
        raise DicomSeriesError(f"{path}: larger than {MAX_BYTES / 1e6:.0f} MB; not a DICOMDIR", code="impossible-size")
    with path.open("rb") as stream, pydicom_guarded(str(path)):
        header = read_partial(
            stream, stop_when=lambda tag, vr, length: tag >= _RECORD_SEQUENCE, specific_tags=[_ROOT_OFFSET]
        )
        position = stream.tell()
        stream.seek(0)
        data = stream.read()
        root = int(header.get(_ROOT_OFFSET).value or 0) if _ROOT_OFFSET in header else 0
    explicit = header.file_meta.get("TransferSyntaxUID") != ImplicitVRLittleEndian
    tag, start, _ = element_at(data, position, explicit)
    if tag != _RECORD_SEQUENCE:
        raise DicomSeriesError(f"{path}: no directory records; not a DICOMDIR", code="not-a-dicomdir")
    return data, start, root, explicit


def _walk_items(data: bytes, start: int, explicit: bool) -> Iterator[tuple[int, dict[int, bytes]]]:
    """The offset and the wanted values of each record, in the order of their bytes."""
    position = start
    while position < len(data):
        tag, start, length = element_at(data, position, explicit)
        if tag == SEQUENCE_END:
            return
        if tag != ITEM:
            raise DicomSeriesError(f"no record at byte {position}", code="truncated-header")
        offset = position
        fields, position = _read_item(data, start, length, explicit)
        yield offset, fields


def _read_item(data: bytes, position: int, length: int, explicit: bool) -> tuple[dict[int, bytes], int]:
    end = len(data) if length == UNDEFINED_LENGTH else position + length
    if end > len(data):
        raise DicomSeriesError(f"the record at byte {position} ends beyond the file", code="truncated-header")
    fields: dict[int, bytes] = {}
    while position < end:
        tag, start, size = element_at(data, position, explicit)
        if tag == ITEM_END:
            return fields, start
        if size == UNDEFINED_LENGTH:
            position = skip_undefined(data, start, explicit)
            continue
        position = start + size
        if tag in _WANTED:
            fields[tag] = data[start:position]
    return fields, position


def _node(fields: dict[int, bytes]) -> _Node:
    kind = _text(fields, _KIND)
    own = _NOTHING
    if kind in ("STUDY", "SERIES"):
        own = _Above(*(_text(fields, tag) for tag in (_STUDY_UID, _SERIES_UID, _SERIES_NUMBER, _MODALITY)))
    file = None
    if _FILE_ID in fields:
        components = tuple(sys.intern(part.strip(" \0")) for part in _text(fields, _FILE_ID).split("\\"))
        uid = _text(fields, _SOP_UID) or _text(fields, _OWN_SOP_UID)
        file = components, _text(fields, _SOP_CLASS), uid, _text(fields, _SYNTAX)
    return _Node(kind, _whole(fields, _NEXT), _whole(fields, _LOWER), own, file)


def _text(fields: dict[int, bytes], tag: int) -> str:
    """A value as text; equal ones share their memory."""
    return sys.intern(fields[tag].decode("latin-1").strip(" \0")) if tag in fields else ""


def _whole(fields: dict[int, bytes], tag: int) -> int:
    return int.from_bytes(fields[tag][:4], "little") if tag in fields else 0


def _go_below(above: _Above, node: _Node) -> _Above:
    """What holds for the records below a node."""
    if node.kind == "PATIENT":
        return _NOTHING
    if node.kind == "STUDY":
        return node.own
    if node.kind == "SERIES":
        return node.own._replace(study_uid=above.study_uid)
    return above


def _above_by_order(nodes: dict[int, _Node]) -> dict[int, _Above]:
    """What stands above each record if records follow their parents in the file, as they nearly always do."""
    above: dict[int, _Above] = {}
    current = _NOTHING
    for offset, node in nodes.items():
        above[offset] = current = _go_below(current, node)
    return above


def _above_by_offsets(nodes: dict[int, _Node], root: int) -> tuple[dict[int, _Above], list[tuple[str, str]]]:
    """What stands above each record that the offsets reach from the root, and the offsets that are broken."""
    above: dict[int, _Above] = {}
    broken: list[tuple[str, str]] = []
    waiting = [(root, _NOTHING)] if root else []
    while waiting:
        offset, context = waiting.pop()
        while offset:
            if offset in above:
                broken.append(
                    ("dicomdir-cycle", f"the record at byte {offset} is reached twice; offsets run in circles")
                )
                break
            node = nodes.get(offset)
            if node is None:
                broken.append(("dicomdir-offset", f"an offset leads to byte {offset}, where no record in use starts"))
                break
            above[offset] = below = _go_below(context, node)
            if node.lower:
                waiting.append((node.lower, below))
            offset = node.next
    return above, broken


def resolve_records(
    directory: MediaDirectory,
) -> tuple[list[tuple[DirectoryRecord, Path]], list[tuple[DirectoryRecord, RejectedFile]]]:
    """The file of every record, and the records whose file can't be had, each with its cause.

    Names match whatever their case and suffix. A name that leads out of the medium, also by a link, loses its record.
    """
    folder = _Folder(directory.path.parent.resolve())
    found: list[tuple[DirectoryRecord, Path]] = []
    lost: list[tuple[DirectoryRecord, RejectedFile]] = []
    for record in directory.records:
        try:
            found.append((record, folder.find(record.file_id)))
        except DicomSeriesError as error:
            loss = RejectedFile("/".join(record.file_id), error.code, str(error), record.series_uid)
            lost.append((record, loss))
    return found, lost


class _Folder:
    """Folders of a medium, each listed once, with their entries by lower-case name with and without suffix."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[tuple[str, ...], Path] = {(): root}
        self._listings: dict[Path, dict[str, os.DirEntry[str]]] = {}

    def find(self, file_id: tuple[str, ...]) -> Path:
        """The file of a record.

        Raises:
            DicomSeriesError: the name leads out of the medium, or no such file is there.
        """
        shown = "/".join(file_id)
        if not file_id:
            raise _outside(shown)
        path, entry = self._enter(self._folder(file_id[:-1], shown), file_id[-1], shown)
        if not entry.is_file():
            raise DicomSeriesError(f"the DICOMDIR names {shown}, which is no file", code="dicomdir-missing-file")
        return path

    def _folder(self, components: tuple[str, ...], shown: str) -> Path:
        """A folder of the medium; found once for all the files in it."""
        if components not in self._folders:
            above = self._folder(components[:-1], shown)
            self._folders[components] = self._enter(above, components[-1], shown)[0]
        return self._folders[components]

    def _enter(self, folder: Path, component: str, shown: str) -> tuple[Path, os.DirEntry[str]]:
        """What lies in a folder under a name."""
        if component in ("", ".", "..") or not _NO_NAME.isdisjoint(component):
            raise _outside(shown)
        listing = self._list(folder)
        entry = listing.get(component.lower()) or listing.get(_bare(component))
        if entry is None:
            raise DicomSeriesError(f"the DICOMDIR names {shown}, which is missing", code="dicomdir-missing-file")
        path = folder / entry.name
        if entry.is_symlink() and not path.resolve().is_relative_to(self._root):
            message = f"the DICOMDIR names {shown}, a link that leads out of the medium"
            raise DicomSeriesError(message, code="dicomdir-outside")
        return path, entry

    def _list(self, folder: Path) -> dict[str, os.DirEntry[str]]:
        if folder not in self._listings:
            listing: dict[str, os.DirEntry[str]] = {}
            if folder.is_dir():
                with os.scandir(folder) as entries:
                    for entry in sorted(entries, key=lambda entry: entry.name, reverse=True):
                        listing.setdefault(_bare(entry.name), entry)
                        listing[entry.name.lower()] = entry
            self._listings[folder] = listing
        return self._listings[folder]


def _bare(name: str) -> str:
    """A name in lower case without a suffix of DICOM files and the version of ISO 9660 (``IM1.DCM;1``)."""
    return _SUFFIX.sub("", name.lower())


def _outside(shown: str) -> DicomSeriesError:
    return DicomSeriesError(f"the DICOMDIR names {shown!r}, which leads out of the medium", code="dicomdir-outside")

"""DICOMDIR files written byte by byte, so that they can be as wrong as real ones are."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom


@dataclass
class DirectoryEntry:
    """One record of a DICOMDIR: its own elements as (tag, VR, value), its file's name, and its level from 0."""

    kind: str
    level: int
    elements: list[tuple[int, bytes, bytes]]
    file_id: list[str]


def directory_of(slices: Sequence[pydicom.Dataset], file_ids: Sequence[list[str]]) -> list[DirectoryEntry]:
    """The records of one patient, study and series with its images."""
    first = slices[0]
    entries = [
        DirectoryEntry("PATIENT", 0, [(0x00100010, b"PN", b"Secret^Person"), (0x00100020, b"LO", b"SECRET-4711")], []),
        DirectoryEntry("STUDY", 1, [(0x0020000D, b"UI", first.StudyInstanceUID.encode())], []),
        DirectoryEntry(
            "SERIES",
            2,
            [
                (0x00080060, b"CS", first.Modality.encode()),
                (0x0020000E, b"UI", first.SeriesInstanceUID.encode()),
                (0x00200011, b"IS", str(first.SeriesNumber).encode()),
            ],
            [],
        ),
    ]
    for dataset, file_id in zip(slices, file_ids, strict=True):
        uids = [
            (0x00041510, dataset.SOPClassUID),
            (0x00041511, dataset.SOPInstanceUID),
            (0x00041512, "1.2.840.10008.1.2.1"),
        ]
        entries.append(DirectoryEntry("IMAGE", 3, [(tag, b"UI", uid.encode()) for tag, uid in uids], file_id))
    return entries


def write_dicomdir(
    path: Path,
    entries: Sequence[DirectoryEntry],
    *,
    offsets: bool = True,
    undefined_lengths: bool = False,
    written: Sequence[DirectoryEntry] | None = None,
) -> None:
    """Write a DICOMDIR.

    Args:
        path: the DICOMDIR.
        entries: the records in the order of their tree.
        offsets: whether records point to each other.
        undefined_lengths: whether the sequence and its items end with delimiters.
        written: the records in the order of their bytes, where that is another.
    """
    meta = b"".join(
        _element(tag, vr, value)
        for tag, vr, value in (
            (0x00020001, b"OB", b"\0\1"),
            (0x00020002, b"UI", b"1.2.840.10008.1.3.10"),
            (0x00020003, b"UI", b"1.2.3.4.5"),
            (0x00020010, b"UI", b"1.2.840.10008.1.2.1"),
        )
    )
    meta = _element(0x00020000, b"UL", struct.pack("<L", len(meta))) + meta
    root_length = len(_element(0x00041200, b"UL", bytes(4)))
    first = 132 + len(meta) + root_length + 12
    order = list(written if written is not None else entries)
    place = dict(
        zip(map(id, order), _places([_record(entry, 0, 0, undefined_lengths) for entry in order], first), strict=True)
    )
    body = b""
    for entry in order:
        following, lower = _links(entries, entry, place) if offsets else (0, 0)
        body += _record(entry, following, lower, undefined_lengths)
    length = 0xFFFFFFFF if undefined_lengths else len(body)
    end = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0) if undefined_lengths else b""
    root = _element(0x00041200, b"UL", struct.pack("<L", first if offsets and entries else 0))
    sequence = struct.pack("<HH2sHL", 0x0004, 0x1220, b"SQ", 0, length)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + meta + root + sequence + body + end)


def _places(records: Sequence[bytes], first: int) -> list[int]:
    ends = np.cumsum([len(record) for record in records])
    return [first, *(first + int(end) for end in ends[:-1])] if records else []


def _links(entries: Sequence[DirectoryEntry], entry: DirectoryEntry, place: dict[int, int]) -> tuple[int, int]:
    """Offsets of the next record on the same level and of the first one below."""
    here = next(n for n, other in enumerate(entries) if other is entry)
    following = lower = 0
    for other in entries[here + 1 :]:
        if other.level <= entry.level:
            following = place[id(other)] if other.level == entry.level else 0
            break
        lower = lower or place[id(other)]
    return following, lower


def _record(entry: DirectoryEntry, following: int, lower: int, undefined_length: bool) -> bytes:
    elements = [
        (0x00041400, b"UL", struct.pack("<L", following)),
        (0x00041410, b"US", b"\xff\xff"),
        (0x00041420, b"UL", struct.pack("<L", lower)),
        (0x00041430, b"CS", entry.kind.encode()),
    ]
    if entry.file_id:
        elements.append((0x00041500, b"CS", "\\".join(entry.file_id).encode()))
    body = b"".join(_element(*element) for element in elements + entry.elements)
    if undefined_length:
        return struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + body + struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(body)) + body


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One explicit little-endian element, padded to an even length."""
    if len(value) % 2:
        value += b"\0" if vr in (b"UI", b"OB") else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    return head + (struct.pack("<HL", 0, len(value)) if vr == b"OB" else struct.pack("<H", len(value))) + value

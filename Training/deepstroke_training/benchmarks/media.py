"""A DICOMDIR of any size, written byte by byte, with an empty file for every record that names one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_STUDIES, _SERIES, _IMAGES = 1, 25, 21
_CT_IMAGE, _EXPLICIT, _MEDIA_DIRECTORY = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.3.10"
_HEAD_BYTES = 12


class _Record(NamedTuple):
    """One record: its level (0 patient .. 3 image), kind, own elements, and the components of its file's name."""

    level: int
    kind: str
    elements: bytes
    file_id: tuple[str, ...] = ()


def make_dicomdir(medium: Path, least_records: int) -> int:
    """Write a medium with a DICOMDIR of at least so many records, linked by offsets as the standard wants them.

    Args:
        medium: folder to make.
        least_records: whole patients are added until there are so many.

    Returns:
        The number of records.
    """
    records = list(_records(least_records))
    for record in records:
        if record.file_id:
            path = medium.joinpath(*record.file_id)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    meta = _meta()
    first = 132 + len(meta) + 2 * len(_element(0x00041200, b"UL", bytes(4))) + 10 + _HEAD_BYTES
    offsets = _offsets(records, first)
    body = b"".join(
        _item(record, following, lower)
        for record, (following, lower) in zip(records, _links(records, offsets), strict=True)
    )
    last = max(offset for record, offset in zip(records, offsets, strict=True) if record.level == 0)
    root = _element(0x00041200, b"UL", struct.pack("<L", first)) + _element(0x00041202, b"UL", struct.pack("<L", last))
    root += _element(0x00041212, b"US", struct.pack("<H", 0))
    sequence = struct.pack("<HH2sHL", 0x0004, 0x1220, b"SQ", 0, len(body))
    (medium / "DICOMDIR").write_bytes(bytes(128) + b"DICM" + meta + root + sequence + body)
    return len(records)


def _records(least: int) -> Iterator[_Record]:
    count = patient = 0
    while count < least:
        patient += 1
        for record in _patient(patient):
            count += 1
            yield record


def _patient(patient: int) -> Iterator[_Record]:
    name = _element(0x00100010, b"PN", b"Made^Up") + _element(0x00100020, b"LO", f"MADE-{patient}".encode())
    yield _Record(0, "PATIENT", name)
    for study in range(_STUDIES):
        uid = f"2.25.{patient}.{study}"
        dates = _element(0x00080020, b"DA", b"20200101") + _element(0x00080030, b"TM", b"120000")
        yield _Record(1, "STUDY", dates + _uid(0x0020000D, uid) + _element(0x00200010, b"SH", b"1"))
        for series in range(_SERIES):
            own = _element(0x00080060, b"CS", b"CT") + _uid(0x0020000E, f"{uid}.{series}")
            yield _Record(2, "SERIES", own + _element(0x00200011, b"IS", str(series).encode()))
            for image in range(_IMAGES):
                file_id = ("DICOM", f"PA{patient:06d}", f"SE{study:02d}{series:04d}", f"IM{image:06d}")
                yield _Record(3, "IMAGE", _element(0x00200013, b"IS", str(image).encode()), file_id)


def _item(record: _Record, following: int, lower: int) -> bytes:
    body = _element(0x00041400, b"UL", struct.pack("<L", following)) + _element(0x00041410, b"US", b"\xff\xff")
    body += _element(0x00041420, b"UL", struct.pack("<L", lower)) + _element(0x00041430, b"CS", record.kind.encode())
    if record.file_id:
        body += _element(0x00041500, b"CS", "\\".join(record.file_id).encode()) + _uid(0x00041510, _CT_IMAGE)
        body += _uid(0x00041511, "2.25." + "".join(c for c in "".join(record.file_id) if c.isdigit()).lstrip("0"))
        body += _uid(0x00041512, _EXPLICIT)
    body += record.elements
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(body)) + body


def _offsets(records: list[_Record], first: int) -> list[int]:
    offsets = []
    for record in records:
        offsets.append(first)
        first += len(_item(record, 0, 0))
    return offsets


def _links(records: list[_Record], offsets: list[int]) -> list[tuple[int, int]]:
    """Offsets of the next record of the same level under the same parent, and of the first one below."""
    links = [(0, 0)] * len(records)
    following = [0, 0, 0, 0]
    lower = 0
    for number in range(len(records) - 1, -1, -1):
        level = records[number].level
        below = lower if number + 1 < len(records) and records[number + 1].level > level else 0
        links[number] = following[level], below
        following[level] = lower = offsets[number]
        following[level + 1 :] = [0] * (3 - level)
    return links


def _meta() -> bytes:
    meta = _element(0x00020001, b"OB", b"\0\1") + _uid(0x00020002, _MEDIA_DIRECTORY) + _uid(0x00020003, "2.25.1")
    meta += _uid(0x00020010, _EXPLICIT)
    return _element(0x00020000, b"UL", struct.pack("<L", len(meta))) + meta


def _uid(tag: int, uid: str) -> bytes:
    return _element(tag, b"UI", uid.encode())


def _element(tag: int, vr: bytes, value: bytes) -> bytes:
    """One explicit little-endian element, padded to an even length."""
    if len(value) % 2:
        value += b"\0" if vr in (b"UI", b"OB") else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    return head + (struct.pack("<HL", 0, len(value)) if vr == b"OB" else struct.pack("<H", len(value))) + value

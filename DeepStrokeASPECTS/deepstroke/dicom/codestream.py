"""What a compressed frame says of itself, checked before a codec sees it.

Codecs believe what a frame claims: they allocate gigabytes for a size that was flipped by one bit, and some take the
whole process down on a precision that CT never has or a frame that is cut. So the claims are compared with the header.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_JPEG_START = b"\xff\xd8"
_J2K_START = b"\xff\x4f\xff\x51"
_END = b"\xff\xd9"
#: Padding and rubbish that may follow the end marker.
_TRAILING_BYTES = 64
_HUFFMAN, _SCAN, _QUANTISATION, _RESTART, _COMMENT = 0xC4, 0xDA, 0xDB, 0xDD, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_JPEG_LS_PRESET = 0xF8
#: Start of frame: baseline, extended, lossless, and JPEG-LS; DICOM knows no other for grey images.
_BASELINE, _EXTENDED, _LOSSLESS, _JPEG_LS = 0xC0, 0xC1, 0xC3, 0xF7
_FRAME_STARTS = (_BASELINE, _EXTENDED, _LOSSLESS, _JPEG_LS)
_SILENT = {_QUANTISATION, _RESTART, _COMMENT, _JPEG_LS_PRESET, *_APPLICATION}


@dataclass(frozen=True)
class FrameClaim:
    """Rows, columns, samples per pixel and bits per sample by a frame's own header."""

    rows: int
    columns: int
    samples: int
    bits: int


def read_claim(frame: bytes) -> FrameClaim | None:
    """What a JPEG, JPEG-LS or JPEG 2000 frame claims to hold; None where its header is missing or unsound."""
    try:
        if frame.startswith(_J2K_START):
            return _j2k_claim(frame)
        return _jpeg_claim(frame) if frame.startswith(_JPEG_START) else None
    except (struct.error, IndexError):
        return None


def is_cut(frame: bytes) -> bool:
    """Whether the end marker of JPEG, JPEG-LS and JPEG 2000 is missing."""
    return _END not in frame[-_TRAILING_BYTES:]


def _j2k_claim(frame: bytes) -> FrameClaim:
    """The SIZ segment (ISO/IEC 15444-1, A.5.1)."""
    x_end, y_end, x_start, y_start = struct.unpack_from(">4L", frame, 8)
    samples, depth = struct.unpack_from(">HB", frame, 40)
    return FrameClaim(y_end - y_start, x_end - x_start, samples, (depth & 0x7F) + 1)


def _jpeg_claim(frame: bytes) -> FrameClaim | None:
    """The start of frame, if every segment up to the scan is one that grey images have and is sound (ITU-T T.81, B)."""
    claim, start, tables = None, 0, set()
    for kind, body in _segments(frame):
        if kind in _FRAME_STARTS and claim is None:
            start, claim = kind, _frame_start(body)
        elif kind == _HUFFMAN:
            tables |= _huffman_tables(body)
        elif kind == _SCAN:
            return claim if _scan_fits(body, start, tables) else None
        elif kind not in _SILENT:
            return None
    return None


def _segments(frame: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment after the start of the image."""
    position = len(_JPEG_START)
    while position + 4 <= len(frame):
        marker, kind, length = struct.unpack_from(">BBH", frame, position)
        if marker != 0xFF:
            return
        if kind == 0xFF:
            position += 1
            continue
        yield kind, frame[position + 4 : position + 2 + length]
        position += 2 + length


def _frame_start(body: bytes) -> FrameClaim | None:
    bits, rows, columns, samples = struct.unpack_from(">BHHB", body)
    whole = len(body) == 6 + 3 * samples and all(body[7 + 3 * n] == 0x11 for n in range(samples))
    return FrameClaim(rows, columns, samples, bits) if whole else None


def _huffman_tables(body: bytes) -> set[int]:
    """Class and number of the tables in a segment; an unsound one yields a number that no scan asks for."""
    tables = set()
    while body:
        counts = body[1:17]
        size = 17 + sum(counts)
        codes = 0
        for bits, count in enumerate(counts, start=1):
            codes += count << (16 - bits)
        sound = len(body) >= size and 0 < sum(counts) <= 256 and codes < 1 << 16
        tables.add(body[0] if sound else -1)
        body = body[size:]
    return tables


def _scan_fits(body: bytes, start: int, tables: set[int]) -> bool:
    """Whether a scan of one component asks only for tables that are there, and for a prediction that exists."""
    if len(body) != 6 or body[0] != 1 or -1 in tables:
        return False
    first, last, shift = body[3], body[4], body[5]
    if start == _JPEG_LS:
        return True
    if start == _LOSSLESS:
        return body[2] >> 4 in tables and 1 <= first <= 7 and last == 0 and shift < 16
    return {body[2] >> 4, 0x10 | body[2] & 0x0F} <= tables and (first, last, shift) == (0, 63, 0)

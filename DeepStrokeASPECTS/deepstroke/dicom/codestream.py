"""The image size that a compressed frame itself claims, read before a codec allocates memory for it."""

from __future__ import annotations

import struct

_JPEG_START = b"\xff\xd8"
_J2K_START = b"\xff\x4f\xff\x51"
#: Start-of-frame markers of JPEG (all but DHT, JPG and DAC) and of JPEG-LS.
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_MAX_SEGMENTS = 1000


def claimed_size(frame: bytes) -> tuple[int, int] | None:
    """Rows and columns in the header of a JPEG, JPEG-LS or JPEG 2000 frame; None where it has none (RLE)."""
    try:
        if (start := frame.find(_J2K_START, 0, 4096)) >= 0:
            x_end, y_end, x_start, y_start = struct.unpack_from(">4L", frame, start + 8)
            return y_end - y_start, x_end - x_start
        return _jpeg_size(frame) if frame.startswith(_JPEG_START) else None
    except struct.error:
        return None


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    position = 2
    for _ in range(_MAX_SEGMENTS):
        marker, kind, length = struct.unpack_from(">BBH", frame, position)
        if marker != 0xFF:
            return None
        if kind in _START_OF_FRAME:
            rows, columns = struct.unpack_from(">HH", frame, position + 5)
            return rows, columns
        position += 1 if kind == 0xFF else 2 + length
    return None

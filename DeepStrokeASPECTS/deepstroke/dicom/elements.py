"""Step through raw DICOM data elements in a byte string, without recursion and without decoding values."""

from __future__ import annotations

import struct

from deepstroke.errors import DicomSeriesError

UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
#: Sequences nested deeper than this are no sound DICOM.
MAX_DEPTH = 32

_LONG_VALUES = frozenset(b"OB OW OF OD OL OV UN SQ UT UC UR SV UV".split())
_EXPLICIT = struct.Struct("<HH2sH").unpack_from
_IMPLICIT = struct.Struct("<HHL").unpack_from
_LENGTH = struct.Struct("<L").unpack_from


def element_at(data: bytes, position: int, explicit: bool) -> tuple[int, int, int]:
    """The element that starts at a position, little endian.

    A plain tuple, for a medium's directory holds half a million elements.

    Returns:
        Its tag, where its value starts, and the value's length in bytes (maybe undefined).

    Raises:
        DicomSeriesError: the data ends inside the element's header.
    """
    try:
        if not explicit or data[position : position + 2] == b"\xfe\xff":
            group, element, length = _IMPLICIT(data, position)
            return group << 16 | element, position + 8, length
        group, element, vr, length = _EXPLICIT(data, position)
        if vr in _LONG_VALUES:
            return group << 16 | element, position + 12, _LENGTH(data, position + 8)[0]
        return group << 16 | element, position + 8, length
    except struct.error:
        raise DicomSeriesError(f"the data ends inside an element at byte {position}", code="truncated-header") from None


def skip_undefined(data: bytes, start: int, explicit: bool) -> int:
    """The position behind a value of undefined length (a sequence or an item) that starts at ``start``.

    Raises:
        DicomSeriesError: it never ends, or nests too deep.
    """
    depth, position = 1, start
    while depth:
        tag, position, length = element_at(data, position, explicit)
        if tag in (ITEM_END, SEQUENCE_END):
            depth -= 1
        elif length == UNDEFINED_LENGTH:
            depth += 1
        else:
            position += length
        if depth > MAX_DEPTH:
            raise DicomSeriesError(f"sequences nested deeper than {MAX_DEPTH} levels", code="nesting")
    return position

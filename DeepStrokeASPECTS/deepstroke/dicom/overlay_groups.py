"""The overlay groups 60xx of one DICOM file: their attributes and their bits, before anything is placed on an image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.header import MAX_FRAMES, MAX_SIDE
from deepstroke.dicom.parsing import parse_header, pydicom_guarded

if TYPE_CHECKING:
    import pydicom

#: The groups that DICOM gives to overlays (PS3.5 7.6), and those beside them that some writers use against it.
OVERLAY_GROUPS = tuple(range(0x6000, 0x6020, 2))
_BEYOND = tuple(range(0x6020, 0x6100, 2))
_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST_FRAME = 0x0010, 0x0011, 0x0015, 0x0050, 0x0051
_BITS_ALLOCATED, _BIT_POSITION, _DATA = 0x0100, 0x0102, 0x3000
_ATTRIBUTES = (_ROWS, _COLUMNS, _FRAMES, _ORIGIN, _FIRST_FRAME, _BITS_ALLOCATED, _BIT_POSITION, _DATA)
_TAGS = [group << 16 | element for group in OVERLAY_GROUPS for element in _ATTRIBUTES]
_TAGS += [group << 16 | element for group in _BEYOND for element in (_ROWS, _BIT_POSITION)]
_BIG_ENDIAN = "1.2.840.10008.1.2.2"


@dataclass(frozen=True, eq=False)
class OverlayGroup:
    """One overlay group of one file, as it stands there.

    Attributes:
        group: such as 0x6000.
        rows, columns: size of the overlay, which need not be the image's.
        frames: how many frames the overlay has; None where it is one plane for every frame of the image.
        first_frame: the image's frame, from 1, on which the overlay's first frame lies.
        origin: row and column of the image, from 1, on which the overlay's first pixel lies; may be below 1.
        bit: the bit of the image's pixels that holds the overlay; 0 where it has data of its own.
        data: the packed bits, the lowest bit of each byte first; None where they lie in the pixels.
    """

    group: int
    rows: int
    columns: int
    frames: int | None
    first_frame: int
    origin: tuple[int, int]
    bit: int
    data: bytes | None

    @property
    def name(self) -> str:
        """How messages call it, such as ``"6000"``."""
        return f"{self.group:04X}"

    @property
    def is_embedded(self) -> bool:
        """Whether its bits lie in the image's pixels."""
        return self.data is None

    @property
    def is_possible(self) -> bool:
        """Whether its size can be that of an overlay."""
        sides = 0 < self.rows <= MAX_SIDE and 0 < self.columns <= MAX_SIDE
        return sides and 0 < (self.frames or 1) <= MAX_FRAMES and 0 <= self.bit < 32

    def frame_of(self, image_frame: int) -> int | None:
        """The overlay's frame, from 0, on a frame of the image, from 1; None where it has none there."""
        if self.frames is None:
            return 0
        frame = image_frame - self.first_frame
        return frame if 0 <= frame < self.frames else None

    def unpacked(self, frame: int) -> tuple[NDArray[np.bool_], bool]:
        """One frame (rows, columns) of an overlay with data of its own, and whether all of its bits were there.

        Rows aren't padded and frames don't start on a byte (PS3.5 8.1.2), so odd widths need the bits' own count.
        Missing bits are False.
        """
        size = self.rows * self.columns
        start, stop = frame * size, (frame + 1) * size
        packed = np.frombuffer(self.data or b"", np.uint8)[start // 8 : -(-stop // 8)]
        bits = np.unpackbits(packed, bitorder="little")[start % 8 :][:size].astype(bool)
        whole = bits.size == size
        if not whole:
            bits = np.concatenate([bits, np.zeros(size - bits.size, bool)])
        return bits.reshape(self.rows, self.columns), whole


@dataclass(frozen=True, eq=False)
class OverlaysOfFile:
    """Every overlay group of one file.

    Attributes:
        groups: those between 6000 and 601E, in rising order.
        beyond: the groups above 601E that hold overlay attributes; DICOM has none there, so they aren't read.
    """

    groups: tuple[OverlayGroup, ...]
    beyond: tuple[int, ...]


def read_overlay_groups(stream: BinaryIO, name: str) -> OverlaysOfFile:
    """The overlay groups of one DICOM file; its pixels aren't decoded.

    Args:
        stream: the whole file, from its start.
        name: how messages call the file.

    Raises:
        DicomSeriesError: the file can't be parsed.
    """
    import pydicom

    parsed = parse_header(stream, name)
    parsed.stream.seek(0)
    with pydicom_guarded(name):
        dataset = pydicom.dcmread(parsed.stream, stop_before_pixels=True, force=True, specific_tags=_TAGS)
        swapped = parsed.transfer_syntax == _BIG_ENDIAN
        groups = tuple(_groups_in(dataset, swapped))
        beyond = tuple(group for group in _BEYOND if any(element.tag.group == group for element in dataset))
    return OverlaysOfFile(groups, beyond)


def _groups_in(dataset: pydicom.Dataset, is_big_endian: bool) -> Iterator[OverlayGroup]:
    for group in OVERLAY_GROUPS:
        if not any(group << 16 | element in dataset for element in (_ROWS, _DATA, _BIT_POSITION)):
            continue
        frames = _whole(dataset, group, _FRAMES, -1)
        yield OverlayGroup(
            group,
            rows=_whole(dataset, group, _ROWS, 0),
            columns=_whole(dataset, group, _COLUMNS, 0),
            frames=None if frames == -1 else frames,
            first_frame=_whole(dataset, group, _FIRST_FRAME, 1),
            origin=_origin(dataset, group),
            bit=_whole(dataset, group, _BIT_POSITION, 0),
            data=_packed_bits(dataset, group, is_big_endian),
        )


def _packed_bits(dataset: pydicom.Dataset, group: int, is_big_endian: bool) -> bytes | None:
    """The overlay's own data with its bytes in rising order; None where its bits lie in the pixels.

    A big-endian file stores OW as 16-bit words with the high byte first, and pydicom leaves them so.
    """
    tag = group << 16 | _DATA
    if tag not in dataset:
        embedded = _whole(dataset, group, _BIT_POSITION, 0) > 0 or _whole(dataset, group, _BITS_ALLOCATED, 1) > 1
        return None if embedded else b""
    data = bytes(dataset[tag].value or b"")
    if is_big_endian and dataset[tag].VR == "OW":
        return np.frombuffer(data + b"\0" * (len(data) % 2), "<u2").byteswap().tobytes()
    return data


def _whole(dataset: pydicom.Dataset, group: int, element: int, default: int) -> int:
    """A whole number; the default where it is absent, and 0, which no overlay can be, where it is no such number."""
    value = _value(dataset, group, element)
    if value is None:
        return default
    return int(value) if isinstance(value, (int, str)) and str(value).strip().lstrip("-").isdigit() else 0


def _origin(dataset: pydicom.Dataset, group: int) -> tuple[int, int]:
    value = _value(dataset, group, _ORIGIN)
    if value is None or not hasattr(value, "__len__") or len(value) != 2:
        return 1, 1
    return int(value[0]), int(value[1])


def _value(dataset: pydicom.Dataset, group: int, element: int) -> Any:
    tag = group << 16 | element
    value = dataset[tag].value if tag in dataset else None
    return None if value is None or value == "" else value

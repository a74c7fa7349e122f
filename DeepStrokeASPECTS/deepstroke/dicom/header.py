"""What one slice's header says: the facts that sorting, judging and geometry need, and no patient data."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from deepstroke.dicom.parsing import ParsedHeader, PixelElement, parse_header, pydicom_guarded
from deepstroke.dicom.source import FileSource
from deepstroke.errors import DicomSeriesError
from deepstroke.findings import Finding

if TYPE_CHECKING:
    import pydicom

Vector = tuple[float, float, float]

#: No CT has more rows or columns; a header that claims more is damaged or hostile.
MAX_SIDE = 4096
MAX_FRAMES = 10_000
MAX_INTEGER = 2**32
MAX_PIXEL_BYTES = 4 * 2**30

_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """One slice: a single-frame file, or one frame of a multi-frame file.

    Attributes:
        source: the file it lies in.
        frame: number of the frame in its file, from 1; None in a single-frame file.
        position: LPS+ mm of the centre of the first pixel.
        row_direction: unit vector in LPS+ of a rising column index.
        column_direction: unit vector in LPS+ of a rising row index.
        pixel_spacing: mm between rows, and between columns.
        thickness: mm.
        description: Series Description as it stands; clean it before it leaves the program.
        padding: stored values from .. to that mean "no measurement".
        damage: why the pixels can't be read, where they can't.
        findings: what is odd about the file and was dealt with.

    The other attributes are DICOM's of the same name; None or an empty text where the header holds none.
    """

    source: FileSource
    frame: int | None
    sop_uid: str
    sop_class: str
    study_uid: str
    series_uid: str
    frame_of_reference: str
    transfer_syntax: str
    modality: str
    image_type: tuple[str, ...]
    series_number: int | None
    instance_number: int | None
    acquisition_number: int | None
    acquisition_time: str
    images_in_acquisition: int | None
    temporal_position: int | None
    description: str
    body_part: str
    contrast_agent: str
    kernel: str
    kvp: float | None
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    position: Vector | None
    row_direction: Vector | None
    column_direction: Vector | None
    pixel_spacing: tuple[float, float] | None
    thickness: float | None
    slope: float | None
    intercept: float | None
    rescale_type: str
    padding: tuple[int, int] | None
    has_pixels: bool
    damage: Finding | None
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """How messages call the slice: its file, and its frame where there are several."""
        return f"{self.source} frame {self.frame}" if self.frame else str(self.source)

    def same_place(self, other: SliceHeader, tolerance_mm: float = 0.01) -> bool:
        """Whether both slices start at one point in the patient."""
        if self.position is None or other.position is None:
            return False
        return math.dist(self.position, other.position) <= tolerance_mm


def read_headers(stream: BinaryIO, source: FileSource) -> tuple[SliceHeader, ...]:
    """The header of every slice in one DICOM file.

    Raises:
        DicomSeriesError: the file isn't readable DICOM, belongs to no series, or claims impossible sizes.
    """
    name = str(source)
    parsed = parse_header(stream, name)
    with pydicom_guarded(name):
        frames = _frames(parsed.dataset)
        first = _slice_header(parsed, source, frames[0], 1 if len(frames) > 1 else None)
        if not first.series_uid:
            raise DicomSeriesError(f"{name}: no Series Instance UID; export the series again", code="no-series-uid")
        damage, findings = _check_pixels(first, parsed, len(frames))
        others = [_slice_header(parsed, source, frame, number) for number, frame in enumerate(frames[1:], start=2)]
    return tuple(replace(header, damage=damage, findings=header.findings + findings) for header in (first, *others))


def is_media_directory(stream: BinaryIO) -> bool:
    """Whether a file is a DICOMDIR, by its content."""
    start = stream.read(1024)
    stream.seek(0)
    return start[128:132] == b"DICM" and b"1.2.840.10008.1.3.10" in start


class _Attributes:
    """Attributes of one frame: its own functional groups first, then the shared ones, then the file's."""

    def __init__(self, datasets: Sequence[pydicom.Dataset]) -> None:
        self._datasets = datasets

    def value(self, keyword: str) -> Any:
        for dataset in self._datasets:
            value = dataset.get(keyword)
            if value is not None and value != "":
                return value
        return None

    def text(self, keyword: str) -> str:
        value = self.value(keyword)
        if value is None:
            return ""
        if isinstance(value, (list, tuple)) or hasattr(value, "append"):
            return str(value[0]).strip() if len(value) else ""
        return str(value).strip()

    def texts(self, keyword: str) -> tuple[str, ...]:
        value = self.value(keyword)
        values = [] if value is None else [value] if isinstance(value, str) else list(value)
        return tuple(str(part).strip().upper() for part in values)

    def floats(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """Exactly ``count`` finite numbers, or None."""
        try:
            value = self.value(keyword)
            numbers = tuple(float(part) for part in (value if hasattr(value, "__len__") else [value]))
        except (TypeError, ValueError, OverflowError):
            return None
        return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None

    def number(self, keyword: str) -> float | None:
        numbers = self.floats(keyword, 1)
        return numbers[0] if numbers else None

    def whole(self, keyword: str) -> int | None:
        """A whole number in the range of DICOM's integers, or None."""
        number = self.number(keyword)
        return None if number is None or abs(number) > MAX_INTEGER else int(number)


def _frames(dataset: pydicom.Dataset) -> list[_Attributes]:
    """The attributes of each frame, at least one."""
    count = _Attributes([dataset]).whole("NumberOfFrames") or 1
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if count > MAX_FRAMES:
        raise DicomSeriesError(f"claims {count} frames, the limit is {MAX_FRAMES}", code="impossible-size")
    shared = [macro for group in dataset.get("SharedFunctionalGroupsSequence") or [] for macro in _macros(group)]
    if not per_frame:
        return [_Attributes([*shared, dataset])] * count
    return [_Attributes([*_macros(group), *shared, dataset]) for group in per_frame]


def _macros(group: pydicom.Dataset) -> list[pydicom.Dataset]:
    """The single item of each functional group macro."""
    return [element.value[0] for element in group if element.VR == "SQ" and element.value]


def _slice_header(parsed: ParsedHeader, source: FileSource, frame: _Attributes, number: int | None) -> SliceHeader:
    orientation = frame.floats("ImageOrientationPatient", 6)
    bits_stored, high_bit = frame.whole("BitsStored") or 0, frame.whole("HighBit")
    return SliceHeader(
        source=source,
        frame=number,
        sop_uid=frame.text("SOPInstanceUID"),
        sop_class=frame.text("SOPClassUID"),
        study_uid=frame.text("StudyInstanceUID"),
        series_uid=frame.text("SeriesInstanceUID"),
        frame_of_reference=frame.text("FrameOfReferenceUID"),
        transfer_syntax=parsed.transfer_syntax,
        modality=frame.text("Modality").upper(),
        image_type=frame.texts("FrameType") or frame.texts("ImageType"),
        series_number=frame.whole("SeriesNumber"),
        instance_number=number or frame.whole("InstanceNumber"),
        acquisition_number=frame.whole("AcquisitionNumber"),
        acquisition_time=frame.text("AcquisitionTime"),
        images_in_acquisition=frame.whole("ImagesInAcquisition"),
        temporal_position=frame.whole("TemporalPositionIdentifier"),
        description=frame.text("SeriesDescription"),
        body_part=frame.text("BodyPartExamined").upper(),
        contrast_agent=_contrast_agent(frame),
        kernel=" ".join(frame.texts("ConvolutionKernel")),
        kvp=frame.number("KVP"),
        rows=frame.whole("Rows") or 0,
        columns=frame.whole("Columns") or 0,
        samples=frame.whole("SamplesPerPixel") or 1,
        bits_allocated=frame.whole("BitsAllocated") or 0,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1 if high_bit is None else high_bit,
        is_signed=frame.whole("PixelRepresentation") == 1,
        position=_vector(frame.floats("ImagePositionPatient", 3)),
        row_direction=_vector(orientation[:3]) if orientation else None,
        column_direction=_vector(orientation[3:]) if orientation else None,
        pixel_spacing=_pair(frame.floats("PixelSpacing", 2)),
        thickness=frame.number("SliceThickness"),
        slope=frame.number("RescaleSlope"),
        intercept=frame.number("RescaleIntercept"),
        rescale_type=frame.text("RescaleType").upper(),
        padding=_padding(frame),
        has_pixels=parsed.pixels is not None,
        damage=None,
        findings=_uid_findings(frame) + parsed.findings,
    )


def _vector(numbers: tuple[float, ...] | None) -> Vector | None:
    return (numbers[0], numbers[1], numbers[2]) if numbers else None


def _pair(numbers: tuple[float, ...] | None) -> tuple[float, float] | None:
    return (numbers[0], numbers[1]) if numbers else None


def _contrast_agent(frame: _Attributes) -> str:
    agent = frame.text("ContrastBolusAgent")
    sequence = frame.value("ContrastBolusAgentSequence")
    return agent or ("coded agent" if sequence else "")


def _padding(frame: _Attributes) -> tuple[int, int] | None:
    value = frame.whole("PixelPaddingValue")
    if value is None:
        return None
    limit = frame.whole("PixelPaddingRangeLimit")
    ends = sorted((value, value if limit is None else limit))
    return ends[0], ends[1]


def _uid_findings(frame: _Attributes) -> tuple[Finding, ...]:
    keywords = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    wrong = [keyword for keyword in keywords if not _UID.fullmatch(frame.text(keyword) or "0")]
    if not wrong:
        return ()
    return (Finding("invalid-uid", f"{', '.join(wrong)} holds characters that no DICOM UID may hold"),)


def _check_pixels(first: SliceHeader, parsed: ParsedHeader, frames: int) -> tuple[Finding | None, tuple[Finding, ...]]:
    """Damage and oddities of the pixel data by its size, the header and the file, before anything is decoded."""
    if parsed.pixels is None:
        return None, ()
    damage = _impossible_size(first, frames)
    if damage is not None:
        return damage, ()
    if parsed.pixels.is_encapsulated:
        whole = _fragments_are_whole(parsed.stream, parsed.pixels)
        return (None if whole else Finding("truncated-pixels", "the file ends inside its compressed pixels")), ()
    expected = first.rows * first.columns * first.samples * (first.bits_allocated // 8) * frames
    damage = _short_pixels(parsed.pixels, expected)
    extra = parsed.pixels.length - expected
    if damage is not None or extra <= expected % 2:
        return damage, ()
    return None, (Finding("extra-pixel-bytes", f"{extra} bytes more than the image needs were left out"),)


def _impossible_size(header: SliceHeader, frames: int) -> Finding | None:
    rows, columns, bits = header.rows, header.columns, header.bits_allocated
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE):
        return Finding("impossible-size", f"{rows} rows and {columns} columns; CT has 1 to {MAX_SIDE}")
    if bits not in (8, 16, 32) or not 0 < header.bits_stored <= bits:
        return Finding("impossible-size", f"{header.bits_stored} bits stored in {bits}; CT has up to 16 or 32")
    if header.high_bit != header.bits_stored - 1:
        return Finding("high-bit", f"{header.bits_stored} bits end at bit {header.high_bit}; they must start at bit 0")
    if rows * columns * frames * bits // 8 > MAX_PIXEL_BYTES:
        return Finding("impossible-size", f"{frames} frames would need more than {MAX_PIXEL_BYTES / 1e9:.0f} GB")
    return None


def _short_pixels(pixels: PixelElement, expected: int) -> Finding | None:
    if pixels.available < min(pixels.length, expected):
        return Finding(
            "truncated-pixels",
            f"the file ends inside its pixels: {pixels.available} bytes are there, {pixels.length} are claimed",
        )
    if pixels.length < expected:
        return Finding("truncated-pixels", f"{pixels.length} bytes of pixels, the image needs {expected}")
    if pixels.length > pixels.available:
        return Finding(
            "truncated-pixels",
            f"the pixels claim {pixels.length} bytes, the file has {pixels.available} left; its length can't be right",
        )
    return None


def _fragments_are_whole(stream: BinaryIO, pixels: PixelElement) -> bool:
    """Whether the compressed fragments end with their delimiter before the file does."""
    here, end = pixels.offset, pixels.offset + pixels.available
    while here + 8 <= end:
        stream.seek(here)
        group, element, length = struct.unpack("<HHL", stream.read(8))
        if (group, element) != (0xFFFE, 0xE000):
            return (group, element) == (0xFFFE, 0xE0DD)
        here += 8 + length
    return False

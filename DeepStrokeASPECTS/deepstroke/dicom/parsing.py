"""Parse the header of one DICOM file, with guards against damaged and hostile ones.

Only listed attributes are kept, so a patient's name, number or dates never reach a record, a message or a log.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from deepstroke.errors import DicomSeriesError
from deepstroke.findings import Finding

if TYPE_CHECKING:
    import pydicom

#: The attributes that judging and geometry need; nothing else is read into memory, apart from sequences.
HEADER_KEYWORDS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "ImageType",
    "SeriesNumber",
    "SeriesDescription",
    "AcquisitionNumber",
    "AcquisitionTime",
    "InstanceNumber",
    "ImagesInAcquisition",
    "TemporalPositionIdentifier",
    "BodyPartExamined",
    "ContrastBolusAgent",
    "ContrastBolusAgentSequence",
    "ConvolutionKernel",
    "SliceThickness",
    "KVP",
    "PatientPosition",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)

#: A deflated file may inflate to the first number of bytes, or to so many times its size; CT inflates 2 to 4 times.
INFLATED_FLOOR_BYTES = 64 * 2**20
MAX_INFLATED_RATIO = 100
UNDEFINED_LENGTH = 0xFFFFFFFF

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_EXPLICIT_PADDED = b"1.2.840.10008.1.2.1\0\0\0"
_PIXEL_GROUP = 0x7FE0
_SHORT_VALUES = tuple(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VALUES = tuple(b"OB OW OF OD OL OV UN SQ UT UC UR SV UV".split())
_PYDICOM_FAULTS = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    struct.error,
)


@dataclass(frozen=True)
class PixelElement:
    """Where the pixel data of a file lies.

    Attributes:
        offset: of the first byte of the value in the stream that was parsed.
        length: as the file states it, in bytes; ``UNDEFINED_LENGTH`` for compressed frames.
        available: bytes from the offset to the end of the stream.
    """

    offset: int
    length: int
    available: int

    @property
    def is_encapsulated(self) -> bool:
        """Whether the value is a list of compressed fragments."""
        return self.length == UNDEFINED_LENGTH


@dataclass(frozen=True, eq=False)
class ParsedHeader:
    """One file's header.

    Attributes:
        dataset: the listed attributes only.
        stream: the bytes it came from, inflated where the file is deflated.
        pixels: where the pixel data lies; None where the file holds none.
        findings: what had to be guessed.
    """

    dataset: pydicom.FileDataset
    stream: BinaryIO
    pixels: PixelElement | None
    findings: tuple[Finding, ...]

    @property
    def transfer_syntax(self) -> str:
        """The Transfer Syntax UID, as stated or as inferred."""
        return str(self.dataset.file_meta.TransferSyntaxUID)


def parse_header(stream: BinaryIO, name: str) -> ParsedHeader:
    """Parse a file's header up to its pixel data.

    Args:
        stream: the whole file, from its start.
        name: how messages call the file.

    Raises:
        DicomSeriesError: the file is empty, not DICOM, cut short, nested too deep, or inflates to too much.
    """
    size = _size_of(stream)
    has_preamble = _check_start(stream, size, name)
    findings = [] if has_preamble else [Finding("no-preamble", "the file lacks its preamble; it was read all the same")]
    with pydicom_guarded(name):
        stream = _inflated(stream, name)
        dataset = _read(stream, stop_before_pixels=True, keywords=HEADER_KEYWORDS)
    if not dataset:
        raise DicomSeriesError(f"{name}: not a DICOM file", code="not-dicom")
    end = _size_of(stream)
    pixels = _find_pixels(stream, dataset, end)
    if pixels is None and stream.tell() > end:
        raise DicomSeriesError(
            f"{name}: truncated, or a value claims more bytes than the file's {size} hold; copy the file again",
            code="truncated-header",
        )
    if "TransferSyntaxUID" not in dataset.file_meta:
        findings.append(_infer_syntax(dataset, pixels, name))
    return ParsedHeader(dataset, stream, pixels, tuple(findings))


def parse_pixels(header: ParsedHeader, name: str) -> pydicom.FileDataset:
    """The attributes of a parsed file together with its pixel data, ready to decode."""
    header.stream.seek(0)
    with pydicom_guarded(name):
        dataset = _read(header.stream, stop_before_pixels=False, keywords=(*HEADER_KEYWORDS, "PixelData"))
    dataset.file_meta.TransferSyntaxUID = header.dataset.file_meta.TransferSyntaxUID
    return dataset


@contextmanager
def pydicom_guarded(name: str) -> Iterator[None]:
    """Run pydicom without its warnings, which quote values, and turn its faults into one error that names the file."""
    from pydicom.errors import BytesLengthException, InvalidDicomError

    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except DicomSeriesError:
        raise
    except RecursionError:
        raise DicomSeriesError(f"{name}: sequences nested too deep for a sound DICOM file", code="nesting") from None
    except (*_PYDICOM_FAULTS, BytesLengthException, InvalidDicomError) as error:
        fault = type(error).__name__
        raise DicomSeriesError(f"{name}: damaged DICOM ({fault}); copy the file again", code="damaged") from None
    finally:
        logger.setLevel(level)


def _check_start(stream: BinaryIO, size: int, name: str) -> bool:
    """Whether the file starts with a preamble; without one its first element must look like DICOM."""
    start = stream.read(140)
    stream.seek(0)
    if size == 0:
        raise DicomSeriesError(f"{name}: the file is empty; copy it again", code="empty-file")
    if start[128:132] == b"DICM":
        return True
    if _looks_like_element(start, size):
        return False
    if size < 132:
        raise DicomSeriesError(f"{name}: cut before the DICOM header; copy it again", code="truncated-header")
    raise DicomSeriesError(f"{name}: not a DICOM file", code="not-dicom")


def _looks_like_element(start: bytes, size: int) -> bool:
    """Whether bytes start with a data element of group 0002 or 0008 in any of the three encodings."""
    if len(start) < 8 or start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return False
    if start[4:6] in _SHORT_VALUES + _LONG_VALUES:
        return True
    element, length = struct.unpack("<HL", start[2:8])
    return bool(element < 0x2000 and length < min(size, 1024))


def _read(stream: BinaryIO, *, stop_before_pixels: bool, keywords: tuple[str, ...]) -> pydicom.FileDataset:
    import pydicom

    return pydicom.dcmread(stream, stop_before_pixels=stop_before_pixels, force=True, specific_tags=list(keywords))


def _inflated(stream: BinaryIO, name: str) -> BinaryIO:
    """The stream itself, or for a deflated file its inflated bytes as Explicit VR Little Endian.

    pydicom inflates without a limit, so a few kilobytes could fill the memory; here the output is capped.
    """
    from pydicom.filereader import read_dataset

    start = stream.read(4096)
    stream.seek(0)
    if _DEFLATED not in start or start[128:132] != b"DICM":
        return stream
    stream.seek(132)
    read_dataset(stream, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2, specific_tags=[0x00020010])
    end_of_meta = stream.tell()
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    stream.seek(end_of_meta)
    try:
        deflated = stream.read()
        limit = max(INFLATED_FLOOR_BYTES, MAX_INFLATED_RATIO * len(deflated))
        body = inflater.decompress(deflated, limit)
    except zlib.error:
        raise DicomSeriesError(f"{name}: its deflated content is damaged; copy it again", code="damaged") from None
    if inflater.unconsumed_tail:
        message = f"{name}: it would inflate to more than {limit / 1e6:.0f} MB; refused"
        raise DicomSeriesError(message, code="deflated-bomb")
    stream.seek(0)
    meta = stream.read(end_of_meta).replace(_DEFLATED, _EXPLICIT_PADDED)
    return io.BytesIO(meta + body)


def _find_pixels(stream: BinaryIO, dataset: pydicom.FileDataset, end: int) -> PixelElement | None:
    """The pixel data element at which parsing stopped, with the stream left where it was."""
    here = stream.tell()
    start = stream.read(12)
    stream.seek(here)
    if len(start) < 8:
        return None
    implicit, little = dataset.original_encoding
    order = "<" if little else ">"
    group, _ = struct.unpack(f"{order}HH", start[:4])
    if group != _PIXEL_GROUP:
        return None
    long_form = not implicit and start[4:6] in _LONG_VALUES
    if long_form and len(start) < 12:
        return None
    (length,) = struct.unpack(f"{order}L", start[8:12] if long_form else start[4:8])
    offset = here + (12 if long_form else 8)
    return PixelElement(offset, length, end - offset)


def _infer_syntax(dataset: pydicom.FileDataset, pixels: PixelElement | None, name: str) -> Finding:
    """Set the transfer syntax that the bytes show; compressed pixels don't show theirs."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if pixels is not None and pixels.is_encapsulated:
        raise DicomSeriesError(
            f"{name}: the pixels are compressed and the file doesn't say how (no Transfer Syntax UID); "
            "export the series again",
            code="no-transfer-syntax",
        )
    implicit, little = dataset.original_encoding
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = syntax
    return Finding("inferred-transfer-syntax", f"no Transfer Syntax UID; the bytes read as {syntax.name}")


def _size_of(stream: BinaryIO) -> int:
    here = stream.tell()
    size = stream.seek(0, io.SEEK_END)
    stream.seek(here)
    return size

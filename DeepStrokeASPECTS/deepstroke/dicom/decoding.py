"""Decode the stored values of slices; a damaged compressed frame costs an error and not the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from deepstroke.dicom.codestream import is_cut, read_claim
from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.parsing import parse_header, parse_pixels, pydicom_guarded
from deepstroke.dicom.source import Opener, open_sources
from deepstroke.errors import DicomSeriesError

if TYPE_CHECKING:
    import pydicom

_JPEG = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70))
_JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_HTJ2K = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (201, 202, 203))
_WITH_CODESTREAM = frozenset(_JPEG + _JPEG_LS + _JPEG_2000 + _HTJ2K)

#: What to install where no decoder is there; native syntaxes and RLE need nothing beside pydicom and numpy.
_PACKAGES = {
    **dict.fromkeys(_JPEG + _JPEG_2000, "python-gdcm"),
    **dict.fromkeys(_JPEG_LS, "pyjpegls"),
    **dict.fromkeys(_HTJ2K, "pylibjpeg pylibjpeg-openjpeg"),
}
#: Decoders that a damaged frame can make end the process (gdcm) or run for seconds (pyjpegls): used only where no
#: other is there. Found by decoding frames with random bytes changed.
_FRAGILE = {**dict.fromkeys(_JPEG_2000, "gdcm"), **dict.fromkeys(_JPEG_LS, "pyjpegls")}


def require_codec(transfer_syntax: str) -> None:
    """Check that a transfer syntax can be decoded here.

    Raises:
        DicomSeriesError: no codec; the message names the syntax and the package to install.
    """
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    syntax = UID(transfer_syntax)
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise DicomSeriesError(
            f"the transfer syntax {syntax.name} can't be decoded; convert the series to Explicit VR Little Endian",
            code="unknown-syntax",
        ) from None
    if not available:
        package = _PACKAGES.get(transfer_syntax, "python-gdcm")
        raise DicomSeriesError(
            f"no codec for the transfer syntax {syntax.name}: pip install {package}", code="codec-missing"
        )


def decode(headers: Sequence[SliceHeader], *, whole_cells: bool = False) -> Iterator[tuple[int, NDArray]]:
    """Each slice's index in ``headers`` and its stored values (rows, columns).

    Every file is opened once, in its archive's order, so the indices don't come in theirs.

    Args:
        headers: of the slices.
        whole_cells: keep the bits beside those of the stored value too, in which overlays may lie.

    Raises:
        DicomSeriesError: a file can't be read or decoded, or there is no codec for it.
    """
    numbered = sorted(enumerate(headers), key=lambda pair: pair[1].source.sort_key)
    wanted = {source: list(group) for source, group in groupby(numbered, key=lambda pair: pair[1].source)}
    for source, opener in open_sources(wanted):
        slices = wanted[source]
        decoded = _decode_file(opener, [header for _, header in slices], whole_cells)
        yield from zip((index for index, _ in slices), decoded, strict=True)


def _decode_file(opener: Opener, headers: Sequence[SliceHeader], whole_cells: bool) -> list[NDArray]:
    """Stored values (rows, columns) of the wanted frames of one file."""
    first = headers[0]
    require_codec(first.transfer_syntax)
    with opener() as stream, pydicom_guarded(first.name):
        dataset = parse_pixels(parse_header(stream, first.name), first.name)
        if whole_cells:
            dataset.BitsStored, dataset.HighBit = dataset.BitsAllocated, dataset.BitsAllocated - 1
        return [_decode_frame(dataset, header) for header in headers]


def _decode_frame(dataset: pydicom.FileDataset, header: SliceHeader) -> NDArray:
    from pydicom.pixels import pixel_array

    index = None if header.frame is None else header.frame - 1
    if header.transfer_syntax in _WITH_CODESTREAM:
        _check_codestream(dataset, header, index or 0)
    for plugin in _plugins(header.transfer_syntax):
        try:
            stored = pixel_array(dataset, index=index, raw=True, decoding_plugin=plugin)
        except RuntimeError:
            continue
        if stored.shape == (header.rows, header.columns):
            return stored
    raise DicomSeriesError(f"{header.name}: the pixels can't be decoded; copy the file again", code="undecodable")


def _plugins(transfer_syntax: str) -> list[str]:
    """pydicom's decoders to try in turn; native syntaxes need none."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    if not UID(transfer_syntax).is_encapsulated:
        return [""]
    available = list(get_decoder(UID(transfer_syntax)).available_plugins)
    return [plugin for plugin in available if plugin != _FRAGILE.get(transfer_syntax)] or available


def _check_codestream(dataset: pydicom.FileDataset, header: SliceHeader, index: int) -> None:
    """Compare what a compressed frame says of itself with the header, before a codec believes it."""
    from pydicom.encaps import get_frame

    frames = int(dataset.get("NumberOfFrames") or 1)
    frame = get_frame(dataset.PixelData, index, number_of_frames=frames)
    claim = read_claim(frame)
    if claim is None or is_cut(frame):
        raise DicomSeriesError(f"{header.name}: a compressed frame is cut off; copy the file again", code="undecodable")
    stated = (claim.rows, claim.columns, claim.samples)
    if stated != (header.rows, header.columns, header.samples) or not 1 < claim.bits <= header.bits_allocated:
        raise DicomSeriesError(
            f"{header.name}: the compressed frame claims {claim.rows} x {claim.columns} pixels of {claim.samples} x "
            f"{claim.bits} bits, the header {header.rows} x {header.columns} of {header.samples} x "
            f"{header.bits_allocated}; export the series again",
            code="undecodable",
        )

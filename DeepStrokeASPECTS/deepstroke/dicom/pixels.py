"""Decode the pixels of slices and turn them into Hounsfield units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.codestream import claimed_size
from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.parsing import parse_header, parse_pixels, pydicom_guarded
from deepstroke.dicom.source import Opener, open_sources
from deepstroke.errors import DicomSeriesError

if TYPE_CHECKING:
    import pydicom

#: Hounsfield units of air, which stand where nothing was measured.
AIR_HU = -1024.0
#: Nothing in a head is this dense but metal and enamel, so a tenth of a slice can't be.
DENSER_THAN_BONE_HU = 2000.0
MAX_FRACTION_DENSE = 0.1
#: Nothing is thinner than air; streaks beside metal are, in a few pixels.
BELOW_AIR_HU = -1400.0
MAX_FRACTION_HOLLOW = 0.003

#: What to install for each compressed syntax; the others need nothing beside pydicom and numpy.
_CODECS = {
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.201": "pylibjpeg pylibjpeg-openjpeg",
    "1.2.840.10008.1.2.4.202": "pylibjpeg pylibjpeg-openjpeg",
    "1.2.840.10008.1.2.4.203": "pylibjpeg pylibjpeg-openjpeg",
}
_CODEC_OF_THE_REST = "python-gdcm"


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
        package = _CODECS.get(transfer_syntax, _CODEC_OF_THE_REST)
        raise DicomSeriesError(
            f"no codec for the transfer syntax {syntax.name}: pip install {package}", code="codec-missing"
        )


def read_hu(headers: Sequence[SliceHeader]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Decode slices of one size.

    Returns:
        Hounsfield units, float32 (slices, rows, columns), padding replaced by -1024; and where the padding was.

    Raises:
        DicomSeriesError: a file can't be decoded, has no rescale, or its sign is declared wrong.
    """
    shape = (len(headers), headers[0].rows, headers[0].columns)
    hu = np.empty(shape, np.float32)
    padding = np.zeros(shape, bool)
    for header, stored, index in _decoded(headers):
        hu[index], padding[index] = to_hu(stored, header)
    return hu, padding


def to_hu(stored: NDArray, header: SliceHeader) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Stored values (rows, columns) of one slice as Hounsfield units, and where the padding is.

    Padding is found before the rescale: it is a stored value, not a density.

    Raises:
        DicomSeriesError: the rescale is missing, or the values can't be Hounsfield units.
    """
    if header.slope is None or header.intercept is None:
        raise DicomSeriesError(
            f"{header.name}: no Rescale Slope and Intercept, so Hounsfield units can't be known; export it again",
            code="no-rescale",
        )
    padding = np.zeros(stored.shape, bool)
    if header.padding is not None:
        low, high = (_as_stored(value, header) for value in header.padding)
        padding = (stored >= low) & (stored <= high)
    hu = stored.astype(np.float32) * np.float32(header.slope) + np.float32(header.intercept)
    hu[padding] = AIR_HU
    padding |= _undeclared_padding(hu)
    hu[padding] = AIR_HU
    _require_plausible(hu, header)
    return hu, padding


def _as_stored(value: int, header: SliceHeader) -> int:
    """A padding value in the range of the stored type: some files give it with the other sign."""
    span = 1 << header.bits_allocated
    if header.is_signed:
        return (value + span // 2) % span - span // 2
    return value % span


def _undeclared_padding(hu: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where one value far below air fills the corners: some scanners pad without saying so."""
    below = hu[hu < BELOW_AIR_HU]
    if below.size == 0:
        return np.zeros(hu.shape, bool)
    padding = np.asarray(hu == np.median(below))
    return padding if np.count_nonzero(padding) > below.size / 2 else np.zeros(hu.shape, bool)


def _require_plausible(hu: NDArray[np.float32], header: SliceHeader) -> None:
    """Refuse what a wrongly declared sign makes of a head: air at thousands of HU, or dense bone below air."""
    dense = np.count_nonzero(hu > DENSER_THAN_BONE_HU) / hu.size
    hollow = np.count_nonzero(hu < BELOW_AIR_HU) / hu.size
    if dense <= MAX_FRACTION_DENSE and hollow <= MAX_FRACTION_HOLLOW:
        return
    raise DicomSeriesError(
        f"{header.name}: {100 * dense:.0f} % of the values lie above {DENSER_THAN_BONE_HU:.0f} and "
        f"{100 * hollow:.0f} % below {BELOW_AIR_HU:.0f} (from {hu.min():.0f} to {hu.max():.0f}); these are no "
        "Hounsfield units of a head: the sign of the stored values (Pixel Representation) or the rescale is "
        "declared wrong; export the series again",
        code="wrong-sign",
    )


def _decoded(headers: Sequence[SliceHeader]) -> Iterator[tuple[SliceHeader, NDArray, int]]:
    """Each slice's stored values with its place in ``headers``; every file is opened once, in its archive's order."""
    numbered = sorted(enumerate(headers), key=lambda pair: pair[1].source.sort_key)
    wanted = {source: list(group) for source, group in groupby(numbered, key=lambda pair: pair[1].source)}
    for source, opener in open_sources(wanted):
        slices = wanted[source]
        for (index, header), stored in zip(slices, _decode_file(opener, [h for _, h in slices]), strict=True):
            yield header, stored, index


def _decode_file(opener: Opener, headers: Sequence[SliceHeader]) -> list[NDArray]:
    """Stored values (rows, columns) of the wanted frames of one file."""
    first = headers[0]
    require_codec(first.transfer_syntax)
    with opener() as stream, pydicom_guarded(first.name):
        dataset = parse_pixels(parse_header(stream, first.name), first.name)
        return [_decode_frame(dataset, header) for header in headers]


def _decode_frame(dataset: pydicom.FileDataset, header: SliceHeader) -> NDArray:
    from pydicom.pixels import pixel_array

    index = None if header.frame is None else header.frame - 1
    _check_codestream(dataset, header, index or 0)
    try:
        stored = pixel_array(dataset, index=index, raw=True)
    except RuntimeError:
        raise DicomSeriesError(
            f"{header.name}: the compressed pixels can't be decoded; copy the file again", code="undecodable"
        ) from None
    _require_shape(stored.shape, header)
    return stored


def _check_codestream(dataset: pydicom.FileDataset, header: SliceHeader, index: int) -> None:
    """Compare the size that a compressed frame claims with the header's: codecs believe it and allocate."""
    from pydicom.encaps import get_frame

    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return
    frames = int(dataset.get("NumberOfFrames") or 1)
    size = claimed_size(get_frame(dataset.PixelData, index, number_of_frames=frames))
    if size is not None:
        _require_shape(size, header)


def _require_shape(shape: tuple[int, ...], header: SliceHeader) -> None:
    if shape != (header.rows, header.columns):
        raise DicomSeriesError(
            f"{header.name}: the pixels have shape {shape}, the header says {header.rows} x {header.columns}; "
            "export the series again",
            code="undecodable",
        )

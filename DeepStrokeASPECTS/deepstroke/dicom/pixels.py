"""Stored values of slices as Hounsfield units: padding, rescale, and a check that they can be a head's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.decoding import decode
from deepstroke.dicom.header import SliceHeader
from deepstroke.errors import DicomSeriesError

#: Hounsfield units of air, which stand where nothing was measured.
AIR_HU = -1024.0
#: Nothing in a head is this dense but metal and enamel, so a tenth of a slice can't be.
DENSER_THAN_BONE_HU = 2000.0
MAX_FRACTION_DENSE = 0.1
#: Nothing is thinner than air; streaks beside metal are, in a few pixels.
BELOW_AIR_HU = -1400.0
MAX_FRACTION_HOLLOW = 0.003


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
    for index, stored in decode(headers):
        hu[index], padding[index] = to_hu(stored, headers[index])
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

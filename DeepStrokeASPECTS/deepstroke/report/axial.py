"""Axial slices as radiologists look at them: from below, so that the patient's left is on the right of the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.regions import BY_ABBREVIATION, SIDE_OFFSET
from deepstroke.volume import LabelMap, Volume

#: Window of early stroke: level 40, width 40.
WINDOW_HU = (20.0, 60.0)
_BONE_HU = 300.0
_AIR_HU = -300.0
_MARGIN_MM = 12.0
#: The supraganglionic level is read about so far above the upper edge of the ganglionic regions.
SUPRAGANGLIONIC_HEIGHT_MM = 10.0


@dataclass(frozen=True, eq=False)
class AxialSlices:
    """A scan and its sided labels, slice by slice from the base up, cropped to the head.

    Attributes:
        hu: (slices, rows, columns), anterior in row 0 and the patient's right in column 0.
        labels: sided labels 0..20, the same shape.
        pixel_mm: height and width of a pixel.
        slice_mm: distance between slices.
    """

    hu: NDArray
    labels: NDArray[np.uint8]
    pixel_mm: tuple[float, float]
    slice_mm: float

    def __len__(self) -> int:
        return len(self.hu)

    @property
    def height_mm(self) -> float:
        """Height of a slice."""
        return self.hu.shape[1] * self.pixel_mm[0]

    @property
    def width_mm(self) -> float:
        """Width of a slice."""
        return self.hu.shape[2] * self.pixel_mm[1]

    def grey(self, k: int) -> NDArray[np.uint8]:
        """Slice k in the stroke window, 0..255, shape (rows, columns)."""
        low, high = WINDOW_HU
        scaled = (np.nan_to_num(self.hu[k], nan=low) - low) * (255.0 / (high - low))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Levels:
    """The slices at which ASPECTS is read, as indices from the base; None where the scan doesn't show the level."""

    ganglionic: int | None
    supraganglionic: int | None


def axial_slices(volume: Volume, labels: LabelMap) -> AxialSlices:
    """Lay a scan and its labels out in axial slices of the label map's grid, cropped alike to the head.

    Args:
        volume: HU on a grid in RAS+ mm; its axes may stand oblique, and in any order.
        labels: sided labels 0..20 on the same grid.

    Raises:
        GeometryError: the two lie on different grids.
        InputError: no voxel is labelled.
    """
    volume.require_same_grid(labels, "the label map")
    if not labels.mask.any():
        raise InputError("the label map is empty, so there is nothing to show", code="no-labels")
    volume, labels = volume.reoriented_to_ras(), labels.reoriented_to_ras()
    right_left, anterior_posterior, step = volume.spacing_mm
    box = head_box(volume, labels)
    return AxialSlices(
        radiological(volume.data[box]),
        radiological(labels.data[box]),
        pixel_mm=(anterior_posterior, right_left),
        slice_mm=step,
    )


def choose_levels(slices: AxialSlices) -> Levels:
    """The ganglionic and the supraganglionic level.

    The ganglionic slice shows most of the lentiform nucleus and insula. The supraganglionic one lies nearest to 10 mm
    above the height at which M4-M6 begin to outweigh M1-M3.
    """
    deep = _areas(slices, "L", "I")
    lower = _areas(slices, "M1", "M2", "M3")
    upper = _areas(slices, "M4", "M5", "M6")
    ganglionic = int(np.argmax(deep)) if deep.any() else None
    if not upper.any():
        return Levels(ganglionic, None)
    split = int(np.argmax(upper > lower)) if (upper > lower).any() else int(np.argmax(upper))
    shown = np.flatnonzero(upper)
    distance = np.abs((shown - split) * slices.slice_mm - SUPRAGANGLIONIC_HEIGHT_MM)
    return Levels(ganglionic, int(shown[np.argmin(distance)]))


def _areas(slices: AxialSlices, *abbreviations: str) -> NDArray[np.int64]:
    """Number of pixels of the named regions, both sides together, in each slice."""
    numbers = [BY_ABBREVIATION[name].number + offset for name in abbreviations for offset in SIDE_OFFSET.values()]
    return np.isin(slices.labels, numbers).sum(axis=(1, 2))


def radiological(data: NDArray) -> NDArray:
    """(i, j, k) in RAS+ to (slice, row, column): rows run to posterior, columns to the patient's left."""
    return np.ascontiguousarray(data[::-1, ::-1].transpose(2, 1, 0))


def head_box(volume: Volume, labels: LabelMap) -> tuple[slice, slice, slice]:
    """The box of a head in RAS+ order: the skull's extent in the labelled slices with a margin, and every slice."""
    labelled = volume.data[:, :, labels.mask.any(axis=(0, 1))]
    head = np.any(labelled > _BONE_HU, axis=2)
    if not head.any():  # a stripped volume
        head = np.any(labelled > _AIR_HU, axis=2)
    head = _largest_part(head) | np.any(labels.mask, axis=2)
    columns, rows = np.any(head, axis=1), np.any(head, axis=0)
    return _extent(columns, volume.spacing_mm[0]), _extent(rows, volume.spacing_mm[1]), slice(None)


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The head without its holder."""
    from scipy.ndimage import label

    parts, count = label(mask)
    return parts == 1 + int(np.argmax(np.bincount(parts.ravel())[1:])) if count else mask


def _extent(occupied: NDArray[np.bool_], spacing_mm: float) -> slice:
    where = np.flatnonzero(occupied)
    margin = int(np.ceil(_MARGIN_MM / spacing_mm))
    return slice(max(int(where[0]) - margin, 0), int(where[-1]) + margin + 1)

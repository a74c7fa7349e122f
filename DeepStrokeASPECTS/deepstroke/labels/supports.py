"""Where each label is found in any of many label maps, and how large it is on average."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import GeometryError, InputError
from deepstroke.progress import Progress, silent
from deepstroke.volume import LabelMap

Box = tuple[slice, ...]

#: Label numbers above this are numbered anew first: the boxes of all numbers up to the largest are listed.
_LARGEST_DIRECT = 1 << 15


@dataclass(frozen=True, eq=False)
class Support:
    """The voxels where one label is found in at least one map (S > 0 in the paper's eq. 1).

    Attributes:
        box: the slices (i, j, k) that hold them all; empty where the label never occurs.
        mask: of the box's shape.
    """

    box: Box
    mask: NDArray[np.bool_]

    @property
    def is_empty(self) -> bool:
        """Whether the label never occurs."""
        return self.mask.size == 0

    def overlaps(self, other: Support) -> bool:
        """Whether a voxel belongs to both."""
        if self.is_empty or other.is_empty:
            return False
        common = tuple(
            slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(self.box, other.box, strict=True)
        )
        if any(each.start >= each.stop for each in common):
            return False
        return bool((self.mask[_inside(self.box, common)] & other.mask[_inside(other.box, common)]).any())


def _inside(outer: Box, inner: Box) -> Box:
    """The inner box's slices counted from the outer one's corner."""
    return tuple(slice(b.start - a.start, b.stop - a.start) for a, b in zip(outer, inner, strict=True))


@dataclass(frozen=True, eq=False)
class Supports:
    """What many label maps on one grid tell about their labels.

    Attributes:
        labels: all but background, rising.
        of: the support of each.
        mean_voxels: mean number of voxels a map of each; maps without the label count as 0.
        shape: of every map.
        maps: how many there were.
    """

    labels: tuple[int, ...]
    of: tuple[Support, ...]
    mean_voxels: NDArray[np.float64]
    shape: tuple[int, int, int]
    maps: int


def gather_supports(
    label_maps: Iterable[NDArray | LabelMap], labels: Collection[int] = (), progress: Progress = silent
) -> Supports:
    """Read label maps one after the other; only the labels' supports are kept.

    Args:
        label_maps: arrays (i, j, k) of whole numbers >= 0 on one grid; 0 is background. An iterator will do.
        labels: that exist even if they occur in no map.
        progress: told how many maps are read, where their number is known.

    Raises:
        InputError: there is no map, or one doesn't hold whole numbers >= 0 along three axes.
        GeometryError: the maps differ in shape.
    """
    seen = _Seen()
    total = len(label_maps) if isinstance(label_maps, Sized) else 0
    for number, label_map in enumerate(label_maps):
        if total:
            progress(number / total, f"label map {number + 1} of {total}")
        seen.add(whole_numbers(label_map))
    return seen.supports(labels)


def whole_numbers(label_map: NDArray | LabelMap) -> NDArray:
    """The integers >= 0 of a label map.

    Raises:
        InputError: there are fractions or something else, or there aren't three axes.
    """
    data = label_map.data if isinstance(label_map, LabelMap) else np.asarray(label_map)
    if data.ndim != 3 or data.size == 0:
        raise InputError(f"a label map needs three non-empty axes, found shape {data.shape}", code="volume-shape")
    if data.dtype.kind not in "iu":  # a label map refuses fractions and makes the rest integers
        return LabelMap(data, np.eye(4)).data
    if data.dtype.kind == "i" and data.min() < 0:
        raise InputError(f"labels start at 0, found {data.min()}", code="label-negative")
    return data


class _Seen:
    """The labels met so far."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] | None = None
        self.maps = 0
        self.masks: dict[int, NDArray[np.bool_]] = {}
        self.voxels: dict[int, int] = {}

    def add(self, data: NDArray) -> None:
        if self.shape is not None and data.shape != self.shape:
            raise GeometryError(
                f"all label maps must lie on one grid: found shapes {self.shape} and {data.shape}", code="grid-mismatch"
            )
        self.shape = data.shape
        self.maps += 1
        values, numbered = _numbered(data)
        for number, box in enumerate(ndimage.find_objects(numbered), start=1):
            if box is not None:
                self._add_label(int(values[number]), box, numbered[box] == number)

    def _add_label(self, label: int, box: Box, found: NDArray[np.bool_]) -> None:
        if label not in self.masks:  # zeroed memory that is never touched costs nothing
            self.masks[label] = np.zeros(self.shape or (), bool)
        self.masks[label][box] |= found
        self.voxels[label] = self.voxels.get(label, 0) + int(np.count_nonzero(found))

    def supports(self, extra: Collection[int]) -> Supports:
        if self.shape is None:
            raise InputError("no label map was given; at least one is needed", code="no-label-maps")
        labels = tuple(sorted({*self.masks, *map(int, extra)} - {0}))
        mean = np.array([self.voxels.get(label, 0) / self.maps for label in labels], np.float64)
        ni, nj, nk = self.shape
        return Supports(labels, tuple(self._support(label) for label in labels), mean, (ni, nj, nk), self.maps)

    def _support(self, label: int) -> Support:
        mask = self.masks.get(label)
        if mask is None:
            return Support((slice(0, 0),) * 3, np.zeros((0, 0, 0), bool))
        box = ndimage.find_objects(mask.view(np.uint8))[0]
        return Support(box, mask[box].copy())


def _numbered(data: NDArray) -> tuple[NDArray, NDArray]:
    """Values and a map of their positions; small label numbers stay as they are."""
    if data.dtype.itemsize > 1:
        if data.max() > _LARGEST_DIRECT:
            values, positions = np.unique(np.concatenate(([0], data.ravel())), return_inverse=True)
            return values, positions[1:].reshape(data.shape)
        data = data.astype(np.int32, copy=False)
    return np.arange(_LARGEST_DIRECT + 1), data

"""Label maps without islands and holes: every region is one piece on its side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.preprocess.resampling import bounding_box
from deepstroke.regions import SIDE_OFFSET, SIDED_REGIONS

#: Enclosed background up to this many ml belongs to what encloses it.
_POCKET_ML = 1.0
_FACES = ndimage.generate_binary_structure(3, 1)
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class CleanLabels:
    """A cleaned label map.

    Attributes:
        labels: uint8 0..20, of the map's shape; each label is one piece (voxels sharing faces).
        loose: for each label the share of its voxels that lay apart from its largest piece.
    """

    labels: NDArray[np.uint8]
    loose: dict[int, float]


def clean(labels: NDArray[np.uint8], voxel_ml: float) -> CleanLabels:
    """Keep the largest piece of every label, give islands to what surrounds them, and fill holes.

    An island goes to the label or background that most of its faces touch; never to a label of the other side, so that
    nothing crosses the midline that wasn't across before.

    Args:
        labels: (i, j, k) uint8, 0 background, 1..10 left, 11..20 right.
        voxel_ml: volume of a voxel.
    """
    cleaned = labels.copy()
    loose = {}
    for value, part in _parts(cleaned):
        islands, loose[value] = _islands(part == value)
        _reassign(part, islands, value)
    _fill(cleaned, voxel_ml)
    # What an island or a pocket was given to may itself have been an island.
    for value, part in _parts(cleaned):
        part[_islands(part == value)[0] > 0] = 0
    return CleanLabels(cleaned, loose)


def _parts(labels: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Every label that occurs, with a view of the map around it."""
    for value, box in enumerate(ndimage.find_objects(labels, max_label=len(SIDED_REGIONS)), start=1):
        if box is not None:
            yield value, labels[_widened(labels, box)]


def _islands(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], float]:
    """The pieces but the largest, numbered from 1, and the share of the voxels in them."""
    pieces, count = ndimage.label(mask, _FACES)
    if count <= 1:
        return np.zeros(mask.shape, np.int32), 0.0
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    largest = int(sizes.argmax())
    pieces[pieces == largest] = 0
    return pieces, 1.0 - sizes[largest] / sizes.sum()


def _reassign(labels: NDArray[np.uint8], islands: NDArray[np.int32], value: int) -> None:
    """Give each island of a label, in place, to the neighbour that touches most of its faces."""
    for number, place in enumerate(ndimage.find_objects(islands), start=1):
        if place is not None:
            here = _widened(islands, place)
            island, part = islands[here] == number, labels[here]
            part[island] = _neighbour(part, island, value)


def _neighbour(labels: NDArray[np.uint8], island: NDArray[np.bool_], value: int) -> int:
    """What most of an island's faces touch: background or a label of the island's side."""
    touched = np.zeros(len(SIDED_REGIONS) + 1, dtype=np.int64)
    for axis in range(3):
        for one, other in ((slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))):
            here, there = (tuple(part if a == axis else slice(None) for a in range(3)) for part in (one, other))
            touched += np.bincount(labels[there][island[here] & ~island[there]], minlength=len(touched))
    touched[value] = 0
    right = value > SIDE_OFFSET["right"]
    touched[1 if right else SIDE_OFFSET["right"] + 1 : SIDE_OFFSET["right"] + 1 if right else None] = 0
    return int(touched.argmax())


def _fill(labels: NDArray[np.uint8], voxel_ml: float) -> None:
    """Give small pockets of background, in place, to the label that most of their faces touch."""
    if not labels.any():
        return
    part = labels[bounding_box(labels > 0, margin=1)]
    pockets, count = ndimage.label(part == 0, _FACES)
    sizes = np.bincount(pockets.ravel(), minlength=count + 1)
    open_ones = np.unique(np.concatenate([pockets.take(end, axis).ravel() for axis in range(3) for end in (0, -1)]))
    places = ndimage.find_objects(pockets)
    for number in np.setdiff1d(np.flatnonzero(sizes * voxel_ml <= _POCKET_ML), np.append(open_ones, 0)):
        here = _widened(pockets, places[number - 1])
        pocket, around = pockets[here] == number, part[here]
        around[pocket] = _encloser(around, pocket)


def _encloser(labels: NDArray[np.uint8], pocket: NDArray[np.bool_]) -> int:
    """The label that most of a pocket's faces touch, if all that touch it are of one side; else background."""
    around = labels[ndimage.binary_dilation(pocket, _FACES) & ~pocket]
    counts = np.bincount(around, minlength=len(SIDED_REGIONS) + 1)
    sides = {value > SIDE_OFFSET["right"] for value in np.flatnonzero(counts)}
    return int(counts.argmax()) if len(sides) == 1 else 0


def _widened(array: NDArray, place: Box) -> Box:
    """A place with one voxel more on each side, where the array has one."""
    i, j, k = (slice(max(p.start - 1, 0), min(p.stop + 1, n)) for p, n in zip(place, array.shape, strict=True))
    return i, j, k

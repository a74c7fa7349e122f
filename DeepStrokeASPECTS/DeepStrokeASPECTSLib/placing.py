"""A run's labels brought onto the voxels of a volume node, slice by slice, so that Slicer never stands still."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.frames import Affine
from deepstroke.regions import BY_ABBREVIATION, SIDE_OFFSET, SIDED_REGIONS
from deepstroke.volume import Volume

#: How far the supraganglionic slice lies above the border of both levels, as in the library's report.
SUPRAGANGLIONIC_HEIGHT_MM = 10.0
_LABELS = len(SIDED_REGIONS) + 1


@dataclass(frozen=True, eq=False)
class Placed:
    """Labels on a volume's voxels.

    Attributes:
        labels: 0..20, indexed (i, j, k).
        counts: voxels of each label in each slice, (k, 21).
        centres_ras: mean position of each label in RAS+ mm, (21, 3); NaN where it is absent.
        heights_mm: of each slice's centre along the superior axis.
    """

    labels: NDArray[np.uint8]
    counts: NDArray[np.int64]
    centres_ras: NDArray[np.float64]
    heights_mm: NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Slices (k) of the two ASPECTS levels; None where the regions of a level are absent."""

    ganglionic: int | None
    supraganglionic: int | None


@dataclass(frozen=True, eq=False)
class MirrorPlane:
    """The plane between both hemispheres.

    Attributes:
        point: on it, RAS+ mm.
        normal: unit vector to the patient's right.
    """

    point: NDArray[np.float64]
    normal: NDArray[np.float64]

    def reflection(self) -> Affine:
        """4 x 4 matrix that maps RAS+ mm to the mirror image on the other side."""
        matrix = np.eye(4)
        matrix[:3, :3] -= 2 * np.outer(self.normal, self.normal)
        matrix[:3, 3] = 2 * (self.point @ self.normal) * self.normal
        return matrix


def slice_affines(shape: tuple[int, int, int], ijk_to_ras: Affine) -> list[Affine]:
    """(i, j, 0) of each slice to RAS+ mm, for a volume whose slices are evenly spaced."""
    found = []
    for k in range(shape[2]):
        affine = ijk_to_ras.copy()
        affine[:3, 3] += k * ijk_to_ras[:3, 2]
        found.append(affine)
    return found


def place_labels(
    labels: Volume, shape: tuple[int, int, int], slices: Sequence[Affine], into: NDArray[np.uint8] | None = None
) -> Generator[float, None, Placed]:
    """Take the label at each voxel's true position; yields the fraction done after each slice.

    Args:
        labels: 0..20 on an orthogonal grid in RAS+ mm.
        shape: of the volume.
        slices: of each slice of the volume: (i, j, 0) to RAS+ mm.
        into: receives the labels, indexed (i, j, k); a new array if not given.
    """
    if not (labels.data.flags.c_contiguous or labels.data.flags.f_contiguous):
        labels = labels.with_data(labels.data.copy())
    kji = np.zeros(shape[::-1], np.uint8) if into is None else into.transpose(2, 1, 0)
    counts = np.zeros((shape[2], _LABELS), np.int64)
    sums = np.zeros((_LABELS, 3))
    for k, slice_to_ras in enumerate(slices):
        kji[k] = values_of_slice(labels, shape, slice_to_ras).T
        j, i = np.nonzero(kji[k])
        if i.size:
            found = kji[k][j, i]
            counts[k] = np.bincount(found, minlength=_LABELS)
            positions = np.stack([i, j], axis=1) @ slice_to_ras[:3, :2].T + slice_to_ras[:3, 3]
            for axis in range(3):
                sums[:, axis] += np.bincount(found, positions[:, axis], minlength=_LABELS)
        yield (k + 1) / shape[2]
    totals = counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        centres = sums / np.where(totals, totals, np.nan)[:, None]
    middle = np.array([(shape[0] - 1) / 2, (shape[1] - 1) / 2, 0, 1])
    heights = np.array([(affine @ middle)[2] for affine in slices])
    return Placed(kji.transpose(2, 1, 0), counts, centres, heights)


def values_of_slice(labels: Volume, shape: tuple[int, ...], slice_to_ras: Affine) -> NDArray[np.uint8]:
    """The nearest label of each voxel of a slice, (i, j); 0 outside of the map, which must be contiguous."""
    slice_to_labels = (labels.ras_to_ijk @ slice_to_ras).astype(np.float32)
    i, j = np.arange(shape[0], dtype=np.float32)[:, None], np.arange(shape[1], dtype=np.float32)[None, :]
    inside = np.ones(shape[:2], bool)
    places = np.zeros(shape[:2], np.int64)  # in memory, whichever order the axes have there
    for axis, size in enumerate(labels.shape):
        along, across, offset = slice_to_labels[axis, 0], slice_to_labels[axis, 1], slice_to_labels[axis, 3]
        index = np.rint(along * i + (across * j + offset)).astype(np.int32)
        inside &= (index >= 0) & (index < size)
        places += index * (labels.data.strides[axis] // labels.data.itemsize)
    found = np.zeros(shape[:2], np.uint8)
    found[inside] = labels.data.ravel(order="K")[places[inside]]
    return found


def choose_levels(placed: Placed) -> Levels:
    """The slices of both levels, by the rule of the library's report.

    The ganglionic slice shows most of the lentiform nucleus and insula. The supraganglionic one lies nearest to 10 mm
    above the height at which M4-M6 begin to outweigh M1-M3.
    """
    order = np.argsort(placed.heights_mm, kind="stable")
    deep, lower, upper = (
        _areas(placed, *names)[order] for names in (("L", "I"), ("M1", "M2", "M3"), ("M4", "M5", "M6"))
    )
    ganglionic = int(order[np.argmax(deep)]) if deep.any() else None
    if not upper.any():
        return Levels(ganglionic, None)
    split = int(np.argmax(upper > lower)) if (upper > lower).any() else int(np.argmax(upper))
    shown = np.flatnonzero(upper)
    heights = placed.heights_mm[order]
    distance = np.abs(heights[shown] - heights[split] - SUPRAGANGLIONIC_HEIGHT_MM)
    return Levels(ganglionic, int(order[shown[np.argmin(distance)]]))


def _areas(placed: Placed, *abbreviations: str) -> NDArray[np.int64]:
    numbers = [BY_ABBREVIATION[name].number + offset for name in abbreviations for offset in SIDE_OFFSET.values()]
    return placed.counts[:, numbers].sum(axis=1)


def mirror_plane(placed: Placed, slice_to_ras: Affine) -> MirrorPlane | None:
    """The plane between the centres of left and right regions; None where no region is there on both sides.

    It stands at right angles on the slices, so that the mirror image of a slice is that slice itself: a head that is
    rolled a little keeps its acquired pixels instead of thick slices cut aslant.

    Args:
        placed: the regions.
        slice_to_ras: (i, j, 0) of a slice to RAS+ mm.
    """
    left, right = placed.centres_ras[1:11], placed.centres_ras[11:21]
    both = np.isfinite(left).all(axis=1) & np.isfinite(right).all(axis=1)
    if not both.any():
        return None
    across = (right[both] - left[both]).mean(axis=0)
    up = np.cross(slice_to_ras[:3, 0], slice_to_ras[:3, 1])
    across -= (across @ up) / (up @ up) * up
    return MirrorPlane((left[both] + right[both]).mean(axis=0) / 2, across / np.linalg.norm(across))

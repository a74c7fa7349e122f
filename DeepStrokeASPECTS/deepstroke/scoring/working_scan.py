"""A scan on the coarse grid on which it is scored, so that thin and thick slices and all matrices are judged alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.frames import Affine, as_affine
from deepstroke.scoring.measures import UNSCANNED_HU
from deepstroke.volume import LabelMap, Volume

#: Voxels are averaged in blocks as near as possible to this size: early signs are wide and of a few HU, noise is fine.
IN_PLANE_MM, THROUGH_PLANE_MM = 1.8, 4.5
#: Without a brain mask everything between these HU within this distance of a region counts as brain.
BRAIN_HU, MARGIN_MM = (-5.0, 100.0), 20.0

Mask = NDArray[np.bool_]
Slices = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class WorkingScan:
    """A scan reduced to the part around the brain, axes nearest to right, anterior, superior.

    Attributes:
        hu: mean HU of the brain in each voxel; where there is no brain, of all that was scanned.
        labels: the sided region with most of each voxel's parts.
        brain: where at least half of a voxel is brain that was scanned.
        ijk_to_ras: 4 x 4 affine to RAS+ mm.
    """

    hu: NDArray[np.float32]
    labels: NDArray[np.uint8]
    brain: Mask
    ijk_to_ras: Affine

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size in mm."""
        x, y, z = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0).tolist()
        return x, y, z

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel."""
        return float(np.prod(self.spacing_mm) / 1000.0)


def reduce_scan(volume: Volume, labels: LabelMap, brain: LabelMap | None = None) -> WorkingScan:
    """Average a scan in blocks of about 1.8 x 1.8 x 4.5 mm, and never less than its own voxels.

    Args:
        volume: HU on an orthogonal grid of any orientation.
        labels: sided labels 0..20 on the same grid, at least one of them.
        brain: brain mask on the same grid; without one the tissue around the regions takes its place.
    """
    factors = _factors(volume)
    box = _box(labels.mask if brain is None else labels.mask | brain.mask, volume.spacing_mm, factors, brain is None)
    hu = _padded(volume.data, box).astype(np.float32)
    known = np.isfinite(hu) & (hu > UNSCANNED_HU)
    inside = known & (_tissue(hu) if brain is None else _padded(brain.data, box) > 0)
    weights = _sum(inside, factors)
    count = float(np.prod(factors))
    of_brain = _sum(np.where(inside, hu, 0.0), factors) / np.maximum(weights, 1)
    of_all = _sum(np.where(known, hu, 0.0), factors) / np.maximum(_sum(known, factors), 1)
    reduced = Volume(np.where(weights > 0, of_brain, of_all).astype(np.float32), _affine(volume, box, factors))
    upright = reduced.reoriented_to_ras()
    major = reduced.with_labels(_majority(_padded(labels.data, box), factors)).reoriented_to_ras()
    mask = reduced.with_labels((weights >= count / 2).astype(np.uint8)).reoriented_to_ras()
    return WorkingScan(upright.data, major.data, mask.mask, upright.ijk_to_ras)


def _factors(volume: Volume) -> tuple[int, int, int]:
    """How many voxels are averaged along each axis; the axis nearest to superior is the one through the slices."""
    through = int(np.argmax(np.abs(volume.ijk_to_ras[2, :3]) / volume.spacing_mm))
    wanted = [THROUGH_PLANE_MM if axis == through else IN_PLANE_MM for axis in range(3)]
    i, j, k = (max(1, round(mm / spacing)) for mm, spacing in zip(wanted, volume.spacing_mm, strict=True))
    return i, j, k


def _box(mask: Mask, spacing_mm: tuple[float, ...], factors: tuple[int, ...], widen: bool) -> Slices:
    """The box around a mask, grown to whole blocks, as evenly as can be at both ends; it may leave the grid."""
    ends = []
    for axis, (spacing, factor) in enumerate(zip(spacing_mm, factors, strict=True)):
        there = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = int(np.ceil(MARGIN_MM / spacing)) if widen else factor
        first, last = int(there[0]) - margin, int(there[-1]) + 1 + margin
        missing = -(last - first) % factor
        ends.append(slice(first - missing // 2, last + missing - missing // 2))
    return ends[0], ends[1], ends[2]


def _padded(data: NDArray, box: Slices) -> NDArray:
    """The part of an array in a box; what lies beyond the array is 0 in labels and unscanned in HU."""
    inside = tuple(slice(max(0, s.start), min(n, s.stop)) for s, n in zip(box, data.shape, strict=True))
    pads = [(max(0, -s.start), max(0, s.stop - n)) for s, n in zip(box, data.shape, strict=True)]
    fill = 0 if data.dtype == np.uint8 else UNSCANNED_HU - 100
    return np.pad(data[inside], pads, constant_values=fill)


def _tissue(hu: NDArray[np.float32]) -> Mask:
    return (hu > BRAIN_HU[0]) & (hu < BRAIN_HU[1])


def _sum(data: NDArray, factors: tuple[int, int, int]) -> NDArray[np.float32]:
    """Sums of blocks."""
    total = data.astype(np.float32)
    for axis, factor in enumerate(factors):
        if factor > 1:
            shape = list(total.shape)
            shape[axis : axis + 1] = [shape[axis] // factor, factor]
            total = total.reshape(shape).sum(axis=axis + 1)
    return total


def _majority(labels: NDArray[np.uint8], factors: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The label with most voxels of each block, where labels together hold at least half of it."""
    if factors == (1, 1, 1):
        return labels
    labelled = _sum(labels > 0, factors) >= np.prod(factors) / 2
    best, winner = np.zeros(labelled.shape, np.float32), np.zeros(labelled.shape, np.uint8)
    for label in np.unique(labels[labels > 0]).tolist():
        share = _sum(labels == label, factors)
        ahead = share > best
        winner[ahead], best[ahead] = label, share[ahead]
    return np.where(labelled, winner, 0).astype(np.uint8)


def _affine(volume: Volume, box: Slices, factors: tuple[int, int, int]) -> Affine:
    """Of the blocks' middles."""
    matrix = volume.ijk_to_ras.copy()
    middle = [s.start + (factor - 1) / 2 for s, factor in zip(box, factors, strict=True)]
    matrix[:3, 3] = volume.ras_of(np.array(middle, dtype=np.float64))
    matrix[:3, :3] *= factors
    return as_affine(matrix)

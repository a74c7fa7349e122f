"""The scan as the page's viewer shows it: cropped to the head, whole HU of one byte, and coarser where it is large."""

from __future__ import annotations

import base64
import gzip
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.frames import Affine
from deepstroke.report.axial import head_box
from deepstroke.volume import LabelMap, Volume

#: HU of stored 0 and 255: one HU a step, so that no window of brain, stroke or blood loses a grey level.
LOWEST_HU, HIGHEST_HU = -100, 155
#: More voxels than this make a page slow to open, so neighbours are averaged.
MOST_VOXELS = 10_000_000
#: Slices are averaged up to this thickness before pixels are.
THICKEST_SLICE_MM = 3.0


@dataclass(frozen=True, eq=False)
class View:
    """What the page's viewer holds.

    Attributes:
        volume: uint8 in RAS+ order, HU minus ``LOWEST_HU``.
        labels: sided labels 0..20 on the same grid.
        factors: voxels of the label map's grid that were averaged into one, along i, j and k.
        grid_slices: slices of the whole grid.
    """

    volume: Volume
    labels: LabelMap
    factors: tuple[int, int, int]
    grid_slices: int

    def __str__(self) -> str:
        """What was done to the scan, for a reader."""
        done = f"cropped to the head and limited to −{-LOWEST_HU} to {HIGHEST_HU} HU in whole HU"
        across, _, along = self.factors
        if along > 1:
            done += f", {along} slices averaged into one of {self.volume.spacing_mm[2]:.2f} mm"
        if across > 1:
            done += f", {across} × {across} pixels averaged into one"
        return done


def make_view(volume: Volume, labels: LabelMap) -> View:
    """Crop a scan to its head, average it where it is large, and keep it in one byte a voxel.

    Args:
        volume: HU on a grid in RAS+ mm.
        labels: sided labels 0..20 on the same grid; not empty.

    Raises:
        GeometryError: the two lie on different grids.
    """
    volume.require_same_grid(labels, "the label map")
    volume, labels = volume.reoriented_to_ras(), labels.reoriented_to_ras()
    box = head_box(volume, labels)
    hu, drawn = volume.data[box], labels.data[box].astype(np.uint8)
    factors = averaging_factors(hu.shape, volume.spacing_mm)
    affine = _averaged_affine(volume.ijk_to_ras, box, factors)
    return View(
        volume=Volume(_bytes_of(_averaged(hu, factors)), affine),
        labels=LabelMap(np.ascontiguousarray(_picked(drawn, factors)), affine),
        factors=factors,
        grid_slices=volume.shape[2],
    )


def averaging_factors(shape: tuple[int, ...], spacing_mm: tuple[float, float, float]) -> tuple[int, int, int]:
    """How many voxels are averaged into one along i, j and k: thin slices first, then pixels two by two.

    They are the least that keep a scan within ``MOST_VOXELS``.
    """
    voxels = float(np.prod(shape))
    thickest = max(int(THICKEST_SLICE_MM / spacing_mm[2] + 1e-6), 1)
    across = 1
    while True:
        along = min(max(int(np.ceil(voxels / across**2 / MOST_VOXELS)), 1), thickest)
        if voxels / (across**2 * along) <= MOST_VOXELS:
            return across, across, along
        across += 1


def to_base64(volume: Volume) -> str:
    """A gzipped NIfTI of a view's volume or labels in base64, with the HU of its bytes in the header."""
    header = _nifti_header(volume)
    packed = gzip.compress(header + volume.data.astype(np.uint8).tobytes(order="F"), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _averaged(data: NDArray, factors: tuple[int, int, int]) -> NDArray:
    """Means of whole blocks; what is left over at the upper ends is dropped."""
    if factors == (1, 1, 1):
        return data
    blocks = [size // factor for size, factor in zip(data.shape, factors, strict=True)]
    whole = data[tuple(slice(0, n * factor) for n, factor in zip(blocks, factors, strict=True))]
    split = [part for pair in zip(blocks, factors, strict=True) for part in pair]
    return whole.reshape(split).mean(axis=(1, 3, 5), dtype=np.float32)


def _picked(labels: NDArray[np.uint8], factors: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The label in the middle of each block."""
    steps = []
    for size, factor in zip(labels.shape, factors, strict=True):
        steps.append(slice(factor // 2, size // factor * factor, factor))
    return labels[tuple(steps)]


def _averaged_affine(ijk_to_ras: Affine, box: tuple[slice, slice, slice], factors: tuple[int, int, int]) -> Affine:
    """The affine of a cropped and averaged grid: a block's centre is the mean of its voxels' centres."""
    block_to_ijk = np.diag([*map(float, factors), 1.0])
    block_to_ijk[:3, 3] = [(part.start or 0) + (factor - 1) / 2 for part, factor in zip(box, factors, strict=True)]
    return np.asarray(ijk_to_ras @ block_to_ijk)


def _bytes_of(hu: NDArray) -> NDArray[np.uint8]:
    known = np.nan_to_num(hu.astype(np.float32, copy=False), nan=LOWEST_HU, posinf=HIGHEST_HU, neginf=LOWEST_HU)
    return (np.rint(np.clip(known, LOWEST_HU, HIGHEST_HU)) - LOWEST_HU).astype(np.uint8)


def _nifti_header(volume: Volume) -> bytes:
    """352 bytes of NIfTI-1; the standard's writer would rescale the HU to floats."""
    labelled = isinstance(volume, LabelMap)
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *volume.shape, 1, 1, 1, 1)
    # No intent of labels: the viewer would then draw them opaque, without the opacity of each.
    struct.pack_into("<4h", header, 68, 0, 2, 8, 0)
    struct.pack_into("<8f", header, 76, 1.0, *volume.spacing_mm, 0, 0, 0, 0)
    struct.pack_into("<3f", header, 108, 352.0, 1.0, 0.0 if labelled else float(LOWEST_HU))
    header[123] = 2  # mm
    # A stated range spares the viewer a search for one in all voxels.
    struct.pack_into("<2f", header, 124, *((20.0, 0.0) if labelled else (60.0, 20.0)))
    struct.pack_into("<2h", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, *volume.ijk_to_ras[:3].ravel())
    header[344:348] = b"n+1\0"
    return bytes(header)

"""Region outlines as a reader once drew them: DICOM overlay planes, thin and noisy, with gaps and missing parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.regions import SIDED_REGIONS

if TYPE_CHECKING:
    from pydicom import Dataset

Plane = NDArray[np.bool_]
#: A plane of the image's size; one bound to its drawing, off the origin; one in the unused bits of the pixels.
Storage = Literal["plane", "cropped", "embedded"]
STORAGES: tuple[Storage, ...] = ("plane", "cropped", "embedded")
FIRST_GROUP = 0x6000
#: The pixels' bit that holds the first embedded plane, above the twelve of the image.
FIRST_FREE_BIT = 12


@dataclass(frozen=True)
class OutlineStyle:
    """How a series was drawn.

    Attributes:
        storage: where the planes are kept.
        split_sides: whether left and right stand in overlay groups of their own.
        gaps: part of each outline that is missing, in one to three stretches.
        dropout: part of its points that is missing at random.
        jitter_pixels: standard deviation of the hand, along the outline it changes slowly.
        missing_regions: labels 1..20 that were not drawn at all.
        missing_slices: part of the slices that was left out.
        off_image: whether a cropped plane begins outside the image.
    """

    storage: Storage = "plane"
    split_sides: bool = False
    gaps: float = 0.2
    dropout: float = 0.1
    jitter_pixels: float = 1.0
    missing_regions: tuple[int, ...] = ()
    missing_slices: float = 0.0
    off_image: bool = False


def draw_style(random: np.random.Generator) -> OutlineStyle:
    """A style as found in old archives: mostly whole planes, each tenth region or so left out."""
    return OutlineStyle(
        storage=STORAGES[int(random.choice(3, p=[0.6, 0.2, 0.2]))],
        split_sides=bool(random.random() < 0.25),
        gaps=float(random.uniform(0.05, 0.45)),
        dropout=float(random.uniform(0.0, 0.25)),
        jitter_pixels=float(random.uniform(0.3, 1.5)),
        missing_regions=tuple(label for label in range(1, len(SIDED_REGIONS) + 1) if random.random() < 0.08),
        missing_slices=float(random.choice([0.0, 0.0, 0.1, 0.3])),
        off_image=bool(random.random() < 0.3),
    )


def draw_outlines(labels: NDArray, style: OutlineStyle, random: np.random.Generator) -> list[Plane]:
    """The planes of one slice from its regions, both (rows, columns); one plane, or left and right.

    A slice that was left out, or that holds no region, has empty planes.
    """
    planes = [np.zeros(labels.shape, dtype=bool) for _ in range(2 if style.split_sides else 1)]
    if random.random() < style.missing_slices:
        return planes
    for label in np.unique(labels):
        if label == 0 or int(label) in style.missing_regions:
            continue
        rows, columns = _drawn_points(labels == label, style, random)
        planes[int(label > 10) if style.split_sides else 0][rows, columns] = True
    return planes


def _drawn_points(mask: Plane, style: OutlineStyle, random: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Rows and columns of what is left of a region's outline after hand and gaps."""
    points = np.argwhere(mask & ~ndimage.binary_erosion(mask))
    offset = points - points.mean(0)
    points = points[np.argsort(np.arctan2(offset[:, 0], offset[:, 1]))]
    count = len(points)
    kept = random.random(count) >= style.dropout
    stretches = int(random.integers(1, 4))
    for start in random.integers(0, count, stretches):
        kept[(start + np.arange(round(style.gaps * count / stretches))) % count] = False
    hand = ndimage.gaussian_filter1d(random.standard_normal((count, 2)), 3.0, axis=0, mode="wrap")
    hand *= style.jitter_pixels / max(float(hand.std()), 1e-6)
    moved = np.rint(points + hand).astype(int)[kept]
    moved = moved[((moved >= 0) & (moved < mask.shape)).all(1)]
    return moved[:, 0], moved[:, 1]


def add_overlays(dataset: Dataset, planes: list[Plane], style: OutlineStyle) -> None:
    """Put planes (rows, columns) into an uncompressed image in groups 6000, 6002, ..."""
    for number, plane in enumerate(planes):
        group = FIRST_GROUP + 2 * number
        if style.storage == "embedded":
            _embed(dataset, plane, group, FIRST_FREE_BIT + number)
        elif style.storage == "cropped":
            cropped, origin = _cropped(plane, style.off_image)
            _attach(dataset, cropped, origin, group)
        else:
            _attach(dataset, plane, (1, 1), group)


def _attach(dataset: Dataset, plane: Plane, origin: tuple[int, int], group: int) -> None:
    from pydicom.pixels.utils import pack_bits

    _describe(dataset, plane.shape, origin, group, bits_allocated=1, bit_position=0)
    dataset.add_new((group, 0x3000), "OW", pack_bits(plane.astype(np.uint8).ravel(), pad=True))


def _embed(dataset: Dataset, plane: Plane, group: int, bit: int) -> None:
    """Set one unused bit of each pixel, as scanners did before 2004 (retired, still in archives)."""
    _describe(dataset, plane.shape, (1, 1), group, bits_allocated=16, bit_position=bit)
    stored = np.frombuffer(dataset.PixelData, dtype="<u2").reshape(plane.shape)
    dataset.PixelData = (stored | (plane.astype(np.uint16) << bit)).astype("<u2").tobytes()


def _describe(
    dataset: Dataset,
    shape: tuple[int, ...],
    origin: tuple[int, int],
    group: int,
    bits_allocated: int,
    bit_position: int,
) -> None:
    dataset.add_new((group, 0x0010), "US", shape[0])
    dataset.add_new((group, 0x0011), "US", shape[1])
    dataset.add_new((group, 0x0022), "LO", "SYNTHETIC outlines")
    dataset.add_new((group, 0x0040), "CS", "G")
    dataset.add_new((group, 0x0050), "SS", list(origin))
    dataset.add_new((group, 0x0100), "US", bits_allocated)
    dataset.add_new((group, 0x0102), "US", bit_position)


def _cropped(plane: Plane, off_image: bool) -> tuple[Plane, tuple[int, int]]:
    """A plane cut to its drawing, with the 1-based row and column where it lies; it may begin outside the image."""
    if not plane.any():
        return plane[:8, :8], (1, 1)
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    top, left = int(rows[0]), int(columns[0])
    cropped = plane[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    if not off_image:
        return cropped, (top + 1, left + 1)
    return np.pad(cropped, ((top + 3, 0), (left + 5, 0))), (-2, -4)

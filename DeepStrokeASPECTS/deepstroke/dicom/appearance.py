"""What the pixels of a few slices say: kernel, brain inside a skull, contrast, and whether anything is there at all.

Tags lie: kernels are swapped between two reconstructions of one scan, contrast isn't entered, a phantom is called a
head. A handful of slices is decoded for each series whose tags are sound, which costs about a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.pixels import read_hu

Sharpness = Literal["soft", "sharp", "unclear"]

#: Heights of the looked-at slices, as fractions of the stack from base to vertex; the last one is its top.
_HEIGHTS = (0.3, 0.45, 0.6, 0.75, 1.0)
_SOFT_TISSUE_HU = (0.0, 90.0)
_BONE_HU = 150.0
_BRIGHT_HU = (100.0, 500.0)
#: Distance from the skull within which partial volume makes brain look bright.
_SKULL_MARGIN_MM = 8.0
_DETAIL_PIXELS = 9
_MIN_DETAIL_PIXELS = 2000

#: Noise in HU and correlation of neighbouring pixels. Measured on 5 mm slices: soft kernels 4 to 9 HU and 0.65 to
#: 0.8, a bone kernel of the same scan 37 to 54 HU and -0.03 to 0.06.
_SHARP_NOISE_HU = 15.0
_SHARP_CORRELATION = 0.4
_SOFT_NOISE_HU = 10.0
_SOFT_CORRELATION = 0.5


@dataclass(frozen=True)
class Appearance:
    """Measures on the slices that were looked at.

    Attributes:
        is_flat: every pixel has one value.
        noise_hu: standard deviation of fine detail in soft tissue; None where there is too little of it.
        correlation: of fine detail between neighbouring pixels of a row; None likewise.
        brain_cm2: largest soft-tissue area that bone encloses in one slice.
        top_brain_cm2: that area in the highest slice.
        bright_fraction: of the enclosed area away from bone, how much is brighter than any brain or fresh blood.
    """

    is_flat: bool
    noise_hu: float | None
    correlation: float | None
    brain_cm2: float
    top_brain_cm2: float
    bright_fraction: float

    @property
    def sharpness(self) -> Sharpness:
        """Whether the kernel is one for soft tissue or for bone, by noise and its correlation."""
        if self.noise_hu is None or self.correlation is None:
            return "unclear"
        if self.noise_hu > _SHARP_NOISE_HU and self.correlation < _SHARP_CORRELATION:
            return "sharp"
        if self.noise_hu < _SOFT_NOISE_HU or self.correlation > _SOFT_CORRELATION:
            return "soft"
        return "unclear"


def look(headers: Sequence[SliceHeader], *, base_first: bool) -> Appearance:
    """Decode and measure a few slices of a stack.

    Args:
        headers: sorted along their normal.
        base_first: whether the first slice is the lowest in the patient.

    Raises:
        DicomSeriesError: a slice can't be decoded or holds no Hounsfield units.
    """
    upwards = headers if base_first else headers[::-1]
    chosen = [upwards[round(height * (len(upwards) - 1))] for height in _HEIGHTS]
    hu, _ = read_hu(chosen)
    spacing = chosen[0].pixel_spacing or (1.0, 1.0)
    details = [detail for image in hu[:-1] if (detail := _measure_detail(image)) is not None]
    inside = [_measure_inside(image, spacing) for image in hu]
    noise, correlation = np.median(details, axis=0) if details else (None, None)
    return Appearance(
        is_flat=bool(hu.min() == hu.max()),
        noise_hu=None if noise is None else float(noise),
        correlation=None if correlation is None else float(correlation),
        brain_cm2=max(area for area, _ in inside),
        top_brain_cm2=inside[-1][0],
        bright_fraction=float(np.median([bright for _, bright in inside[:-1]])),
    )


def _measure_detail(image: NDArray[np.float32]) -> tuple[float, float] | None:
    """Standard deviation of fine detail in soft tissue, and its correlation between neighbours in a row."""
    smooth = ndimage.uniform_filter(image, _DETAIL_PIXELS)
    soft = (smooth > _SOFT_TISSUE_HU[0]) & (smooth < _SOFT_TISSUE_HU[1])
    core = ndimage.distance_transform_edt(soft)[:, 1:] > _DETAIL_PIXELS
    if np.count_nonzero(core) < _MIN_DETAIL_PIXELS:
        return None
    detail = image - smooth
    here, left = detail[:, 1:][core], detail[:, :-1][core]
    noise = float(here.std())
    if noise < 0.5:
        return noise, 1.0
    return noise, float(np.corrcoef(here, left)[0, 1])


def _measure_inside(image: NDArray[np.float32], spacing: tuple[float, float]) -> tuple[float, float]:
    """Soft tissue enclosed by bone in cm2, and the bright fraction of what lies well away from the skull."""
    coarse = ndimage.uniform_filter(image, 2)[::2, ::2]
    bone = ndimage.binary_closing(coarse > _BONE_HU, iterations=2)
    pieces, _ = ndimage.label(bone)
    skull = pieces == np.bincount(pieces.ravel(), minlength=2)[1:].argmax() + 1
    enclosed = ndimage.binary_fill_holes(skull) & ~skull
    soft = enclosed & (coarse > _SOFT_TISSUE_HU[0]) & (coarse < _SOFT_TISSUE_HU[1])
    pixel_cm2 = 4 * spacing[0] * spacing[1] / 100
    deep = enclosed & (ndimage.distance_transform_edt(~skull, [2 * step for step in spacing]) > _SKULL_MARGIN_MM)
    bright = deep & (coarse > _BRIGHT_HU[0]) & (coarse < _BRIGHT_HU[1])
    return float(soft.sum() * pixel_cm2), float(bright.sum() / max(int(deep.sum()), 1))

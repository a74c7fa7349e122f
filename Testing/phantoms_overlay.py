"""Outlines as a scan would carry them, drawn from regions that are known: with gaps, noise and missing regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.register import DisplacementField, SpatialTransform
from deepstroke.volume import LabelMap, Volume


@dataclass(frozen=True)
class Drawing:
    """How badly outlines are drawn.

    Attributes:
        gaps: share of every line that is missing, in stretches of about a centimetre.
        noise: share of the pixels around the regions that are set for no reason.
        missing: how many of the 20 regions aren't drawn at all.
        jitter: standard deviation in pixels by which line pixels are off.
    """

    gaps: float = 0.25
    noise: float = 0.002
    missing: int = 3
    jitter: float = 0.7


CLEAN = Drawing(gaps=0.0, noise=0.0, missing=0, jitter=0.0)


def draw_outlines(regions: LabelMap, seed: int, drawing: Drawing = Drawing()) -> Volume:
    """A point-cloud volume (0 or 1) of the outlines of regions on the slices of the third axis."""
    random = np.random.default_rng(seed)
    missing = random.choice(np.arange(1, 21), drawing.missing, replace=False)
    drawn = np.where(np.isin(regions.data, missing), 0, regions.data)
    line = (drawn > 0) & (_inside_differs(regions.data))
    blobs = ndimage.gaussian_filter(random.standard_normal(line.shape), (6, 6, 0.5))
    line &= blobs >= np.quantile(blobs, drawing.gaps)
    places = np.argwhere(line).astype(np.float64)
    places[:, :2] += random.normal(0, drawing.jitter, (len(places), 2))
    low, high = np.argwhere(regions.mask).min(axis=0), np.argwhere(regions.mask).max(axis=0)
    noise = random.integers(low, high, (int(drawing.noise * np.prod(high - low)), 3))
    cloud = np.zeros(line.shape, np.uint8)
    pixels = np.concatenate([np.rint(places).astype(int), noise]).clip(0, np.array(line.shape) - 1)
    cloud[tuple(pixels.T)] = 1
    return regions.with_data(cloud)


def _inside_differs(data: NDArray) -> NDArray[np.bool_]:
    """Pixels one of whose four neighbours in the slice is of another label."""
    padded = np.pad(data, ((1, 1), (1, 1), (0, 0)))
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return np.logical_or.reduce([side != data for side in around])


def smooth_warp(grid: Volume, seed: int, longest_mm: float, scale_mm: float = 18.0) -> SpatialTransform:
    """A smooth random displacement, points to points, whose longest is known; its inverse to within 0.01 mm."""
    step = 6.0
    shape = [int(np.ceil(n * s / step)) + 1 for n, s in zip(grid.shape, grid.spacing_mm, strict=True)]
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = grid.ras_of(np.zeros(3))
    noise = np.random.default_rng(seed).standard_normal((3, *shape))
    data = np.stack([ndimage.gaussian_filter(n, scale_mm / step, mode="constant") for n in noise], axis=-1)
    data *= longest_mm / np.linalg.norm(data, axis=-1).max()
    back = -data
    ijk = np.indices(shape).astype(np.float64)
    for _ in range(40):
        places = ijk + np.moveaxis(back, -1, 0) / step
        back = -np.stack([ndimage.map_coordinates(data[..., c], places, order=1) for c in range(3)], axis=-1)
    there, inverse = (DisplacementField(field.astype(np.float32), affine) for field in (data, back))
    return SpatialTransform((there,), (inverse,), "known")

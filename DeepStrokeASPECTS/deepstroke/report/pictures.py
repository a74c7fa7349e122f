"""Slices for the browser in ``report.html``: a compressed grey image each, and the outlines as SVG paths."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.regions import Region, Side
from deepstroke.report.axial import AxialSlices, Levels
from deepstroke.report.outlines import MOVE, Contour, Outline, trace_outlines

#: SVG units in one mm; whole numbers keep the paths short.
UNITS_PER_MM = 10
_WEBP_QUALITY = 82


@dataclass(frozen=True)
class RegionPath:
    """The outline of one region in SVG units, and the place of its name."""

    region: Region
    side: Side
    path: str
    x: int
    y: int


@dataclass(frozen=True)
class SlicePicture:
    """One axial slice.

    Attributes:
        number: counted from 1 at the base of the grid.
        height_mm: above the first slice.
        image: data URI of the slice in the stroke window.
        paths: outlines of its regions.
    """

    number: int
    height_mm: float
    image: str
    paths: tuple[RegionPath, ...]


def picture_slices(slices: AxialSlices, levels: Levels, most: int = 64) -> tuple[SlicePicture, ...]:
    """Pictures of all slices from the base up; of thin slices evenly spread ones, with those of both levels."""
    chosen = {*spread_slices(range(len(slices)), most), levels.ganglionic, levels.supraganglionic}
    return tuple(_picture(slices, k) for k in sorted(k for k in chosen if k is not None))


def spread_slices(indices: Iterable[int], most: int) -> list[int]:
    """At most so many of the indices, evenly spread, with the first and the last."""
    indices = [int(k) for k in indices]
    if len(indices) <= most:
        return indices
    return [indices[n] for n in np.rint(np.linspace(0, len(indices) - 1, most)).astype(int)]


def _picture(slices: AxialSlices, k: int) -> SlicePicture:
    paths = tuple(_region_path(outline) for outline in trace_outlines(slices, k))
    return SlicePicture(k + 1, k * slices.slice_mm, data_uri(slices.grey(k)), paths)


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """A compressed picture for a page: (rows, columns) of grey, or (rows, columns, 3) of red, green and blue."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=_WEBP_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _region_path(outline: Outline) -> RegionPath:
    x, y = (round(mm * UNITS_PER_MM) for mm in outline.centre_mm)
    return RegionPath(outline.region, outline.side, svg_path(outline), x, y)


def svg_path(contour: Contour) -> str:
    """A path of whole, relative steps; rounding doesn't add up, for the corners are rounded and not the steps."""
    points = np.rint(contour.points_mm * UNITS_PER_MM).astype(int)
    starts = np.flatnonzero(contour.codes == MOVE)
    parts = []
    for polygon in np.split(points, starts[1:]):
        corners = _corners(polygon[:-1])  # the last point is the first again
        steps = " ".join(f"{x} {y}" for x, y in np.diff(corners, axis=0))
        parts.append(f"M{corners[0][0]} {corners[0][1]}l{steps}z")
    return "".join(parts)


def _corners(points: NDArray[np.int_]) -> NDArray[np.int_]:
    """The points of a closed polygon at which it changes its direction."""
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    corners = points[turn != 0]
    return corners if len(corners) > 2 else points

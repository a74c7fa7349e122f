"""Outlines of label regions in one slice, true to the pixel border."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects

from deepstroke.regions import Region, Side, region_of
from deepstroke.report.axial import AxialSlices

#: The code of a path's point that starts a polygon, as Matplotlib defines it.
MOVE = 1


@dataclass(frozen=True, eq=False)
class Contour:
    """The contour of a mask in one slice.

    Attributes:
        points_mm: (points, 2), x to the right and y down from the upper left corner of the slice; holes run the
            other way round than what they lie in.
        codes: (points,), Matplotlib's path codes; the last point of a polygon closes it and is its first one again.
        centre_mm: (x, y) of the point deepest inside.
    """

    points_mm: NDArray[np.float64]
    codes: NDArray[np.uint8]
    centre_mm: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Outline(Contour):
    """The contour of one region on one side in one slice.

    Attributes:
        region, side: which.
    """

    region: Region
    side: Side


def trace_outlines(slices: AxialSlices, k: int) -> Iterator[Outline]:
    """The outlines of all regions in slice k, in the order of their labels."""
    for label, box in enumerate(find_objects(slices.labels[k]), start=1):
        if box is not None:
            mask = slices.labels[k][box] == label
            contour = trace_mask(mask, slices.pixel_mm, (box[0].start, box[1].start))
            region, side = region_of(label)
            yield Outline(contour.points_mm, contour.codes, contour.centre_mm, region, side)


def trace_mask(mask: NDArray[np.bool_], pixel_mm: tuple[float, float], corner: tuple[int, int] = (0, 0)) -> Contour:
    """The contour of a mask that isn't empty.

    Args:
        mask: (rows, columns) of a part of a slice.
        pixel_mm: height and width of a pixel.
        corner: row and column of the slice at which the mask begins.
    """
    from contourpy import FillType, contour_generator

    padded = np.pad(mask, 1)
    tracer = contour_generator(z=padded.astype(np.float32), fill_type=FillType.OuterCode)
    polygons, codes = cast("tuple[list[NDArray[np.float64]], list[NDArray[np.uint8]]]", tracer.filled(0.5, 2.0))
    depth = distance_transform_edt(padded, sampling=pixel_mm)
    row, column = np.unravel_index(int(np.argmax(depth)), padded.shape)
    # Index n of the padded mask is the centre of the slice's pixel corner + n - 1, half a pixel from that one's edge.
    to_mm = np.array(pixel_mm)[::-1]
    origin = np.array(corner)[::-1] - 0.5
    x, y = (np.array([column, row]) + origin) * to_mm
    points = (np.concatenate(polygons) + origin) * to_mm
    return Contour(points, np.concatenate(codes), (float(x), float(y)))

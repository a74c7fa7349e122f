"""Outlines of regions on axial slices, as voxels and as points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.volume import LabelMap


def outlines(labels: LabelMap) -> LabelMap:
    """The inner boundary of every region on each slice of the third axis, one voxel thick.

    A voxel of a region is on its outline if one of its four neighbours in the slice (or the slice's edge) is not of
    the region. Regions that touch each keep their own outline.

    Example:
        >>> import numpy as np
        >>> square = np.zeros((5, 5, 1), np.uint8); square[1:4, 1:4] = 7
        >>> outlines(LabelMap(square, np.eye(4))).data[:, :, 0].tolist()[2]
        [0, 7, 0, 7, 0]
    """
    padded = np.pad(labels.data, ((1, 1), (1, 1), (0, 0)))
    centre = padded[1:-1, 1:-1]
    neighbours = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    edge = np.zeros(centre.shape, dtype=bool)
    for neighbour in neighbours:
        edge |= neighbour != centre
    return labels.with_labels(np.where(edge, centre, 0))


def border_points(labels: LabelMap, inset_mm: float = 0.0) -> NDArray[np.float64]:
    """RAS+ mm of the borders of all regions within slices, one point on each voxel face for each region at it, (N, 3).

    Slices are those of the third axis, on which outlines are drawn: tops and bottoms of regions have no points.

    Args:
        labels: the regions.
        inset_mm: how far inside its region a point lies; outlines drawn along a region's inner edge lie half a pixel
            inside.
    """
    padded = np.pad(labels.data, ((1, 1), (1, 1), (0, 0)))
    points = []
    for axis, inset in enumerate(inset_mm / spacing for spacing in labels.spacing_mm[:2]):
        one, other = (np.delete(padded, end, axis) for end in (-1, 0))
        for region, side in ((one, -inset), (other, inset)):
            places = np.argwhere((one != other) & (region > 0)) - (1.0, 1.0, 0.0)
            places[:, axis] += 0.5 + side
            points.append(places)
    return labels.ras_of(np.concatenate(points))

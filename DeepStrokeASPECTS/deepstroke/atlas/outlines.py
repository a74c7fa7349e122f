"""Outlines of regions on axial slices."""

from __future__ import annotations

import numpy as np

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

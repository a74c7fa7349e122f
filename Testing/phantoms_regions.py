"""Label maps of boxes: all ten regions on both sides, so that every figure is known by hand."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from deepstroke.volume import LabelMap

#: i runs to the patient's right, 1 x 1 x 2 mm, so that a voxel has 0.002 ml.
SPACING_MM = (1.0, 1.0, 2.0)
#: A region is a box of 3 x 1 x 8 voxels.
VOXELS = 24
REGION_ML = VOXELS * 0.002


def boxes(shift_k: int = 0, without: Iterable[int] = (), sided: bool = True, swapped: bool = False) -> LabelMap:
    """Region n as a box in row n, on the left at low i and on the right at high i.

    Args:
        shift_k: voxels by which all boxes are moved up; each of them leaves an eighth of its box behind.
        without: labels that are left out.
        sided: whether the right side has labels 11..20.
        swapped: whether left and right are exchanged.
    """
    data: NDArray[np.uint8] = np.zeros((24, 12, 14), np.uint8)
    for number in range(1, 11):
        for label, start in ((number, 3), (number + 10, 18)):
            if label not in without:
                data[start : start + 3, number, 2 + shift_k : 10 + shift_k] = label
    if swapped:
        data = np.where(data > 10, data - 10, np.where(data > 0, data + 10, 0)).astype(np.uint8)
    if not sided:
        data = np.where(data > 10, data - 10, data).astype(np.uint8)
    return LabelMap(data, np.diag([*SPACING_MM, 1.0]))

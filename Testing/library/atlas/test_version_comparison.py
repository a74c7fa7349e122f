"""Two versions of small regions."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.atlas.version_comparison import Difference, compare_region, difference_map
from deepstroke.errors import GeometryError
from deepstroke.volume import LabelMap

AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])


def block(start: int, stop: int, label: int = 6) -> LabelMap:
    data = np.zeros((20, 6, 3), np.uint8)
    data[start:stop, 2:4, 1] = label
    return LabelMap(data, AFFINE)


def test_equal_regions_agree() -> None:
    found = compare_region(block(2, 8), block(2, 8), 6)
    assert (found.dice, found.mean_mm, found.hausdorff95_mm) == (1.0, 0.0, 0.0)
    assert found.volume_ml == pytest.approx(6 * 2 * 0.02)


def test_a_longer_region() -> None:
    found = compare_region(block(2, 8), block(2, 10), 6)
    assert found.dice == pytest.approx(2 * 12 / (12 + 16))
    assert found.mean_mm == pytest.approx((2 * 2 + 2 * 4) / (12 + 16))  # two voxels at 2 mm, two at 4 mm
    assert found.other_ml == pytest.approx(0.32)


def test_regions_that_one_or_both_lack() -> None:
    one = compare_region(block(2, 8), block(2, 8, label=7), 7)
    assert (one.dice, one.mean_mm, one.volume_ml) == (0.0, None, 0.0)
    assert compare_region(block(2, 8), block(2, 8), 9).dice is None


def test_the_difference_says_what_became_of_each_voxel() -> None:
    here, there = block(2, 8).data.copy(), block(4, 10).data.copy()
    there[7, 2, 1] = 7
    found = difference_map(LabelMap(here, AFFINE), LabelMap(there, AFFINE)).data[:, 2, 1]
    assert found[2:4].tolist() == [Difference.ADDED] * 2
    assert found[4:7].tolist() == [Difference.SAME] * 3
    assert found[7] == Difference.OTHER_REGION
    assert found[8:10].tolist() == [Difference.REMOVED] * 2


def test_other_grids_are_refused() -> None:
    moved = LabelMap(block(2, 8).data, np.eye(4))
    for compare in (lambda: compare_region(block(2, 8), moved, 6), lambda: difference_map(block(2, 8), moved)):
        with pytest.raises(GeometryError, match="the other version"):
            compare()

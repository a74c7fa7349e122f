"""Outlines on shapes whose border is known by hand."""

from __future__ import annotations

import numpy as np

from deepstroke.atlas import outlines
from deepstroke.volume import LabelMap


def test_outlines_lie_inside_and_touching_regions_keep_their_own() -> None:
    data = np.zeros((8, 5, 2), dtype=np.uint8)
    data[1:4, 1:4, 0] = 3
    data[4:7, 1:4, 0] = 14
    expected = data.copy()
    expected[2, 2, 0] = expected[5, 2, 0] = 0
    found = outlines(LabelMap(data, np.diag([1.0, 1.0, 5.0, 1.0])))
    np.testing.assert_array_equal(found.data, expected)
    np.testing.assert_array_equal(found.ijk_to_ras, np.diag([1.0, 1.0, 5.0, 1.0]))


def test_the_edge_of_the_slice_closes_a_region() -> None:
    data = np.full((4, 4, 1), 9, dtype=np.uint8)
    found = outlines(LabelMap(data, np.eye(4))).data[:, :, 0]
    assert found.sum() == 9 * 12
    assert not found[1:3, 1:3].any()


def test_neighbouring_slices_do_not_matter() -> None:
    data = np.zeros((5, 5, 3), dtype=np.uint8)
    data[1:4, 1:4, 1] = 2
    assert outlines(LabelMap(data, np.eye(4))).data[2, 2, 1] == 0

"""Sides of predicted regions on boxes that lie left and right of a plane."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.evaluation import place_sides
from deepstroke.volume import LabelMap

#: i rises to the patient's right; one voxel is 0.01 ml.
_IJK_TO_RAS = np.diag([1.0, 1.0, 10.0, 1.0])


def _labels(left: int, right: int) -> LabelMap:
    data = np.zeros((10, 4, 4), np.uint8)
    data[1:4, 1:3, 1:3], data[6:9, 1:3, 1:3] = left, right
    return LabelMap(data, _IJK_TO_RAS)


def test_a_region_on_its_side() -> None:
    left, right = place_sides(_labels(5, 15), _labels(5, 15))
    assert (left.label, left.same_side_ml, left.other_side_ml) == (5, pytest.approx(0.12), 0.0)
    assert (right.label, right.swapped) == (15, False)


def test_swapped_sides_are_found_even_where_the_region_differs() -> None:
    found = place_sides(_labels(16, 5), _labels(5, 15))
    assert [(p.label, p.other_side_ml, p.swapped) for p in found] == [
        (5, pytest.approx(0.12), True),
        (16, pytest.approx(0.12), True),
    ]


def test_what_lies_on_background_counts_for_no_side() -> None:
    truth = LabelMap(np.zeros((10, 4, 4), np.uint8), _IJK_TO_RAS)
    assert [(p.same_side_ml, p.other_side_ml, p.swapped) for p in place_sides(_labels(5, 0), truth)] == [(0, 0, False)]


def test_other_labels_and_grids_are_refused() -> None:
    with pytest.raises(InputError, match=r"0\.\.20, found 21"):
        place_sides(_labels(21, 1), _labels(5, 15))
    with pytest.raises(GeometryError, match="another grid"):
        place_sides(LabelMap(_labels(5, 15).data, np.eye(4)), _labels(5, 15))

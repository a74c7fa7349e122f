"""Where labels are found in many maps."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.labels.supports import gather_supports, whole_numbers
from deepstroke.volume import LabelMap


def line(*labels: int) -> np.ndarray:
    return np.array([[labels]])


def test_a_support_is_the_union_over_all_maps_and_volumes_are_means() -> None:
    supports = gather_supports(iter([line(0, 5, 5, 0), line(0, 0, 5, 7)]), labels=[9])
    assert supports.labels == (5, 7, 9)
    assert supports.mean_voxels.tolist() == [1.5, 0.5, 0.0]
    five, seven, nine = supports.of
    assert five.box == (slice(0, 1), slice(0, 1), slice(1, 3))
    assert five.mask.all()
    assert seven.box[2] == slice(3, 4)
    assert nine.is_empty
    assert (supports.shape, supports.maps) == ((1, 1, 4), 2)


def test_overlap_is_seen_where_boxes_differ() -> None:
    first, second, third = gather_supports([line(1, 1, 2, 2, 3), line(1, 1, 1, 2, 3)]).of
    assert first.overlaps(second)
    assert second.overlaps(first)
    assert not second.overlaps(third)


def test_boxes_that_cross_need_not_overlap() -> None:
    corner = np.array([[[1, 1], [1, 2]]])
    one, two = gather_supports([corner]).of
    assert not one.overlaps(two)


def test_large_label_numbers_are_kept() -> None:
    supports = gather_supports([line(0, 3_000_000, 40_000, 40_000)])
    assert supports.labels == (40_000, 3_000_000)
    assert supports.mean_voxels.tolist() == [2.0, 1.0]
    assert supports.of[1].box[2] == slice(1, 2)


def test_the_largest_number_taken_as_it_is_and_the_first_numbered_anew() -> None:
    assert gather_supports([line(1 << 15)]).labels == (1 << 15,)
    assert gather_supports([line((1 << 15) + 1)]).labels == ((1 << 15) + 1,)


def test_whole_numbers_in_floats_and_label_maps_are_taken() -> None:
    assert whole_numbers(np.array([[[0.0, 2.0]]])).tolist() == [[[0, 2]]]
    assert whole_numbers(LabelMap(line(0, 4), np.eye(4))).tolist() == [[[0, 4]]]
    assert whole_numbers(np.array([[[True, False]]])).tolist() == [[[1, 0]]]


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (np.array([[[0.5]]]), "holds whole numbers, found fractions"),
        (np.array([[[-1]]]), "labels start at 0, found -1"),
        (np.array([[1, 2]]), r"three non-empty axes, found shape \(1, 2\)"),
        (np.zeros((0, 2, 2), int), r"three non-empty axes, found shape \(0, 2, 2\)"),
    ],
)
def test_what_is_no_label_map_is_refused(data: np.ndarray, match: str) -> None:
    with pytest.raises(InputError, match=match):
        gather_supports([data])


def test_maps_of_different_shapes_are_refused() -> None:
    with pytest.raises(GeometryError, match=r"on one grid: found shapes \(1, 1, 2\) and \(1, 1, 3\)"):
        gather_supports([line(1, 2), line(1, 2, 3)])


def test_no_map_is_refused() -> None:
    with pytest.raises(InputError, match="no label map was given"):
        gather_supports([])

"""Edits of a small region map with answers known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.atlas.editing import filled, largest_pieces, midline_mm, mirrored, smoothed, split_at_level
from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.volume import LabelMap

#: 2 x 3 x 4 mm voxels; i = 6 lies on x = 0.
AFFINE = np.array([[2.0, 0, 0, -12.0], [0, 3.0, 0, 0], [0, 0, 4.0, 0], [0, 0, 0, 1]])
SHAPE = (13, 10, 6)


def empty() -> np.ndarray:
    return np.zeros(SHAPE, np.uint8)


def test_left_goes_to_the_mirrored_place_on_the_right() -> None:
    data = empty()
    data[1:4, 2, 3] = 5
    data[11, 8, 0] = 15
    image = mirrored(LabelMap(data, AFFINE), {5}).data
    assert np.argwhere(image == 15).tolist() == [[9, 2, 3], [10, 2, 3], [11, 2, 3]]
    np.testing.assert_array_equal(image == 5, data == 5)


def test_right_goes_to_the_left_too_and_sides_are_those_of_the_world() -> None:
    flipped = np.diag([-1.0, 1, 1, 1]) @ AFFINE
    data = empty()
    data[2, 2, 2] = 15
    image = mirrored(LabelMap(data, flipped), {15}).data
    assert np.argwhere(image == 5).tolist() == [[10, 2, 2]]
    assert np.argwhere(image == 15).tolist() == [[2, 2, 2]]


def test_the_image_takes_from_other_regions_but_not_from_its_source() -> None:
    data = empty()
    data[5:8, 2, 3] = 1
    data[8, 2, 3] = 12
    data[4, 2, 3] = 1
    image = mirrored(LabelMap(data, AFFINE), {1}).data
    assert image[4:9, 2, 3].tolist() == [1, 1, 1, 1, 11]


def test_what_would_fall_outside_of_the_grid_is_left_out() -> None:
    data = empty()
    data[0:3, 2, 3] = 5
    image = mirrored(LabelMap(data, AFFINE), {5}, midline=2.0).data
    assert np.argwhere(image == 15)[:, 0].tolist() == [12]


def test_mirroring_refuses_both_sides_none_and_oblique_grids() -> None:
    labels = LabelMap(empty(), AFFINE)
    with pytest.raises(InputError, match="of one side"):
        mirrored(labels, {5, 15})
    with pytest.raises(InputError, match="of one side"):
        mirrored(labels, set())
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    with pytest.raises(GeometryError, match="across the midline"):
        mirrored(LabelMap(empty(), turn @ AFFINE), {5})


def test_the_midline_is_half_way_between_the_sides_on_a_half_voxel() -> None:
    data = empty()
    data[1, 1, 1], data[10, 1, 1] = 3, 13
    assert midline_mm(LabelMap(data, AFFINE)) == pytest.approx(-1.0)
    data[10, 1, 1] = 0
    with pytest.raises(InputError, match="both sides"):
        midline_mm(LabelMap(data, AFFINE))


def test_holes_are_filled_slice_by_slice_around_other_regions() -> None:
    data = empty()
    data[1:6, 1:6, 1] = 6
    data[2, 2, 1] = 0
    data[4, 4, 1] = 4
    data[9:12, 1:4, 1] = 7
    data[10, 2, 1] = 0
    result = filled(LabelMap(data, AFFINE), {6}).data
    assert (result[2, 2, 1], result[4, 4, 1], result[10, 2, 1]) == (6, 4, 0)
    assert np.count_nonzero(result == 6) == 24


def test_a_bay_in_the_slice_is_no_hole_though_slices_close_it() -> None:
    data = empty()
    data[1:6, 1:6, 0:3] = 6
    data[5, 3, 1] = data[4, 3, 1] = 0
    np.testing.assert_array_equal(filled(LabelMap(data, AFFINE), {6}).data, data)


def test_only_the_largest_piece_of_the_named_regions_stays() -> None:
    data = empty()
    data[1:4, 1, 1], data[8:10, 8, 4], data[6, 6, 2], data[6, 8, 2] = 9, 9, 10, 10
    result = largest_pieces(LabelMap(data, AFFINE), {9}).data
    assert np.argwhere(result == 9).tolist() == [[1, 1, 1], [2, 1, 1], [3, 1, 1]]
    assert np.count_nonzero(result == 10) == 2


def test_smoothing_takes_a_spike_off_and_leaves_no_gap_between_neighbours() -> None:
    data = np.zeros((20, 20, 8), np.uint8)
    data[3:10, 3:17, 1:7] = 6
    data[10:17, 3:17, 1:7] = 9
    data[10:13, 9, 4] = 6
    result = smoothed(LabelMap(data, np.eye(4)), {6}, 1.0).data
    assert result[12, 9, 4] == 9
    assert np.all(result[5:15, 5:15, 3:5] > 0)
    assert np.count_nonzero(result[10:, 9, 4] == 6) == 0
    np.testing.assert_array_equal(result[14:], data[14:])


def test_smoothing_keeps_a_straight_border() -> None:
    data = np.zeros((12, 12, 12), np.uint8)
    data[:6], data[6:] = 6, 9
    np.testing.assert_array_equal(smoothed(LabelMap(data, np.eye(4)), {6}, 1.5).data, data)


def test_smoothing_needs_a_scale() -> None:
    with pytest.raises(ConfigError, match="above 0 mm, found 0"):
        smoothed(LabelMap(empty(), AFFINE), {6}, 0.0)


def test_the_plane_of_the_levels_renames_m1_to_m6_on_both_sides() -> None:
    data = empty()
    for row, label in enumerate((5, 6, 7, 15, 16, 17)):
        data[row, 1, :] = label
    for row, label in enumerate((8, 9, 10, 18, 19, 20)):
        data[row, 3, :] = label
    data[0, 5, :] = 1
    result = split_at_level(LabelMap(data, AFFINE), 12.0).data
    assert result[0, 1].tolist() == [5, 5, 5, 8, 8, 8]
    assert result[5, 3].tolist() == [17, 17, 17, 20, 20, 20]
    assert set(result[0, 5].tolist()) == {1}
    assert np.count_nonzero(result) == np.count_nonzero(data)


def test_regions_are_sided_labels() -> None:
    with pytest.raises(InputError, match=r"1\.\.20, found 21"):
        filled(LabelMap(empty(), AFFINE), {21})


def test_inputs_stay_as_they_are() -> None:
    data = empty()
    data[1:6, 1:6, 1] = 6
    data[3, 3, 1] = 0
    kept = data.copy()
    labels = LabelMap(data, AFFINE)
    for edit in (filled, largest_pieces, smoothed, mirrored):
        edit(labels, {6})
    split_at_level(labels, 0.0)
    np.testing.assert_array_equal(data, kept)

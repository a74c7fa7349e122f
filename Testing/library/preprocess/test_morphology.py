"""Morphology in millimetres, on shapes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from deepstroke.preprocess.morphology import (
    close,
    component_with,
    depth,
    dilate,
    dilate_by_voxel,
    distance_to,
    erode,
    largest_component,
    without_small_holes,
)


def _ball(radius: float, size: int = 31) -> np.ndarray:
    i, j, k = np.indices((size, size, size)) - size // 2
    return i**2 + j**2 + k**2 <= radius**2


def test_depth_counts_from_the_nearest_voxel_outside() -> None:
    slab = np.zeros((9, 5, 5), bool)
    slab[2:7] = True
    assert depth(slab, 2.0)[:, 2, 2].tolist() == [0, 0, 2, 4, 6, 4, 2, 0, 0]
    assert distance_to(slab, 2.0)[:, 2, 2].tolist() == [4, 2, 0, 0, 0, 0, 0, 2, 4]


def test_a_mask_without_an_outside_is_infinitely_deep() -> None:
    assert np.isinf(depth(np.ones((3, 3, 3), bool), 1.0)).all()


def test_dilation_and_erosion_by_a_ball_change_the_radius() -> None:
    assert np.array_equal(dilate(_ball(0), 5.0, 1.0), _ball(5))
    assert dilate(_ball(5), 8.0, 2.0).sum() == pytest.approx(_ball(9).sum(), rel=0.15)
    assert erode(_ball(9), 4.0, 1.0).sum() == pytest.approx(_ball(5).sum(), rel=0.25)


def test_the_edge_of_the_array_does_not_erode() -> None:
    half = np.zeros((10, 5, 5), bool)
    half[4:] = True
    assert erode(half, 2.0, 1.0)[:, 2, 2].tolist() == [False] * 6 + [True] * 4


def test_closing_fills_a_cleft_and_keeps_the_outline() -> None:
    cleft = _ball(10)
    cleft[15, 10:, :] = False
    closed = close(cleft, 3.0, 1.0)
    assert closed[15, 15, 15]
    assert closed.sum() == pytest.approx(_ball(10).sum(), rel=0.02)


def test_closing_reaches_over_the_edge_of_the_array() -> None:
    mask = np.zeros((6, 6, 6), bool)
    mask[:, :2] = mask[:, 4:] = True
    assert close(mask, 2.0, 1.0)[1:-1, 2:4, 1:-1].all()


def test_components() -> None:
    mask = np.zeros((10, 3, 3), bool)
    mask[:3] = mask[5:9] = True
    assert largest_component(mask)[:, 1, 1].tolist() == [False] * 5 + [True] * 4 + [False]
    assert not largest_component(np.zeros((3, 3, 3), bool)).any()
    seed = np.zeros_like(mask)
    seed[3] = True
    assert component_with(mask, seed)[:, 1, 1].tolist() == [True] * 4 + [False] * 6


def test_labels_grow_by_one_voxel_and_keep_their_own() -> None:
    labels = np.zeros((7, 3, 3), int)
    labels[1], labels[4] = 2, 1
    assert dilate_by_voxel(labels)[:, 1, 1].tolist() == [2, 2, 2, 1, 1, 1, 0]


def test_small_holes_are_filled_and_large_ones_stay() -> None:
    mask = np.ones((20, 20, 20), bool)
    mask[3, 3, 3:5] = False
    mask[10:13, 10:13, 10:13] = False
    filled = without_small_holes(mask, 2)
    assert filled[3, 3, 3:5].all()
    assert not filled[11, 11, 11]
    assert np.count_nonzero(~filled) == 27


@pytest.mark.parametrize("margin", [0, 1, 6])
def test_distances_are_those_of_the_whole_array_wherever_the_mask_lies(margin: int) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(margin).normal(size=(20, 24, 22)), 2.0)
    mask = np.pad(noise > 0.02, ((margin, 0), (0, margin), (margin, margin)))
    np.testing.assert_allclose(depth(mask, 1.5), ndimage.distance_transform_edt(mask) * 1.5, rtol=1e-6)
    far = ndimage.distance_transform_edt(~mask) * 1.5
    for radius in (1.0, 4.0, 7.5):
        np.testing.assert_array_equal(dilate(mask, radius, 1.5), far <= radius)


def test_an_empty_mask_has_no_depth_and_grows_nowhere() -> None:
    empty = np.zeros((4, 5, 6), bool)
    assert not depth(empty, 1.0).any()
    assert not dilate(empty, 3.0, 1.0).any()

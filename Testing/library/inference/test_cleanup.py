"""Islands, pockets and sides of label maps drawn voxel by voxel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke.inference.cleanup import clean

VOXEL_ML = 0.001


def _empty() -> NDArray[np.uint8]:
    return np.zeros((20, 14, 12), np.uint8)


def test_an_island_goes_to_what_touches_most_of_its_faces() -> None:
    labels = _empty()
    labels[2:6, 2:12, 2:10] = 5
    labels[6:9, 2:12, 2:10] = 6
    labels[8, 6:8, 5] = 5  # inside 6, at its outer face
    cleaned = clean(labels, VOXEL_ML)
    assert (cleaned.labels[6:9, 2:12, 2:10] == 6).all()
    assert (cleaned.labels[2:6, 2:12, 2:10] == 5).all()
    assert cleaned.loose[5] == pytest.approx(2 / (4 * 10 * 8 + 2))
    assert cleaned.loose[6] == 0


def test_an_island_in_the_background_vanishes() -> None:
    labels = _empty()
    labels[2:6, 2:12, 2:10] = 5
    labels[8, 6:8, 5] = 5
    cleaned = clean(labels, VOXEL_ML).labels
    assert np.count_nonzero(cleaned) == 4 * 10 * 8
    assert not cleaned[8].any()


def test_an_island_never_goes_to_the_other_side() -> None:
    labels = _empty()
    labels[2:6, 2:12, 2:10] = 3  # left
    labels[6:12, 2:12, 2:10] = 14  # right
    labels[11, 6, 5] = 3  # a left island in a dent of the right's outer face
    cleaned = clean(labels, VOXEL_ML).labels
    assert cleaned[11, 6, 5] == 0
    assert set(np.unique(cleaned[6:])) == {0, 14}


def test_a_hole_is_filled_and_a_large_cavity_stays() -> None:
    labels = _empty()
    labels[2:14, 2:12, 2:10] = 7
    labels[4, 4, 4] = 0
    labels[8:12, 5:9, 4:8] = 0
    small = clean(labels, VOXEL_ML).labels
    assert (small[2:14, 2:12, 2:10] == 7).all()
    # With voxels of 0.1 ml the cavity has 6.4 ml, which is no flaw.
    large = clean(labels, 0.1).labels
    assert large[4, 4, 4] == 7
    assert not large[8:12, 5:9, 4:8].any()


def test_a_pocket_between_regions_of_one_side_is_filled_and_one_on_the_midline_stays() -> None:
    labels = _empty()
    labels[2:6, 2:12, 2:10], labels[6:9, 2:12, 2:10] = 5, 6
    labels[5:7, 6, 5] = 0  # half in either region
    labels[9:13, 2:12, 2:10] = 15
    labels[8:10, 8, 8] = 0  # between left and right
    cleaned = clean(labels, VOXEL_ML).labels
    assert (cleaned[5:7, 6, 5] > 0).all()
    assert not cleaned[8:10, 8, 8].any()


def test_an_open_bay_stays_open() -> None:
    labels = _empty()
    labels[2:14, 2:12, 2:10] = 7
    labels[5, 5, 6:10] = 0
    assert not clean(labels, VOXEL_ML).labels[5, 5, 6:10].any()


def test_every_label_ends_in_one_piece() -> None:
    from scipy import ndimage

    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 21, (7, 5, 4)), np.ones((3, 3, 3))).astype(np.uint8)
    labels[rng.random(labels.shape) < 0.05] = 9
    cleaned = clean(labels, VOXEL_ML).labels
    for value in np.unique(cleaned[cleaned > 0]):
        assert ndimage.label(cleaned == value)[1] == 1


def test_the_map_given_is_not_changed_and_an_empty_one_stays_empty() -> None:
    labels = _empty()
    labels[2, 2, 2] = labels[8, 8, 8] = 4
    before = labels.copy()
    clean(labels, VOXEL_ML)
    assert np.array_equal(labels, before)
    assert not clean(_empty(), VOXEL_ML).labels.any()

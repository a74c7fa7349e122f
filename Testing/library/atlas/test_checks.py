"""Checks of sided label maps on a small one with answers known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.atlas.checks import (
    centroids_ras,
    check_labels,
    in_one_piece,
    is_mirror_symmetric,
    keeps_levels,
    parts_of,
    require_sides,
    volumes_ml,
)
from deepstroke.errors import GeometryError
from deepstroke.volume import LabelMap

#: 2 x 3 x 4 mm voxels, x = 0 in the middle of the first axis.
AFFINE = np.array([[2.0, 0, 0, -8.0], [0, 3.0, 0, 0], [0, 0, 4.0, 0], [0, 0, 0, 1]])


def blocks() -> LabelMap:
    """Ten blocks of 2 x 1 x 1 voxels on each side: region n at row n, M4-M6 one slice higher."""
    data = np.zeros((9, 12, 4), dtype=np.uint8)
    for number in range(1, 11):
        k = 2 if number >= 8 else 1
        data[1:3, number, k] = number
        data[6:8, number, k] = number + 10
    return LabelMap(data, AFFINE)


def test_a_sound_map_has_no_findings() -> None:
    check = check_labels(blocks())
    assert check.faults == ()
    assert check.warnings == ()


def test_volumes_and_centroids() -> None:
    assert volumes_ml(blocks()) == pytest.approx(dict.fromkeys(range(1, 21), 2 * 24 / 1000))
    centres = centroids_ras(blocks())
    np.testing.assert_allclose(centres[1], (-5.0, 3.0, 4.0))
    np.testing.assert_allclose(centres[20], (5.0, 30.0, 8.0))


def test_missing_and_unknown_labels_are_faults_told_together() -> None:
    data = blocks().data.copy()
    data[data == 7] = 0
    data[0, 0, 0] = 33
    messages = [fault.message for fault in check_labels(LabelMap(data, AFFINE)).faults]
    assert messages == ["labels are 1..20, found also [33]", "without voxels: left M3"]


def test_swapped_sides_are_a_fault_in_the_world_not_in_the_array() -> None:
    mirrored = LabelMap(blocks().data, np.diag([-1.0, 1, 1, 1]) @ AFFINE)
    assert [fault.code for fault in check_labels(mirrored).faults] == ["left-right-swapped"]
    reversed_too = LabelMap(blocks().data[::-1], np.diag([-1.0, 1, 1, 1]) @ AFFINE)
    assert check_labels(reversed_too).faults == ()


def test_a_mirrored_head_is_refused_by_name() -> None:
    require_sides(blocks())
    with pytest.raises(GeometryError, match=r"left labels lie on the patient's right: C, L, .*mirrors the head"):
        require_sides(LabelMap(blocks().data[::-1], AFFINE))


def test_sides_hold_in_a_frame_whose_midline_is_elsewhere() -> None:
    shifted = AFFINE.copy()
    shifted[0, 3] = -127.0
    require_sides(LabelMap(blocks().data, shifted))


def test_fragments_and_uneven_sides_are_warnings() -> None:
    data = blocks().data.copy()
    data[1, 6, 3] = 6
    check = check_labels(LabelMap(data, AFFINE))
    assert check.faults == ()
    assert [warning.message for warning in check.warnings] == [
        "in more than one piece: left M2 (2)",
        "sides differ in volume: M2 (0.1 ml left, 0.0 ml right)",
    ]


def test_voxels_that_share_an_edge_only_are_two_pieces() -> None:
    data = np.zeros((3, 3, 1), dtype=np.uint8)
    data[0, 0, 0] = data[1, 1, 0] = data[1, 2, 0] = 5
    labels = LabelMap(data, np.eye(4))
    assert parts_of(labels) == {5: 2}
    assert in_one_piece(labels).data[:, :, 0].tolist() == [[0, 0, 0], [0, 5, 5], [0, 0, 0]]


def test_mirror_symmetry_is_exact() -> None:
    assert is_mirror_symmetric(blocks())
    data = blocks().data.copy()
    data[1, 6, 1] = 0
    assert not is_mirror_symmetric(LabelMap(data, AFFINE))


def test_levels_must_not_share_a_slice() -> None:
    assert keeps_levels(blocks())
    data = blocks().data.copy()
    data[2, 5, 2] = 5
    assert not keeps_levels(LabelMap(data, AFFINE))

"""The rule for the grid's planes, and stacks that make no grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.dicom.grid import plane_offsets, straighten
from deepstroke.dicom.source import FileSource
from deepstroke.dicom.stack import SliceStack
from deepstroke.errors import GeometryError


def upright(heights: list[float]) -> SliceStack:
    n = len(heights)
    return SliceStack(
        rows=4,
        columns=5,
        pixel_spacing_mm=(2.0, 1.0),
        positions_ras=np.array([[0.0, 0.0, z] for z in heights]),
        row_directions_ras=np.tile([1.0, 0.0, 0.0], (n, 1)),
        column_directions_ras=np.tile([0.0, 1.0, 0.0], (n, 1)),
        sop_instance_uids=tuple(map(str, range(n))),
        frame_numbers=(None,) * n,
        sources=(FileSource(Path("x")),) * n,
    )


def test_even_slices_keep_their_planes_within_rounding() -> None:
    offsets = np.array([0.0, 5.0, 10.004, 15.0])
    assert np.allclose(plane_offsets(offsets), [0, 5, 10, 15])


def test_uneven_slices_get_planes_as_dense_as_the_thinner_part() -> None:
    offsets = np.cumsum([0.0] + [2.5] * 10 + [5.0] * 20)
    planes = plane_offsets(offsets)
    assert planes[0] == 0
    assert planes[-1] == offsets[-1]
    assert np.allclose(np.diff(planes), 2.5)


def test_a_single_overlap_does_not_multiply_the_planes() -> None:
    offsets = np.cumsum([0.0] + [5.0] * 10 + [0.5] + [5.0] * 15)
    assert len(plane_offsets(offsets)) == 26


def test_values_between_uneven_slices_follow_the_true_heights() -> None:
    heights = [0.0, 2.0, 4.0, 9.0, 14.0]
    hu = np.broadcast_to(np.array(heights, np.float32)[:, None, None] * 10, (5, 4, 5)).copy()
    volume = straighten(upright(heights), hu, fill=-1024.0)
    assert volume.shape == (5, 4, 8)
    assert volume.spacing_mm == pytest.approx((1.0, 2.0, 2.0))
    assert np.allclose(volume.data[0, 0], np.arange(0, 16, 2) * 10.0)


def test_a_shift_of_part_of_a_pixel_is_interpolated_and_the_rest_filled() -> None:
    stack = upright([0.0, 5.0, 10.0])
    stack.positions_ras[1, 0] = 0.25
    hu = np.broadcast_to(np.arange(5, dtype=np.float32) * 100, (3, 4, 5)).copy()
    volume = straighten(stack, hu, fill=-7.0)
    assert volume.shape == (6, 4, 3)
    assert np.allclose(volume.data[:, 0, 0], [0, 100, 200, 300, 400, -7])
    assert np.allclose(volume.data[1:5, 0, 1], [75, 175, 275, 375])


@pytest.mark.parametrize("heights", [[0.0], [0.0, 0.0, 5.0]])
def test_slices_in_one_plane_make_no_grid(heights: list[float]) -> None:
    hu = np.zeros((len(heights), 4, 5), np.float32)
    with pytest.raises(GeometryError, match="two or more slices in different planes"):
        straighten(upright(heights), hu, fill=0.0)

"""Distances of borders to the ridge of an aggregated overlay whose lines are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from deepstroke.atlas.ridge_distance import RidgeDistance
from deepstroke.atlas.ridges import extract_ridge
from deepstroke.errors import GeometryError, InputError
from deepstroke.volume import LabelMap, Volume

SHAPE = (40, 44, 8)
AFFINE = np.array([[1.0, 0, 0, -20.0], [0, 1.0, 0, -22.0], [0, 0, 2.0, 0], [0, 0, 0, 1]])


@pytest.fixture(scope="module")
def distance() -> RidgeDistance:
    """The overlay of a rectangle whose lines lie at i = 10 and 30 and at j = 12 and 32, in slices 2 to 5 alone."""
    lines = np.zeros(SHAPE, np.float32)
    lines[10:31, [12, 32], 2:6] = lines[[10, 30], 12:33, 2:6] = 1
    return RidgeDistance.of_density(Volume(ndimage.gaussian_filter(lines, (1, 1, 0)), AFFINE))


def rectangle(shift: int, slices: slice, label: int = 7) -> LabelMap:
    """A rectangle whose borders lie half a voxel outside of the lines, moved along i."""
    data = np.zeros(SHAPE, np.uint8)
    data[10 + shift : 31 + shift, 12:33, slices] = label
    return LabelMap(data, AFFINE)


def test_borders_on_the_lines_agree_to_half_a_voxel(distance: RidgeDistance) -> None:
    found = distance.agreement(rectangle(0, slice(2, 6)), 7)
    assert found.mean_mm == pytest.approx(0.5, abs=0.1)
    assert found.covered == 1.0


def test_outlines_drawn_along_the_inner_edge_lie_on_the_lines(distance: RidgeDistance) -> None:
    assert distance.agreement(rectangle(0, slice(2, 6)), 7, inset_mm=0.5).mean_mm == pytest.approx(0.0, abs=0.1)


def test_a_shift_is_measured_in_mm(distance: RidgeDistance) -> None:
    near, far = (distance.agreement(rectangle(shift, slice(2, 6)), 7, inset_mm=0.5) for shift in (0, 4))
    assert far.mean_mm - near.mean_mm == pytest.approx(2.0, abs=0.25)  # the two borders across i move by 4 mm
    assert far.within_mm == pytest.approx(4.0, abs=0.2)


def test_slices_without_lines_are_not_counted_but_told(distance: RidgeDistance) -> None:
    found = distance.agreement(rectangle(0, slice(0, 8)), 7, inset_mm=0.5)
    assert found.mean_mm == pytest.approx(0.0, abs=0.1)
    assert found.covered == pytest.approx(0.5)


def test_regions_without_voxels_or_lines_have_no_figure(distance: RidgeDistance) -> None:
    assert distance.agreement(rectangle(0, slice(2, 6)), 8).mean_mm is None
    assert distance.agreement(rectangle(0, slice(7, 8)), 7).mean_mm is None


def test_leaving_out_what_holds_no_lines_changes_nothing(distance: RidgeDistance) -> None:
    lines = np.zeros(SHAPE, np.float32)
    lines[10:31, [12, 32], 2:6] = lines[[10, 30], 12:33, 2:6] = 1
    density = Volume(ndimage.gaussian_filter(lines, (1, 1, 0)), AFFINE)
    whole = RidgeDistance(extract_ridge(density), density)
    moved = rectangle(3, slice(1, 7))
    assert whole.agreement(moved, 7) == distance.agreement(moved, 7)


def test_other_grids_and_flat_overlays_are_refused(distance: RidgeDistance) -> None:
    with pytest.raises(GeometryError, match="the label map"):
        distance.agreement(LabelMap(np.ones(SHAPE, np.uint8), np.eye(4)), 1)
    with pytest.raises(InputError, match="no ridge"):
        RidgeDistance.of_density(Volume(np.zeros(SHAPE, np.float32), AFFINE))

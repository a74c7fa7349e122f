"""Regions carried over by transforms with answers known by hand."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke import atlas as atlases
from deepstroke.atlas import Atlas, propagate_labels, propagate_to_points
from deepstroke.errors import GeometryError, InputError
from deepstroke.frames import apply_affine
from deepstroke.register import SpatialTransform
from deepstroke.volume import LabelMap, Volume


@cache
def embedded() -> Atlas:
    return atlases.load()


def small_atlas(data: NDArray) -> Atlas:
    """An atlas of 1 mm voxels around the origin with the given labels."""
    affine = np.eye(4)
    affine[:3, 3] = -(np.array(data.shape) - 1) / 2
    labels = LabelMap(data, affine)
    return Atlas("small", Volume(np.zeros(data.shape), affine), labels, labels, {})


def grid(shape: tuple[int, int, int], spacing: tuple[float, float, float], turn: NDArray | None = None) -> Volume:
    """A scan's grid around the origin, turned if wanted."""
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) @ np.diag(spacing)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Volume(np.zeros(shape, np.int16), affine)


def rotation_z(degrees: float) -> NDArray[np.float64]:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def two_regions() -> Atlas:
    """Left and right M2 as half spaces on each side of a gap."""
    data = np.zeros((41, 41, 41), dtype=np.uint8)
    data[:18], data[23:] = 6, 16
    return small_atlas(data)


def test_the_identity_gives_the_atlas_back() -> None:
    labels = propagate_labels(embedded(), SpatialTransform.from_affine(np.eye(4)), embedded().template)
    np.testing.assert_array_equal(labels.data, embedded().labels.data)


@pytest.mark.parametrize("shift_mm", [0.0, 7.0])
def test_regions_follow_the_patient_whatever_the_grid(shift_mm: float) -> None:
    """An oblique, anisotropic, reversed grid: every voxel holds the atlas label at its own place."""
    atlas = two_regions()
    reference = grid((24, 30, 12), (-1.5, 1.0, 3.0), rotation_z(25.0))
    fixed_to_atlas = np.eye(4)
    fixed_to_atlas[0, 3] = -shift_mm
    labels = propagate_labels(atlas, SpatialTransform.from_affine(fixed_to_atlas), reference)
    places = _points(reference) - (shift_mm, 0.0, 0.0)
    x = places[..., 0]
    clear = (np.abs(places) < 20).all(axis=-1) & (np.abs(np.abs(x) - 2.5) > 1e-6)
    assert clear.sum() > 5000
    expected = np.where(x <= -2.5, 6, np.where(x >= 2.5, 16, 0))
    np.testing.assert_array_equal(labels.data[clear], expected[clear])


def test_borders_are_smooth_between_voxels() -> None:
    """At a quarter of the atlas' voxel size a ball has far fewer steps than by the nearest voxel, and its volume."""
    r2 = ((np.indices((31, 31, 31)) - 15) ** 2).sum(axis=0)
    ball = np.zeros((31, 31, 31), np.uint8)
    ball[r2 <= 10**2] = 2
    fine = grid((100, 100, 100), (0.25, 0.25, 0.25))
    atlas = small_atlas(ball)
    found = propagate_labels(atlas, SpatialTransform.from_affine(np.eye(4)), fine).mask
    nearest = ndimage.map_coordinates(ball, np.moveaxis(atlas.labels.ijk_of(_points(fine)), -1, 0), order=0) > 0
    assert _roughness(found) < 0.6 * _roughness(nearest)
    assert found.sum() == pytest.approx(nearest.sum(), rel=0.02)


def test_the_largest_share_wins_where_regions_meet() -> None:
    data = np.zeros((4, 4, 4), np.uint8)
    data[:2], data[2:] = 5, 6
    atlas = small_atlas(data)
    points = np.array([[-0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [-1.5, 1.5, 1.5], [9.0, 0.0, 0.0]])
    found = propagate_to_points(atlas, SpatialTransform.from_affine(np.eye(4)), points)
    assert found.tolist() == [5, 6, 5, 0]


def test_three_regions_at_a_corner_are_weighed_each_by_itself() -> None:
    """Near a corner of 1, 2, 3 and background the label whose corners weigh most wins, not the nearest voxel."""
    data = np.zeros((2, 2, 2), np.uint8)
    data[0, 0, :], data[0, 1, :], data[1, 0, :] = 1, 2, 2
    atlas = small_atlas(data)
    # Shares at 0.45 along i and j: label 1 has 0.55 * 0.55 = 0.3025, label 2 has 2 * 0.45 * 0.55 = 0.495.
    found = propagate_to_points(atlas, SpatialTransform.from_affine(np.eye(4)), np.array([-0.05, -0.05, 0.0]))
    assert found == 2


def test_points_of_any_shape_are_labelled() -> None:
    points = np.array([[[-60.0, 0.0, 4.0], [60.0, 0.0, 4.0]], [[0.0, 0.0, 4.0], [-26.0, 5.0, 0.0]]])
    found = propagate_to_points(embedded(), SpatialTransform.from_affine(np.eye(4)), points)
    assert found.tolist() == [[6, 16], [0, 2]]


def test_a_grid_and_its_points_agree() -> None:
    reference = grid((60, 70, 9), (3.0, 3.0, 9.0), rotation_z(-15.0))
    turn = np.eye(4)
    turn[:3, :3] = rotation_z(8.0)
    transform = SpatialTransform.from_affine(turn)
    labels = propagate_labels(embedded(), transform, reference)
    np.testing.assert_array_equal(labels.data, propagate_to_points(embedded(), transform, _points(reference)))
    assert len(labels.present()) == 20


def test_a_mirroring_transform_is_refused_by_name() -> None:
    mirror = SpatialTransform.from_affine(np.diag([-1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(GeometryError, match=r"left labels lie on the patient's right.*mirrors the head"):
        propagate_labels(embedded(), mirror, embedded().template)


def test_a_scan_elsewhere_is_refused_by_name() -> None:
    away = np.eye(4)
    away[2, 3] = 900.0
    with pytest.raises(InputError, match="no region of the atlas falls on the scan"):
        propagate_labels(embedded(), SpatialTransform.from_affine(away), embedded().template)


def test_a_single_slice_can_be_labelled() -> None:
    reference = grid((161, 201, 1), (1.0, 1.0, 5.0))
    labels = propagate_labels(embedded(), SpatialTransform.from_affine(np.eye(4)), reference)
    assert {5, 6, 7, 15, 16, 17} <= set(labels.present())


def _points(volume: Volume) -> NDArray[np.float64]:
    return apply_affine(volume.ijk_to_ras, np.moveaxis(np.indices(volume.shape), 0, -1))


def _roughness(mask: NDArray[np.bool_]) -> int:
    """Number of voxels that stick out of or into the surface: most of their neighbourhood disagrees."""
    share = ndimage.uniform_filter(mask.astype(np.float32), 5)
    return int(np.count_nonzero((mask & (share < 0.4)) | (~mask & (share > 0.6))))

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.register import DisplacementField, SpatialTransform
from deepstroke.volume import LabelMap, Volume


def shift(r: float, a: float, s: float) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, 3] = (r, a, s)
    return affine


@pytest.fixture
def scan() -> Volume:
    """Anisotropic, oblique, and no two voxels alike."""
    turn = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    ijk_to_ras = turn @ np.diag([1.0, 2.0, 5.0, 1.0])
    ijk_to_ras[:3, 3] = (-20, 11, 7)
    return Volume(np.arange(6 * 7 * 8, dtype=np.float32).reshape(6, 7, 8), ijk_to_ras)


def test_points_go_through_the_displacement_and_then_the_affine() -> None:
    data = np.zeros((4, 4, 4, 3), np.float32)
    data[2, 2, 2] = (1, 2, 3)
    field = DisplacementField(data, np.diag([2.0, 2, 2, 1]))
    double = np.diag([2.0, 2, 2, 1])
    transform = SpatialTransform((field, double), ())
    # (4, 4, 4) is the voxel; (3, 4, 4) lies half-way to its neighbour without displacement.
    np.testing.assert_allclose(
        transform.map_points(np.array([[4, 4, 4], [3, 4, 4], [100, 0, 0.0]])),
        [[10, 12, 14], [7, 10, 11], [200, 0, 0]],
        rtol=1e-6,
    )


def test_no_points_map_to_no_points() -> None:
    assert SpatialTransform.from_affine(np.eye(4)).map_points(np.empty((0, 3))).shape == (0, 3)


def test_the_inverse_leads_back() -> None:
    transform = SpatialTransform.from_affine(shift(1, 2, 3) @ np.diag([2.0, 1, 0.5, 1]))
    points = np.array([[1.0, 2, 3], [-4, 5, 6]])
    np.testing.assert_allclose(transform.inverse().map_points(transform.map_points(points)), points)


@pytest.mark.parametrize("order", [0, 1])
def test_the_identity_changes_nothing(scan: Volume, order: int) -> None:
    same = SpatialTransform.from_affine(np.eye(4)).apply(scan, scan, order=order)  # type: ignore[call-overload]
    np.testing.assert_allclose(same.data, scan.data, atol=1e-3)
    assert same.same_grid(scan)


def test_it_pulls_the_moving_image_onto_the_reference(scan: Volume) -> None:
    step = scan.ijk_to_ras[:3, :3] @ [1, 0, 2]
    moved = SpatialTransform.from_affine(shift(*step)).apply(scan, scan, outside=-1024)
    np.testing.assert_allclose(moved.data[2, 3, 4], scan.data[3, 3, 6], rtol=1e-5)
    assert moved.data[5, 0, 0] == -1024
    assert moved.data[0, 0, 7] == -1024


def test_between_voxels_an_image_is_linear(scan: Volume) -> None:
    half = scan.ijk_to_ras[:3, :3] @ [0.5, 0, 0]
    moved = SpatialTransform.from_affine(shift(*half)).apply(scan, scan)
    np.testing.assert_allclose(moved.data[2, 3, 4], (scan.data[2, 3, 4] + scan.data[3, 3, 4]) / 2, rtol=1e-5)


def test_labels_stay_labels(scan: Volume) -> None:
    labels = LabelMap((scan.data % 21).astype(np.uint8), scan.ijk_to_ras)
    moved = SpatialTransform.from_affine(shift(0.2, 0, 0)).apply(labels, scan)
    assert isinstance(moved, LabelMap)
    assert moved.data.dtype == np.uint8
    np.testing.assert_array_equal(moved.data, labels.data)


def test_many_points_are_taken_in_parts(scan: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    transform = SpatialTransform.from_affine(shift(1.3, 0.4, 2))
    whole = transform.apply(scan, scan).data
    monkeypatch.setattr("deepstroke.register.transform._CHUNK", 60)
    np.testing.assert_array_equal(transform.apply(scan, scan).data, whole)
    assert transform.map_points(np.zeros((150, 3))).shape == (150, 3)


def test_labels_are_not_interpolated(scan: Volume) -> None:
    labels = LabelMap(np.ones(scan.shape, np.uint8), scan.ijk_to_ras)
    with pytest.raises(ConfigError, match="order is 0, or 1 for images that are no labels"):
        SpatialTransform.from_affine(np.eye(4)).apply(labels, scan, order=1)


def test_points_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"points have shape \(N, 3\), found \(3,\)"):
        SpatialTransform.from_affine(np.eye(4)).map_points(np.zeros(3))


def test_a_field_of_another_shape_is_refused() -> None:
    with pytest.raises(GeometryError, match=r"shape \(i, j, k, 3\)"):
        DisplacementField(np.zeros((4, 4, 4)), np.eye(4))  # type: ignore[arg-type]


def test_a_field_on_a_sheared_grid_is_refused() -> None:
    sheared = np.eye(4)
    sheared[0, 1] = 0.3
    with pytest.raises(GeometryError, match="orthogonal axes"):
        DisplacementField(np.zeros((4, 4, 4, 3), np.float32), sheared)


def test_a_field_that_is_not_finite_is_refused() -> None:
    with pytest.raises(GeometryError, match="not finite"):
        DisplacementField(np.full((4, 4, 4, 3), np.nan, np.float32), np.eye(4))

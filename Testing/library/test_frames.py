"""Affines are checked, mapped and turned to RAS+ without moving a voxel in the patient."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepstroke.errors import GeometryError
from deepstroke.frames import (
    RAS_TO_LPS,
    apply_affine,
    as_affine,
    corners,
    is_orthogonal,
    reorient_to_ras,
    shear_degrees,
    spacing_of,
)


def _affine(axes: np.ndarray, spacing: tuple[float, float, float], origin: tuple[float, float, float]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = axes * spacing
    matrix[:3, 3] = origin
    return matrix


@pytest.mark.parametrize(
    ("matrix", "cause"),
    [
        (np.eye(3), r"shape \(4, 4\), found \(3, 3\)"),
        (np.full((4, 4), np.nan), "not finite"),
        (np.diag([1.0, 1.0, 1.0, 2.0]), "last row"),
        (np.diag([1.0, 0.0, 1.0, 1.0]), "singular"),
    ],
)
def test_what_is_no_affine_is_refused(matrix: np.ndarray, cause: str) -> None:
    with pytest.raises(GeometryError, match=cause):
        as_affine(matrix)


def test_a_checked_affine_is_a_copy() -> None:
    matrix = np.eye(4)
    checked = as_affine(matrix)
    matrix[0, 3] = 7.0
    assert checked[0, 3] == 0.0


def test_points_are_mapped_in_any_shape() -> None:
    matrix = _affine(np.eye(3), (2.0, 3.0, 4.0), (10.0, 20.0, 30.0))
    assert apply_affine(matrix, [1, 1, 1]).tolist() == [12.0, 23.0, 34.0]
    assert apply_affine(matrix, np.ones((5, 2, 3))).shape == (5, 2, 3)


def test_lps_is_its_own_inverse_and_keeps_superior() -> None:
    assert np.array_equal(RAS_TO_LPS @ RAS_TO_LPS, np.eye(4))
    assert apply_affine(RAS_TO_LPS, [1.0, 2.0, 3.0]).tolist() == [-1.0, -2.0, 3.0]


def test_spacing_and_shear_of_an_oblique_grid() -> None:
    axes = Rotation.from_euler("xyz", (10, 20, 30), degrees=True).as_matrix()
    matrix = _affine(axes, (0.5, 0.6, 5.0), (1.0, 2.0, 3.0))
    assert spacing_of(matrix) == pytest.approx((0.5, 0.6, 5.0))
    assert shear_degrees(matrix) == pytest.approx(0.0, abs=1e-5)
    assert is_orthogonal(matrix)


def test_shear_is_the_angle_of_the_gantry() -> None:
    axes = np.eye(3)
    axes[:, 2] = (0.0, np.sin(np.radians(18.5)), np.cos(np.radians(18.5)))
    matrix = _affine(axes, (0.5, 0.5, 5.0), (0.0, 0.0, 0.0))
    assert shear_degrees(matrix) == pytest.approx(18.5)
    assert not is_orthogonal(matrix)


def test_corners_are_voxel_centres() -> None:
    found = corners((3, 4, 5), _affine(np.eye(3), (1.0, 2.0, 3.0), (10.0, 0.0, 0.0)))
    assert found.shape == (8, 3)
    assert found.min(axis=0).tolist() == [10.0, 0.0, 0.0]
    assert found.max(axis=0).tolist() == [12.0, 6.0, 12.0]


@pytest.mark.parametrize("permutation", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, -1, -1)])
@pytest.mark.parametrize("turn", [(0, 0, 0), (12, -20, 25)])
def test_reorientation_keeps_every_voxel_in_its_place(
    permutation: tuple[int, ...], signs: tuple[int, ...], turn: tuple[int, ...]
) -> None:
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()[:, permutation] * signs
    matrix = _affine(axes, (0.5, 2.0, 5.0), (7.0, -3.0, 11.0))
    data = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    turned, turned_affine = reorient_to_ras(data, matrix)

    assert (np.abs(turned_affine[:3, :3]).argmax(axis=0) == [0, 1, 2]).all()
    assert (np.diag(turned_affine)[:3] > 0).all()
    place = {int(v): apply_affine(matrix, ijk) for ijk, v in np.ndenumerate(data)}
    for ijk, value in np.ndenumerate(turned):
        assert apply_affine(turned_affine, ijk) == pytest.approx(place[int(value)])


def test_reorientation_of_a_sheared_grid_keeps_its_shear() -> None:
    axes = np.eye(3)
    axes[:, 2] = (0.0, -0.3, 0.95)
    _, turned_affine = reorient_to_ras(np.zeros((2, 3, 4)), _affine(axes * (-1, -1, 1), (1, 1, 4), (0, 0, 0)))
    assert shear_degrees(turned_affine) == pytest.approx(np.degrees(np.arcsin(0.3 / np.hypot(0.3, 0.95))))

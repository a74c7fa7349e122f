"""Resampling is checked on images that are functions of the place in the patient."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepstroke.errors import ConfigError, GeometryError
from deepstroke.frames import is_orthogonal, shear_degrees
from deepstroke.preprocess.resampling import (
    MAX_VOXELS,
    Grid,
    bounding_box,
    grid_around,
    isotropic_grid,
    linear_weights,
    orthogonal,
    orthonormal_axes,
    resample,
)
from deepstroke.volume import LabelMap, Volume


def _affine(turn: tuple[float, float, float], spacing: tuple[float, float, float], flip: bool = False) -> np.ndarray:
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    matrix = np.eye(4)
    matrix[:3, :3] = axes * spacing * ((-1, -1, 1) if flip else (1, 1, 1))
    matrix[:3, 3] = (40.0, 30.0, -20.0) if flip else (-40.0, -35.0, -20.0)
    return matrix


def _ramp(shape: tuple[int, int, int], ijk_to_ras: np.ndarray) -> Volume:
    """HU = 2 x + 3 y - 5 z: linear interpolation is exact, and left differs from right."""
    empty = Volume(np.zeros(shape, np.float32), ijk_to_ras)
    ras = empty.ras_of(np.stack(np.indices(shape), axis=-1))
    return empty.with_data((ras @ (2.0, 3.0, -5.0)).astype(np.float32))


def _expected(grid: Grid) -> np.ndarray:
    return _ramp(grid.shape, grid.ijk_to_ras).data


@pytest.mark.parametrize("turn", [(0, 0, 0), (10, -20, 15)])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("order", [1, 3])
def test_a_ramp_keeps_its_values_in_the_patient(turn: tuple[float, ...], flip: bool, order: int) -> None:
    volume = _ramp((40, 35, 12), _affine(turn, (2.0, 2.0, 4.0), flip))  # type: ignore[arg-type]
    grid = Grid((9, 8, 7), _affine((0, 0, 0), (1.5, 1.5, 1.5)))
    grid.ijk_to_ras[:3, 3] = volume.ras_of(np.array([20, 17, 6])) - 5.0
    result = resample(volume, grid, order=order, antialias=False)
    assert np.allclose(result.data, _expected(grid), atol=0.02 if order == 1 else 0.1)
    assert result.data.dtype == np.float32
    assert result.shape == grid.shape


def test_the_fast_way_along_the_axes_agrees_with_the_general_one() -> None:
    rng = np.random.default_rng(0)
    volume = Volume(rng.normal(size=(20, 22, 9)).astype(np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))
    grid = Grid((23, 25, 30), np.diag([0.7, 0.8, 0.9, 1.0]))
    barely_turned = grid.ijk_to_ras.copy()
    barely_turned[:3, :3] = Rotation.from_euler("z", 1e-4, degrees=True).as_matrix() @ barely_turned[:3, :3]
    fast = resample(volume, grid)
    general = resample(volume, Grid(grid.shape, barely_turned))
    assert np.abs(fast.data - general.data).max() < 0.01


def test_a_mirrored_grid_is_filled_from_the_same_place_in_the_patient() -> None:
    volume = _ramp((20, 22, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
    mirrored = np.diag([-0.5, 0.5, -2.0, 1.0])
    mirrored[:3, 3] = (15.0, 3.0, 20.0)
    grid = Grid((10, 9, 7), mirrored)
    assert np.allclose(resample(volume, grid).data, _expected(grid), atol=1e-3)


def test_outside_is_air_from_half_a_voxel_beyond_the_last_centre() -> None:
    volume = Volume(np.full((4, 4, 4), 40.0, np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))
    line = np.eye(4)
    line[:3, 3] = (-2.0, 2.0, 2.0)
    row = resample(volume, Grid((12, 1, 1), line)).data.ravel()
    assert row.tolist() == [-1024.0] + [40.0] * 9 + [-1024.0] * 2
    turned = line @ np.diag([1.0, -1.0, 1.0, 1.0])
    assert resample(volume, Grid((12, 1, 1), turned), fill=7.0).data.ravel().tolist() == [7.0] + [40.0] * 9 + [7.0] * 2


def test_smoothing_before_coarser_sampling_removes_fine_stripes() -> None:
    stripes = np.zeros((64, 16, 16), np.float32)
    stripes[::2] = 100.0
    volume = Volume(stripes, np.eye(4))
    for turn in (0.0, 0.2):  # along the axes, and through the general way
        axes = np.eye(4)
        axes[:3, :3] = Rotation.from_euler("z", turn, degrees=True).as_matrix() * 4.0
        axes[:3, 3] = (10.0, 4.0, 4.0)
        grid = Grid((10, 2, 2), axes)
        assert np.abs(resample(volume, grid).data - 50.0).max() < 6.0
        assert np.abs(resample(volume, grid, order=3).data - 50.0).max() < 6.0
        assert np.abs(resample(volume, grid, antialias=False).data - 50.0).max() > 40.0


def test_labels_stay_labels() -> None:
    labels = LabelMap(np.arange(27).reshape(3, 3, 3) % 5, np.diag([2.0, 2.0, 2.0, 1.0]))
    fine = resample(labels, Grid((6, 6, 6), np.diag([1.0, 1.0, 1.0, 1.0])), order=1)
    assert isinstance(fine, LabelMap)
    assert set(fine.present()) == {1, 2, 3, 4}
    assert np.array_equal(fine.data[::2, ::2, ::2], labels.data)
    far = np.eye(4)
    far[:3, 3] = 100.0
    assert resample(labels, Grid((2, 2, 2), far)).data.max() == 0


@pytest.mark.parametrize("order", [2, -1, 5])
def test_other_orders_are_refused(order: int) -> None:
    with pytest.raises(ConfigError, match=f"0, 1 or 3, found {order}"):
        resample(_ramp((3, 3, 3), np.eye(4)), Grid((3, 3, 3), np.eye(4)), order=order)


def test_weights_sum_to_one_and_are_empty_outside() -> None:
    weights = linear_weights(10, 8, -1.0, 2.0).toarray()
    sums = weights.sum(axis=1)
    assert np.allclose(sums[1:6], 1.0)
    assert sums[0] == 0.0
    assert sums[6:].tolist() == [0.0, 0.0]
    assert weights[2] == pytest.approx([0, 0, 0.25, 0.5, 0.25, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("shape", [(0, 2, 2), (1, MAX_VOXELS, 2)])
def test_impossible_grids_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(GeometryError, match="can't be made"):
        Grid(shape, np.eye(4))


@pytest.mark.parametrize("spacing", [0.0, -1.0, float("nan"), float("inf")])
def test_a_grid_needs_a_spacing(spacing: float) -> None:
    with pytest.raises(ConfigError, match="voxel sizes are above 0 mm"):
        grid_around(np.zeros((1, 3)), np.eye(3), spacing)


def test_a_grid_around_points_encloses_them_and_no_more() -> None:
    grid = grid_around(np.array([[0.0, 0.0, 0.0], [10.0, 4.0, 3.0]]), np.eye(3), (2.0, 4.0, 2.0))
    assert grid.shape == (6, 2, 3)
    assert grid.ijk_to_ras[:3, 3].tolist() == [0.0, 0.0, -0.5]


def test_an_isotropic_grid_covers_the_whole_volume() -> None:
    volume = _ramp((40, 35, 12), _affine((10, -20, 15), (0.5, 0.5, 5.0)))
    grid = isotropic_grid(volume, 1.0)
    assert grid.shape == (20, 18, 60)
    assert Volume(np.zeros(grid.shape), grid.ijk_to_ras).spacing_mm == pytest.approx((1.0, 1.0, 1.0))
    inside = resample(volume, grid, antialias=False).data
    assert (inside > -1000).all(), "no voxel lies outside the volume"
    assert np.allclose(inside[2:-2, 2:-2, 3:-3], _expected(grid)[2:-2, 2:-2, 3:-3], atol=0.05)


def test_an_isotropic_grid_can_be_limited_to_a_mask() -> None:
    volume = _ramp((40, 35, 12), np.diag([0.5, 0.5, 5.0, 1.0]))
    mask = np.zeros(volume.shape, bool)
    mask[10:20, 4:8, 3:5] = True
    grid = isotropic_grid(volume, 1.0, mask)
    assert grid.shape == (5, 2, 10)
    low = grid.ijk_to_ras[:3, 3] - 0.5
    assert low.tolist() == [4.75, 1.75, 12.5], "the outer faces of the mask's voxels"
    with pytest.raises(GeometryError, match="empty mask"):
        isotropic_grid(volume, 1.0, np.zeros(volume.shape, bool))


def test_bounding_boxes_are_widened_within_the_array() -> None:
    mask = np.zeros((5, 6, 7), bool)
    mask[1, 2:4, 6] = True
    assert bounding_box(mask) == (slice(1, 2), slice(2, 4), slice(6, 7))
    assert bounding_box(mask, 2) == (slice(0, 4), slice(0, 6), slice(4, 7))


def _sheared(tilt_degrees: float) -> np.ndarray:
    matrix = np.diag([-0.5, 0.5, 4.0, 1.0])
    matrix[1, 2] = -4.0 * np.tan(np.radians(tilt_degrees))
    return matrix


def test_straightening_keeps_the_planes_of_the_slices() -> None:
    axes = orthonormal_axes(_sheared(18.5))
    assert np.allclose(axes, np.diag([-1.0, 1.0, 1.0]))
    turned = np.eye(4)
    turned[:3, :3] = Rotation.from_euler("xyz", (20, 5, 10), degrees=True).as_matrix()
    oblique = orthonormal_axes(turned @ _sheared(18.5))
    assert np.allclose(oblique, turned[:3, :3] @ np.diag([-1.0, 1.0, 1.0]))


def test_a_sheared_volume_becomes_orthogonal_and_keeps_its_values() -> None:
    volume = _ramp((30, 40, 9), _sheared(18.5))
    assert shear_degrees(volume.ijk_to_ras) == pytest.approx(18.5)
    straight = orthogonal(volume)
    assert is_orthogonal(straight.ijk_to_ras, 1e-6)
    seen = straight.data > -1024.0
    assert np.allclose(straight.data[seen], _expected(Grid(straight.shape, straight.ijk_to_ras))[seen], atol=2.0)
    assert seen.sum() * straight.voxel_ml == pytest.approx(30 * 40 * 9 * volume.voxel_ml, rel=0.06)


def test_an_orthogonal_volume_is_left_alone() -> None:
    volume = _ramp((4, 4, 4), _affine((10, 20, 30), (1.0, 1.0, 5.0)))
    assert orthogonal(volume) is volume
    labels = LabelMap(np.ones((6, 7, 8)), _sheared(10.0))
    assert isinstance(orthogonal(labels), LabelMap)

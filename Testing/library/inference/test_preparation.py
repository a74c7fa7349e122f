"""What a network is shown: grids, interpolation at an angle, stripping and HU, against values known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from deepstroke.errors import InputError
from deepstroke.inference.preparation import AIR_HU, centred_grid, grid_about, head_on_grid, network_image
from deepstroke.preprocess.resampling import Grid, resample
from deepstroke.volume import Volume


def _ramp(grid: Grid) -> Volume:
    """HU that rise evenly: 40 + 0.5 x - 0.2 y + 0.1 z of the place in mm."""
    ijk = np.moveaxis(np.indices(grid.shape), 0, -1)
    ras = ijk @ grid.ijk_to_ras[:3, :3].T + grid.ijk_to_ras[:3, 3]
    return Volume((40 + ras @ (0.5, -0.2, 0.1)).astype(np.float32), grid.ijk_to_ras)


def _grid(spacing: tuple[float, float, float], shape: tuple[int, int, int]) -> Grid:
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * spacing
    return Grid(shape, affine)


def test_the_grid_lies_about_the_middle_of_the_masks_extent() -> None:
    volume = _ramp(_grid((1.0, 1.0, 5.0), (30, 40, 12)))
    mask = np.zeros(volume.shape, bool)
    mask[4:9, 10, 2], mask[6, 31, 8] = True, True
    grid = centred_grid(volume, mask, 2.0, (8, 10, 6))
    middle = volume.ras_of(np.array([(4 + 8) / 2, (10 + 31) / 2, (2 + 8) / 2]))
    assert np.allclose(grid.ijk_to_ras @ [3.5, 4.5, 2.5, 1.0], [*middle, 1.0])
    assert np.allclose(grid.ijk_to_ras[:3, :3], 2.0 * np.eye(3))


def test_an_empty_mask_is_refused() -> None:
    volume = _ramp(_grid((1.0, 1.0, 1.0), (8, 8, 8)))
    with pytest.raises(InputError, match="the brain is empty"):
        centred_grid(volume, np.zeros(volume.shape, bool), 2.0, (4, 4, 4))


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (30.0, 0.0, 0.0), (12.0, -25.0, 40.0)])
def test_a_ramp_stays_a_ramp_at_any_angle(turn: tuple[float, float, float]) -> None:
    scan = _ramp(_grid((0.8, 0.9, 4.0), (90, 90, 20)))
    axes = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
    grid = grid_about(np.array([3.0, -2.0, 4.0]), axes, 2.0, (14, 12, 10))
    head = head_on_grid(scan, np.ones(scan.shape, bool), grid)
    assert np.abs(head.hu - _ramp(grid).data).max() <= 0.55  # HU are rounded
    assert head.brain.all()


def test_a_grid_along_the_scans_axes_is_filled_as_resample_fills_it() -> None:
    rng = np.random.default_rng(0)
    scan = Volume(rng.normal(30, 20, (60, 50, 16)).astype(np.float32), _grid((1.0, 1.1, 5.0), (60, 50, 16)).ijk_to_ras)
    grid = grid_about(np.array([4.0, 2.0, -3.0]), np.eye(3), 2.0, (12, 30, 40))
    expected = np.rint(resample(scan, grid, order=1, fill=AIR_HU).data)
    assert np.array_equal(head_on_grid(scan, np.ones(scan.shape, bool), grid).hu, expected)


def test_beyond_the_scan_is_air_and_no_brain() -> None:
    scan = _ramp(_grid((1.0, 1.0, 2.0), (20, 20, 10)))
    for axes in (np.eye(3), Rotation.from_euler("z", 20, degrees=True).as_matrix()):
        head = head_on_grid(scan, np.ones(scan.shape, bool), grid_about(np.zeros(3), axes, 2.0, (30, 30, 30)))
        assert head.hu[0, 0, 0] == AIR_HU
        assert not head.brain[0, 0, 0]
        assert head.brain[15, 15, 15]
    far = head_on_grid(scan, np.ones(scan.shape, bool), grid_about(np.full(3, 500.0), np.eye(3), 2.0, (4, 4, 4)))
    assert (far.hu == AIR_HU).all()


def test_stripped_heads_are_zero_hu_around_the_brain_and_raw_ones_stay() -> None:
    scan = Volume(np.full((20, 20, 20), 50.0, np.float32), np.eye(4))
    brain = np.zeros(scan.shape, bool)
    brain[5:15, 5:15, 5:15] = True
    head = head_on_grid(scan, brain, Grid((20, 20, 20), np.eye(4)))
    stripped, raw = (network_image(head, shown, (0.0, 100.0)) for shown in ("stripped", "raw"))  # type: ignore[arg-type]
    assert stripped.dtype == np.float32
    assert (stripped[brain] == 0.5).all()
    assert (stripped[~brain] == 0.0).all()
    assert (raw == 0.5).all()
    assert (network_image(head, "stripped", (-100.0, 100.0))[~brain] == 0.5).all()

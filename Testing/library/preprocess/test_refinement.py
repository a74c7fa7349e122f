"""A coarse ball is carried to a fine grid, where the truth is drawn at a slightly different place."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.evaluation import dice
from deepstroke.preprocess.cavity import SPACING_MM, Cavity
from deepstroke.preprocess.refinement import refine
from deepstroke.volume import Volume

FINE = np.array([[0.8, 0, 0, -60.0], [0, 0.8, 0, -60.0], [0, 0, 4.0, -60.0], [0, 0, 0, 1.0]])
SHAPE = (150, 150, 31)


def _radius(shape: tuple[int, int, int], ijk_to_ras: np.ndarray) -> np.ndarray:
    volume = Volume(np.zeros(shape), ijk_to_ras)
    return np.linalg.norm(volume.ras_of(np.stack(np.indices(shape), axis=-1)), axis=-1)


def _coarse_ball(radius_mm: float, cut_below_mm: float = -100.0) -> Cavity:
    ijk_to_ras = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    ijk_to_ras[:3, 3] = (-60.0, -60.0, max(-60.0, cut_below_mm))
    layers = int((60.0 - ijk_to_ras[2, 3]) / SPACING_MM) + 1
    ball = _radius((61, 61, layers), ijk_to_ras) < radius_mm
    head = Volume(np.where(ball, 30.0, 900.0).astype(np.float32), ijk_to_ras)
    return Cavity(head, ball, ~ball, np.zeros_like(ball), 1.0, False)


def _scan(radius_mm: float) -> tuple[Volume, np.ndarray]:
    truth = _radius(SHAPE, FINE) < radius_mm
    return Volume(np.where(truth, 30, 900).astype(np.int16), FINE), truth


@pytest.mark.parametrize("difference_mm", [-1.0, 0.0, 1.0])
def test_the_surface_moves_to_where_bone_begins(difference_mm: float) -> None:
    volume, truth = _scan(45.0)
    refined = refine(_coarse_ball(45.0 + difference_mm), volume)
    assert refined.shape == volume.shape
    assert dice(refined, truth) > 0.975


def test_it_moves_no_further_than_its_slack() -> None:
    soft = Volume(np.full(SHAPE, 30, np.int16), FINE)
    refined = refine(_coarse_ball(40.0), soft)
    assert _radius(SHAPE, FINE)[refined].max() < 43.0


def test_deep_bone_and_air_are_kept_and_shallow_ones_left_out() -> None:
    volume, truth = _scan(45.0)
    hu = volume.data.copy()
    hu[75:78, 75:78, 15] = 1500
    hu[70:73, 75:78, 15] = -900
    hu[125:132, 72:79, 15] = 1500  # up to 4 mm below the surface
    refined = refine(_coarse_ball(45.0), volume.with_data(hu))
    assert refined[75:78, 75:78, 15].all()
    assert refined[70:73, 75:78, 15].all()
    assert truth[128, 75, 15]
    assert not refined[130, 75, 15]


def test_islands_in_a_layer_are_dropped() -> None:
    """Where the ball's lower end touches a layer, all is bone but two patches of 0.3 and 1.2 cm^2."""
    volume, truth = _scan(45.0)
    hu = volume.data.copy()
    hu[:, :, 4] = 900
    hu[80:86, 72:79, 4] = 30
    hu[63:76, 68:82, 4] = 30
    assert truth[66:86, 72:79, 4].all()
    refined = refine(_coarse_ball(45.0), volume.with_data(hu))
    assert refined[66:73, 71:79, 4].all()
    assert not refined[80:86, 72:79, 4].any()


def test_the_end_of_the_scan_is_no_surface() -> None:
    """The coarse grid starts 1.6 mm above the scan's lowest layer, which is cut through brain."""
    fine = FINE.copy()
    fine[2, 3] = -12.0
    truth = _radius((150, 150, 16), fine) < 45.0
    volume = Volume(np.where(truth, 30, 900).astype(np.int16), fine)
    refined = refine(_coarse_ball(45.0, cut_below_mm=-10.4), volume)
    assert dice(refined[:, :, 0], truth[:, :, 0]) > 0.97

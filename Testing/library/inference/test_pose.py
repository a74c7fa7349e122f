"""The affine of a head from template coordinates that scatter."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.frames import apply_affine
from deepstroke.inference.pose import HEAD_CENTRE_MM, fit_pose
from deepstroke.inference.preparation import grid_about
from phantoms_network import pose


def _points(count: int = 4000) -> np.ndarray:
    return np.random.default_rng(0).uniform(-70, 70, (count, 3))


def test_the_affine_is_found_among_a_quarter_of_wrong_points() -> None:
    scan_to_template = pose(pitch=25.0, yaw=-12.0, roll=8.0, shift_mm=(5.0, -9.0, 14.0), scale=0.93)
    points = _points()
    targets = apply_affine(scan_to_template, points)
    targets[::4] += (60.0, -30.0, 45.0)
    found = fit_pose(points, targets)
    assert np.abs(found.scan_to_template - scan_to_template).max() < 1e-6
    assert found.residual_mm < 1e-6
    assert found.scale == pytest.approx(0.93**3)


def test_the_residual_is_the_median_scatter() -> None:
    points = _points(20000)
    scatter = np.random.default_rng(1).normal(0.0, 2.0, points.shape)
    # The median length of a three-dimensional normal of 2 mm a direction: 2 sqrt(2.366).
    assert fit_pose(points, points + scatter).residual_mm == pytest.approx(3.08, abs=0.05)


def test_turn_shift_and_the_canonical_grid_undo_each_other() -> None:
    scan_to_template = pose(pitch=40.0, shift_mm=(3.0, 4.0, 12.0))
    found = fit_pose(_points(), apply_affine(scan_to_template, _points()))
    upright = grid_about(np.array(HEAD_CENTRE_MM), np.eye(3), 2.0, (80, 96, 80))
    assert found.turn_from(upright) == pytest.approx(40.0, abs=1e-4)
    assert found.shift_from(upright) == pytest.approx(13.0, abs=1e-4)
    canonical = found.canonical_grid(2.0, (80, 96, 80))
    assert found.turn_from(canonical) == pytest.approx(0.0, abs=1e-3)
    assert found.shift_from(canonical) == pytest.approx(0.0, abs=1e-6)
    # In the template that grid is the upright one about the head's centre.
    assert np.allclose(scan_to_template @ canonical.ijk_to_ras, upright.ijk_to_ras, atol=1e-6)


def test_the_midline_tells_the_sides_of_points() -> None:
    scan_to_template = pose(yaw=30.0, roll=-20.0)
    found = fit_pose(_points(), apply_affine(scan_to_template, _points()))
    points = _points(50)
    across = np.c_[points, np.ones(50)] @ found.midline
    assert across == pytest.approx(apply_affine(scan_to_template, points)[:, 0], abs=1e-6)


def test_a_mirrored_head_is_refused() -> None:
    points = _points()
    with pytest.raises(InputError, match="the network sees the head mirrored or flat") as refused:
        fit_pose(points, points * (-1.0, 1.0, 1.0))
    assert refused.value.code == "no-pose"


def test_a_flat_head_is_refused() -> None:
    points = _points()
    with pytest.raises(InputError, match="mirrored or flat"):
        fit_pose(points, points * (1.0, 1.0, 0.0))


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="12 voxels of brain are too few"):
        fit_pose(_points(12), _points(12))

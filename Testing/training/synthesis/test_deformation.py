"""Poses turn the right way, and random warps never fold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.frames import apply_affine
from deepstroke_training.synthesis import AcquisitionSettings, AnatomySettings, SyntheticHead
from deepstroke_training.synthesis.deformation import (
    draw_deformation,
    exponential,
    pose,
    push_ventricles,
    random_displacement,
    rotation,
)
from deepstroke_training.synthesis.random_fields import RandomField
from deepstroke_training.synthesis.upright_grid import UprightGrid

CPU = torch.device("cpu")
NOSE, LEFT_EAR, VERTEX = (0.0, 100.0, 0.0), (-70.0, 0.0, 0.0), (0.0, 0.0, 100.0)


def test_pitch_raises_the_chin_roll_lowers_the_right_ear_and_yaw_turns_left() -> None:
    assert apply_affine(pose(AcquisitionSettings(pitch_degrees=20)), NOSE)[2] > 30
    assert apply_affine(pose(AcquisitionSettings(roll_degrees=20)), LEFT_EAR)[2] > 20
    assert apply_affine(pose(AcquisitionSettings(yaw_degrees=20)), NOSE)[0] < -30


def test_a_shift_comes_after_the_turn() -> None:
    placed = pose(AcquisitionSettings(yaw_degrees=90, shift_mm=(1.0, 2.0, 3.0)))
    assert apply_affine(placed, NOSE) == pytest.approx((-99.0, 2.0, 3.0))
    assert apply_affine(placed, VERTEX) == pytest.approx((1.0, 2.0, 103.0))


def test_a_rotation_is_right_handed() -> None:
    assert rotation(2, 90) @ np.array([1.0, 0, 0]) == pytest.approx((0, 1, 0))
    assert rotation(0, 90) @ np.array([0, 1.0, 0]) == pytest.approx((0, 0, 1))


def determinants(warp: RandomField) -> torch.Tensor:
    jacobian = torch.stack([torch.stack(torch.gradient(part, spacing=warp.step), -1) for part in warp.data], -2)
    return torch.linalg.det(jacobian + torch.eye(3))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_strongest_warp_does_not_fold(seed: int) -> None:
    warp = random_displacement(seed, AnatomySettings(warp_mm=5.0), CPU)
    assert float(warp.data.std()) > 2.0
    assert float(determinants(warp).min()) > 0.2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fine_broad_and_lopsided_warps_together_do_not_fold(seed: int) -> None:
    warp = random_displacement(seed, AnatomySettings(warp_mm=3.3, fine_warp_mm=1.0, petalia_mm=5.0), CPU)
    assert float(determinants(warp).min()) > 0.15


def test_petalia_brings_out_the_right_frontal_and_the_left_occipital_pole() -> None:
    warp = random_displacement(1, AnatomySettings(warp_mm=0.0, petalia_mm=4.0), CPU)
    poles = torch.tensor([[45.0, -45.0, 45.0, -45.0], [55.0, 55.0, -95.0, -95.0], [5.0, 5.0, 5.0, 5.0]])
    to_template = warp.at(poles)[1].tolist()
    assert to_template[0] < -2.5, "the right frontal pole is drawn from further back"
    assert to_template[3] > 2.5
    assert abs(to_template[1]) < 1
    assert abs(to_template[2]) < 1


def test_a_flow_run_back_returns() -> None:
    velocity = RandomField(random_displacement(4, AnatomySettings(warp_mm=3.0), CPU).data, 15.0)
    there, back = exponential(velocity), exponential(RandomField(-velocity.data, 15.0))
    points = torch.tensor([[0.0, 20.0, -30.0], [0.0, -20.0, 10.0], [0.0, 10.0, 30.0]])
    moved = points + there.at(points)
    assert float((moved + back.at(moved) - points).abs().max()) < 0.1


def test_points_of_a_grid_are_those_of_its_voxels(maker: SyntheticHead) -> None:
    grid = UprightGrid((30, 34, 30), (-60.0, -66.0, -58.0), 4.0)
    turned = AcquisitionSettings(yaw_degrees=20, roll_degrees=-10, shift_mm=(4, 0, 2))
    deformation = draw_deformation(2, AnatomySettings(warp_mm=2.5), turned, maker.template, CPU)
    exact = deformation.template_points(grid.points(CPU).reshape(3, -1)).reshape(3, *grid.shape)
    away = (deformation.template_points_of(grid) - exact).abs()
    assert float(away.max()) < 0.01
    fine = UprightGrid((60, 68, 60), (-60.0, -66.0, -58.0), 2.0)
    exact = deformation.template_points(fine.points(CPU).reshape(3, -1)).reshape(3, *fine.shape)
    assert float((deformation.template_points_of(fine) - exact).abs().mean()) < 0.05


@pytest.mark.parametrize("widening", [1.5, 4.5, 7.5])
def test_no_wall_of_a_ventricle_is_drawn_from_beyond_the_opposite_one(maker: SyntheticHead, widening: float) -> None:
    """However far the walls move, what was fluid stays fluid, and their way is the one asked for."""
    ventricles = maker.template.ventricles
    axes = torch.meshgrid(
        torch.arange(-30.0, 31, 1.5), torch.arange(-40.0, 40, 1.5), torch.arange(0, 26, 2.0), indexing="ij"
    )
    points = torch.stack(axes).reshape(3, -1)
    before = ventricles.sample(points)["ventricle"]
    moved = push_ventricles(points, ventricles, AnatomySettings(ventricle_mm=widening))
    after = ventricles.sample(moved)["ventricle"]
    assert float(after[before < -0.5].max()) < 1.0
    near = (before > 0) & (before < 0.55 * widening)
    assert float((after[near] < 0.5).float().mean()) > 0.9
    assert float((moved - points).norm(dim=0)[before > 18].max()) < widening * 0.14

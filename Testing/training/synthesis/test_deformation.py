"""Poses turn the right way, and random warps never fold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.frames import apply_affine
from deepstroke_training.synthesis import AcquisitionSettings
from deepstroke_training.synthesis.deformation import exponential, pose, random_displacement, rotation
from deepstroke_training.synthesis.random_fields import RandomField

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


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_strongest_warp_does_not_fold(seed: int) -> None:
    warp = random_displacement(seed, 5.0, CPU)
    jacobian = torch.stack([torch.stack(torch.gradient(part, spacing=warp.step), -1) for part in warp.data], -2)
    determinant = torch.linalg.det(jacobian + torch.eye(3))
    assert float(warp.data.std()) > 2.0
    assert float(determinant.min()) > 0.2


def test_a_flow_run_back_returns() -> None:
    velocity = RandomField(random_displacement(4, 3.0, CPU).data, 15.0)
    there, back = exponential(velocity), exponential(RandomField(-velocity.data, 15.0))
    points = torch.tensor([[0.0, 20.0, -30.0], [0.0, -20.0, 10.0], [0.0, 10.0, 30.0]])
    moved = points + there.at(points)
    assert float((moved + back.at(moved) - points).abs().max()) < 0.1

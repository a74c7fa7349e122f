"""Poses made better on a head whose mid-sagittal plane is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from deepstroke.networks import InPlanePose
from deepstroke.networks.pose_refinement import refined


def turned_head(angle_rad: float, offset: float) -> torch.Tensor:
    """A symmetric head of an ellipse with two dark ventricles, turned from i to j and moved along its own normal."""
    i, j, _ = np.indices((32, 32, 16)) - np.array([15.5, 15.5, 7.5]).reshape(3, 1, 1, 1)
    x = math.cos(angle_rad) * i + math.sin(angle_rad) * j - offset
    y = -math.sin(angle_rad) * i + math.cos(angle_rad) * j
    brain = 1 / (1 + np.exp(6 * (np.hypot(x / 9, y / 12) - 1)))
    dark = np.exp(-(((np.abs(x) - 3) ** 2) / 3 + (y - 2) ** 2 / 9))
    return torch.from_numpy((brain * (0.5 - 0.3 * dark)).astype(np.float32))[None, None]


@pytest.mark.parametrize(("degrees", "offset"), [(8.0, 1.5), (-6.0, -2.0)])
def test_the_plane_is_found_from_a_pose_that_moves_nothing(degrees: float, offset: float) -> None:
    start = InPlanePose.of(torch.zeros(1), torch.zeros(1, 2))
    pose = refined(turned_head(math.radians(degrees), offset), start, steps=60)
    assert math.degrees(float(pose.angle_rad)) == pytest.approx(degrees, abs=0.6)
    normal = pose.aligned_to_input[0, :2, 0]
    assert float(normal @ pose.translation[0]) == pytest.approx(offset, abs=0.15)


def test_no_step_gives_the_pose_back() -> None:
    start = InPlanePose.of(torch.tensor([0.1]), torch.tensor([[1.0, -2.0]]))
    same = refined(turned_head(0, 0), start, steps=0)
    torch.testing.assert_close(same.aligned_to_input, start.aligned_to_input)

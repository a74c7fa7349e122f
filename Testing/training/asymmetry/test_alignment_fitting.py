"""T and the poses of cases on tilted heads whose mid-sagittal plane is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepstroke.errors import DeepStrokeError
from deepstroke.networks import InPlanePose
from deepstroke_training.asymmetry.alignment_fitting import fit_alignment
from deepstroke_training.asymmetry.cases import StrokeBatch, StrokeCase
from deepstroke_training.asymmetry.fitting import TrainedMethod, fit_method
from deepstroke_training.asymmetry.losses import pose_loss
from deepstroke_training.asymmetry.optimising import Optimising
from deepstroke_training.asymmetry.posing import pose_of, posed
from deepstroke_training.asymmetry.settings import AsymmetrySettings, Method

SETTINGS = AsymmetrySettings(base_channels=8, alignment_epochs=0, epochs=1, warm_epochs=0, batch=2, test_cases=2)
ANGLES = (8.0, -6.0)


def tilted_head(degrees: float) -> StrokeCase:
    """An ellipse with two dark ventricles turned from i to j, and a lesion on one side."""
    i, j, k = np.indices((24, 24, 16)) - np.array([11.5, 11.5, 7.5]).reshape(3, 1, 1, 1)
    angle = math.radians(degrees)
    x, y = math.cos(angle) * i + math.sin(angle) * j, -math.sin(angle) * i + math.cos(angle) * j
    brain = 1 / (1 + np.exp(6 * (np.hypot(x / 7, y / 10) - 1)))
    dark = np.exp(-(((np.abs(x) - 3) ** 2) / 3 + (y - 2) ** 2 / 9))
    lesion = np.hypot(x - 4, np.hypot(y + 3, k)) < 2
    image = brain * (0.5 - 0.3 * dark) - 0.05 * lesion
    tissue = np.where(brain > 0.5, 1, 0)
    return StrokeCase(image.astype(np.float32), lesion.astype(np.uint8), tissue.astype(np.uint8), (2, 2, 2))


def heads() -> list[StrokeCase]:
    return [tilted_head(angle) for angle in ANGLES]


def degrees_of(cases: list[StrokeCase]) -> list[float]:
    return [math.degrees(case.pose[0]) if case.pose else math.nan for case in cases]


def test_poses_are_found_by_descent_and_those_known_stay() -> None:
    still = fit_alignment(heads(), SETTINGS).alignment
    assert degrees_of(posed(heads(), still)) == [0, 0]
    found = posed(heads(), still, 50)
    assert degrees_of(found) == pytest.approx(ANGLES, abs=1.0)
    assert posed(found, still, 0) == found
    poses = pose_of(still, StrokeBatch.of(heads()).image, 50)
    assert torch.rad2deg(poses.angle_rad).tolist() == pytest.approx(degrees_of(found), abs=1e-3)


@pytest.mark.parametrize("method", ["adn", "clerigues", "residual_aligned"])
def test_methods_learn_on_the_poses_on_which_they_are_applied(method: Method) -> None:
    aligner = fit_alignment(heads(), SETTINGS)
    still = aligner.alignment
    settings = replace(SETTINGS, refine_steps=30)
    weights = [
        nn.utils.parameters_to_vector(fit_method(method, aligner, cases, settings).network.parameters())
        for cases in (heads(), posed(heads(), still, 30), posed(heads(), still, 0))
    ]
    assert torch.equal(weights[0], weights[1])
    assert not torch.allclose(weights[0], weights[2])


def test_a_method_is_applied_on_the_pose_it_has_learnt_on() -> None:
    class Given(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            seen.append(image)
            return image

    seen: list[torch.Tensor] = []
    still = fit_alignment(heads(), SETTINGS).alignment
    image = StrokeBatch.of(heads()).image
    TrainedMethod("residual_aligned", Given(), still, 30).probability(image)
    learnt = StrokeBatch.of(posed(heads(), still, 30))
    torch.testing.assert_close(seen[0], learnt.pose.align(learnt.image), atol=1e-4, rtol=0)


def test_t_learns_the_poses_that_a_descent_finds() -> None:
    """Two heads learnt by heart; their planes aren't told."""
    settings = replace(
        SETTINGS, descent_steps=40, alignment_epochs=60, lr_alignment=3e-4, alignment_warm_up=5, alignment_clip=1.0
    )
    alignment = fit_alignment(heads(), settings).alignment
    found = torch.rad2deg(alignment.pose(StrokeBatch.of(heads()).image).angle_rad)
    assert found.tolist() == pytest.approx(ANGLES, abs=2.0)


def test_the_distance_of_poses_counts_angle_and_shift_across_the_plane() -> None:
    def pose(angle: float, i: float, j: float) -> InPlanePose:
        return InPlanePose.of(torch.tensor([angle]), torch.tensor([[i, j]]))

    assert float(pose_loss(pose(0, 2, 0), pose(0, -1, 7), 30)) == pytest.approx(3)  # 7 is along the plane
    assert float(pose_loss(pose(math.pi / 2, 1, -2), pose(math.pi / 2, 0, 3), 30)) == pytest.approx(5.1)
    assert float(pose_loss(pose(0.1, 0, 0), pose(-0.1, 0, 0), 30)) == pytest.approx(0.2 * 0.3 * 30)


def test_the_rate_grows_and_then_falls_to_zero() -> None:
    plain = Optimising(epochs=4, batch=1, lr=0.1)
    assert [plain.rate(epoch, 1) for epoch in (0, 2)] == pytest.approx([0.1, 0.1 * 0.5**0.9])
    warm = replace(plain, warm_up=10)
    assert [warm.rate(0, step) for step in (1, 5, 10, 11)] == pytest.approx([0.01, 0.05, 0.1, 0.1])


def test_a_t_that_went_to_its_limit_is_told() -> None:
    """At a hundred thousand times the paper's rate the first steps drive tanh to its end."""
    with pytest.raises(DeepStrokeError, match="lr_alignment is 1, try a tenth of it"):
        fit_alignment(heads(), replace(SETTINGS, lr_alignment=1.0, alignment_epochs=3))

"""Poses of cases, found once and kept, so that a method learns on the same poses on which it is applied."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from deepstroke.networks import AlignmentNetwork, InPlanePose
from deepstroke.networks.pose_refinement import refined
from deepstroke_training.asymmetry.cases import StrokeBatch, StrokeCase

#: Cases whose poses are found together.
_TOGETHER = 16


def pose_of(alignment: AlignmentNetwork, image: Tensor, refine_steps: int = 0) -> InPlanePose:
    """What T finds in (B, 1, i, j, k), made better by so many steps of descent; in training and tests alike."""
    with torch.no_grad(), torch.autocast(image.device.type, enabled=False):
        return refined(image, alignment.pose(image), refine_steps)


def posed(cases: list[StrokeCase], alignment: AlignmentNetwork, refine_steps: int = 0) -> list[StrokeCase]:
    """The cases with their poses; a case that has one keeps it."""
    found = list(cases)
    numbers = [number for number, case in enumerate(cases) if case.pose is None]
    for start in range(0, len(numbers), _TOGETHER):
        chosen = numbers[start : start + _TOGETHER]
        poses = pose_of(alignment, StrokeBatch.of([cases[number] for number in chosen]).image, refine_steps)
        for number, pose in zip(chosen, _as_numbers(poses), strict=True):
            found[number] = replace(cases[number], pose=pose)
    return found


def _as_numbers(poses: InPlanePose) -> list[tuple[float, float, float]]:
    angles, shifts = poses.angle_rad.tolist(), poses.translation.tolist()
    return [(angle, i, j) for angle, (i, j) in zip(angles, shifts, strict=True)]

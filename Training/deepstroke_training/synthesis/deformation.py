"""From the scanner to the template: the head's pose, its size, a random diffeomorphism, and what pushes the brain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import Affine
from deepstroke_training.synthesis.random_fields import RandomField, draw_field
from deepstroke_training.synthesis.settings import AcquisitionSettings, AnatomySettings
from deepstroke_training.synthesis.template_head import COARSE_FIRST, MapStack, TemplateHead, sample_grid
from deepstroke_training.synthesis.upright_grid import UprightGrid

#: How fast the push of the ventricles' walls fades, mm.
VENTRICLE_REACH_MM = 9.0
#: How far a wall may move in a straight line, mm; less than half the width of a horn.
VENTRICLE_STEP_MM = 1.6
#: Steps in mm at which a displacement is read on an upright grid.
DISPLACEMENT_STEP_MM = 4.0


@dataclass(frozen=True, eq=False)
class Deformation:
    """Where a point of the scanner lies in the template.

    Attributes:
        head_to_scanner: rigid 4 x 4, from the head's own RAS+ mm (upright, origin at its centre) to the scanner's.
        head_to_template: 4 x 4, the size alone.
        displacement: (3, i, j, k) in mm over the template's coarse grid; adds to template points.
        step: spacing in mm of the displacement.
    """

    head_to_scanner: Affine
    head_to_template: Affine
    displacement: torch.Tensor
    step: float

    @property
    def scanner_to_template(self) -> Affine:
        """The affine part of the whole map."""
        return self.head_to_template @ np.linalg.inv(self.head_to_scanner)

    def template_points(self, scanner: torch.Tensor) -> torch.Tensor:
        """Template points of scanner points, both (3, n) in RAS+ mm."""
        matrix = torch.as_tensor(self.scanner_to_template, dtype=torch.float32, device=scanner.device)
        points = matrix[:3, :3] @ scanner + matrix[:3, 3:]
        return points + sample_grid(self.displacement, points, COARSE_FIRST, self.step)

    def template_points_of(self, grid: UprightGrid) -> torch.Tensor:
        """Template points (3, i, j, k) of a grid's voxels.

        The displacement, smooth over far longer than its own steps, is read at every few mm and linear between.
        """
        device = self.displacement.device
        coarse = grid.coarser(DISPLACEMENT_STEP_MM)
        between = coarse.transformed(self.scanner_to_template, device)
        displacement = sample_grid(self.displacement, between, COARSE_FIRST, self.step)
        return grid.transformed(self.scanner_to_template, device).add_(grid.read_from(coarse, displacement))


def draw_deformation(
    seed: int, anatomy: AnatomySettings, acquisition: AcquisitionSettings, head: TemplateHead, device: torch.device
) -> Deformation:
    """The deformation of one case."""
    head_to_template = np.diag([*(1.0 / np.array(anatomy.scale)), 1.0])
    head_to_template[:3, 3] = head.centre
    displacement = random_displacement(seed, anatomy, device)
    return Deformation(pose(acquisition), head_to_template, displacement.data, displacement.step)


def pose(acquisition: AcquisitionSettings) -> Affine:
    """Rigid transform from the upright head to the head in the scanner: roll, then pitch, then yaw, then shift."""
    turns = ((1, acquisition.roll_degrees), (0, acquisition.pitch_degrees), (2, acquisition.yaw_degrees))
    matrix = np.eye(4)
    for axis, degrees in turns:
        matrix[:3, :3] = rotation(axis, degrees) @ matrix[:3, :3]
    matrix[:3, 3] = acquisition.shift_mm
    return matrix


def rotation(axis: int, degrees: float) -> Affine:
    """3 x 3 right-handed rotation about the right, anterior or superior axis (0, 1, 2)."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.eye(3)
    first, second = [(1, 2), (2, 0), (0, 1)][axis]
    matrix[first, first] = matrix[second, second] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def random_displacement(seed: int, anatomy: AnatomySettings, device: torch.device) -> RandomField:
    """Displacement in mm of a random diffeomorphism, the exponential of a smooth stationary velocity."""
    broad = draw_field(seed, "warp/broad", 110.0, device, channels=3)
    middle = draw_field(seed, "warp/middle", 60.0, device, channels=3)
    upsampled = torch.nn.functional.interpolate(
        broad.data[None], size=middle.data.shape[1:], mode="trilinear", align_corners=True
    )[0]
    velocity = anatomy.warp_mm * (0.95 * upsampled + 0.28 * middle.data)
    if anatomy.fine_warp_mm:
        velocity = velocity + anatomy.fine_warp_mm * draw_field(seed, "warp/fine", 35.0, device, channels=3).data
    if anatomy.petalia_mm:
        velocity[1] += _petalia(velocity.shape[1:], middle.step, device) * anatomy.petalia_mm
    return exponential(RandomField(velocity, middle.step))


def _petalia(shape: Sequence[int], step: float, device: torch.device) -> torch.Tensor:
    """Velocity along anterior, (i, j, 1): -1 at the right frontal pole, 1 at the left occipital one, 0 at the others.

    It leads from the head to the template, and so against the way in which the poles stand out.
    """
    x, y = (f + step * torch.arange(n, device=device) for n, f in zip(shape[:2], COARSE_FIRST[:2], strict=True))
    return -0.5 * (torch.tanh(x / 25.0)[:, None, None] + torch.tanh((y + 18.0) / 40.0)[None, :, None])


def exponential(velocity: RandomField, squarings: int = 6) -> RandomField:
    """Displacement of the flow of a stationary velocity after unit time, by scaling and squaring (Arsigny 2006)."""
    shape = velocity.data.shape[1:]
    axes = [
        torch.arange(n, device=velocity.data.device, dtype=torch.float32) * velocity.step + first
        for n, first in zip(shape, COARSE_FIRST, strict=True)
    ]
    identity = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    displacement = velocity.data / 2**squarings
    for _ in range(squarings):
        displacement = displacement + sample_grid(displacement, identity + displacement, COARSE_FIRST, velocity.step)
    return RandomField(displacement, velocity.step)


def push_ventricles(points: torch.Tensor, ventricles: MapStack, anatomy: AnatomySettings) -> torch.Tensor:
    """Template points from which brain is drawn once the ventricles' walls have moved.

    Long ways are gone in steps, each along the direction where it starts: those from opposite walls of a horn end in
    its middle, where a straight way would come out on its far side.

    Args:
        points: (3, n) template mm.
        ventricles: signed distance to the ventricles and the direction away from them.
        anatomy: says how far.
    """
    fields = ventricles.sample(points)
    amount = torch.full_like(points[0], anatomy.ventricle_mm)
    if anatomy.ventricle_asymmetry_mm:
        amount = amount + anatomy.ventricle_asymmetry_mm * torch.sigmoid(-points[0] / 5.0)
    amount = amount * torch.exp(-fields["ventricle"].clamp_min(0.0) / VENTRICLE_REACH_MM)
    furthest = max(abs(anatomy.ventricle_mm), abs(anatomy.ventricle_mm + anatomy.ventricle_asymmetry_mm))
    steps = max(1, math.ceil(furthest / VENTRICLE_STEP_MM))
    moved = points - _direction(fields) * amount / steps
    # What goes less than a step in all may as well go straight.
    far = amount.abs() > VENTRICLE_STEP_MM
    moved = torch.where(far, moved, points - _direction(fields) * amount)
    rows = far.nonzero()[:, 0]
    for _ in range(steps - 1):
        moved[:, rows] -= _direction(ventricles.sample(moved[:, rows])) * amount[rows] / steps
    return moved


def _direction(fields: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack([fields["push_x"], fields["push_y"], fields["push_z"]])

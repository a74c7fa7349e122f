"""A pose made better by descent on what T is trained by: how far a head is from its mirror image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deepstroke.networks.alignment import InPlanePose, mirrored

#: First step widths of the angle in radians and of the shift in voxels; both fall to a tenth.
_ANGLE_STEP, _SHIFT_STEP = 0.02, 0.3
_LAST_STEP = 0.1


def refined(image: Tensor, pose: InPlanePose, steps: int = 40) -> InPlanePose:
    """The pose near a given one in which the smoothed head is most like its mirror image.

    Not published: it takes the place of the long training that T needs to be exact, and doesn't change T.

    Args:
        image: (B, 1, i, j, k), 0..1.
        pose: to start from.
        steps: of Adam on the mean absolute difference; 0 gives the pose back.
    """
    smooth = functional.avg_pool3d(image.float(), 3, stride=1, padding=1)
    angle, shift = pose.angle_rad.detach().clone(), pose.translation.detach().clone()
    with torch.enable_grad():
        angle.requires_grad_(True)
        shift.requires_grad_(True)
        groups = [{"params": [angle], "lr": _ANGLE_STEP}, {"params": [shift], "lr": _SHIFT_STEP}]
        optimizer = torch.optim.Adam(groups)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _LAST_STEP ** (step / max(steps, 1)))
        for _ in range(steps):
            optimizer.zero_grad()
            _unlike(smooth, InPlanePose.of(angle, shift)).backward()
            optimizer.step()
            schedule.step()
    return InPlanePose.of(angle.detach(), shift.detach())


def _unlike(image: Tensor, pose: InPlanePose) -> Tensor:
    """How far heads are from their mirror images, and from their mirror images brought back; without the second term
    a head outside the volume would be best."""
    aligned = pose.align(image)
    return (aligned - mirrored(aligned)).abs().mean() + (image - pose.restore(mirrored(aligned))).abs().mean()

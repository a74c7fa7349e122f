"""The loss of the coordinate head: where in the template each voxel lies."""

from __future__ import annotations

import torch
from torch import Tensor

#: Millimetres of one unit of the coordinate channels, which keeps them about as large as logits.
UNIT_MM = 50.0


def coordinate_loss(predicted: Tensor, template_mm: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute difference of coordinates within a mask; 0 for an empty mask.

    Args:
        predicted: (B, 3, i, j, k), in units of 50 mm.
        template_mm: true RAS+ coordinates in the template, mm, of the same shape; anything outside the mask.
        mask: (B, 1, i, j, k), true where they count.

    Returns:
        A scalar in units of 50 mm.
    """
    mask = mask.bool()
    zero = torch.zeros((), device=predicted.device)
    # The template may hold NaN outside: it must be replaced before the difference, or gradients would be NaN too.
    true = torch.where(mask, template_mm.float() / UNIT_MM, zero)
    difference = torch.where(mask, predicted.float(), zero) - true
    return difference.abs().sum() / (predicted.shape[1] * mask.sum()).clamp(min=1)

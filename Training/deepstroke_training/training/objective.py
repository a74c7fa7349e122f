"""What training minimises: the segmentation loss, and how far predicted template coordinates are off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from deepstroke_training.losses import coordinate_loss

#: Channels of template coordinates after the logits.
COORDINATES = 3


class Objective(nn.Module):
    """The loss of a network's output on a batch.

    Args:
        loss: of logits (B, K, i, j, k), or a list of them finest first, and labels (B, 1, i, j, k).
        coordinate_weight: of the coordinate loss; None where the network gives no coordinates.
    """

    def __init__(self, loss: nn.Module, coordinate_weight: float | None = None) -> None:
        super().__init__()
        self.loss, self.coordinate_weight = loss, coordinate_weight

    def forward(self, output: Tensor | list[Tensor], batch: Mapping[str, Any]) -> Tensor:
        """The loss, a scalar; coordinates count at the finest scale alone.

        Args:
            output: (B, K, i, j, k), or a list of scales, finest first; with coordinates three channels more.
            batch: with ``label``; with coordinates also ``template_mm`` and ``coordinate_mask``.
        """
        scales = output if isinstance(output, list) else [output]
        logits = [self.split(scale)[0] for scale in scales]
        loss = self.loss(logits if len(logits) > 1 else logits[0], batch["label"])
        if self.coordinate_weight is None:
            return loss
        predicted = self.split(scales[0])[1]
        error = coordinate_loss(predicted, batch["template_mm"], batch["coordinate_mask"])
        return loss + self.coordinate_weight * error

    def split(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, K, i, j, k) and template coordinates (B, 3 or 0, i, j, k), RAS+ in units of 50 mm."""
        labels = output.shape[1] - (0 if self.coordinate_weight is None else COORDINATES)
        return output[:, :labels], output[:, labels:]

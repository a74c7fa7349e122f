"""A loss of logits at several scales."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class DeepSupervision(nn.Module):
    """A loss that also takes a list of logits, finest first, and weighs them 1, 1/2, 1/4, ...

    The weights are divided by their sum, so that values compare with those of a single scale.

    Args:
        loss: of logits (B, K, ...) and labels (B, 1, ...).
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits: Tensor | Sequence[Tensor], target: Tensor) -> Tensor:
        """The loss, a scalar; labels (B, 1, i, j, k) are brought to the size of each of the logits."""
        if isinstance(logits, Tensor):
            return self.loss(logits, target)
        weights = [0.5**scale for scale in range(len(logits))]
        losses = [
            weight * self.loss(each, downsample_labels(target, each.shape[2:]))
            for weight, each in zip(weights, logits, strict=True)
        ]
        return torch.stack(losses).sum() / sum(weights)


def downsample_labels(target: Tensor, size: Sequence[int]) -> Tensor:
    """Labels (B, C, i, j, k) of any type at another size: each voxel's is that at its centre's place."""
    for axis, count in enumerate(size, start=2):
        full = target.shape[axis]
        if full != count:
            centres = torch.arange(count, device=target.device) * 2 + 1
            target = target.index_select(axis, centres * full // (2 * count))
    return target

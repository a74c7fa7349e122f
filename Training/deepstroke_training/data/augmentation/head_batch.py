"""The batch that augmentation works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch


@dataclass(frozen=True, eq=False)
class HeadBatch:
    """Heads on isotropic grids with axes along right, anterior, superior; all tensors on one device.

    Attributes:
        image: (B, 1, i, j, k) float32 HU.
        label: (B, 1, i, j, k) uint8.
        brain: (B, 1, i, j, k) bool.
        template_mm: (B, 3, i, j, k) float32, where each voxel lies in the template, RAS+ mm; or None.
        fill_hu: (B,) HU beyond the grid: air for whole heads, 0 for stripped ones.
        strip: (B,) bool, whether the brain is to be shown alone.
    """

    image: torch.Tensor
    label: torch.Tensor
    brain: torch.Tensor
    template_mm: torch.Tensor | None
    fill_hu: torch.Tensor
    strip: torch.Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along i, j and k."""
        ni, nj, nk = self.image.shape[2:]
        return ni, nj, nk

    @property
    def device(self) -> torch.device:
        """Where the batch lies."""
        return self.image.device


def per_sample(values: torch.Tensor) -> torch.Tensor:
    """Values (B,) in a shape that spreads over (B, 1, i, j, k)."""
    return values.reshape(-1, 1, 1, 1, 1)


def with_added(batch: HeadBatch, fields: Mapping[int, torch.Tensor]) -> HeadBatch:
    """A batch with fields (i, j, k) in HU added to some of its images, by their index."""
    if not fields:
        return batch
    image = batch.image.clone()
    for index, field in fields.items():
        image[index, 0] += field
    return replace(batch, image=image)

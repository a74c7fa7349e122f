"""Bright vessels and metal streaks."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.head_batch import HeadBatch, with_added
from deepstroke_training.data.augmentation.settings import AugmentationSettings

#: Wavelength of the fields whose common zeros are vessels, and their width in units of the fields.
_VESSEL_MM, _VESSEL_WIDTH = 45.0, 0.12
#: Streaks: how many directions, how far from the metal they halve, and over what height they fade, mm.
_DIRECTIONS, _HALF_MM, _HEIGHT_MM = 240, 40.0, 12.0


def add_vessels(
    batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings, spacing_mm: float
) -> HeadBatch:
    """Brighten vessels in the brain of some samples, as after contrast."""
    fields = {
        index: one.up_to("vessel size", settings.vessel_hu)
        * vessels(batch.shape, spacing_mm, one, batch.device)
        * batch.brain[index, 0]
        for index, one in enumerate(draws)
        if one.happens("vessels", settings.vessel_probability)
    }
    return with_added(batch, fields)


def add_streaks(
    batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings, spacing_mm: float
) -> HeadBatch:
    """Add streaks that run out from a place near the base within the slices."""
    fields = {
        index: one.up_to("streak size", settings.streak_hu) * streaks(batch.shape, spacing_mm, one, batch.device)
        for index, one in enumerate(draws)
        if one.happens("streaks", settings.streak_probability)
    }
    return with_added(batch, fields)


def vessels(shape: tuple[int, int, int], spacing_mm: float, draws: Draws, device: torch.device) -> torch.Tensor:
    """Winding tubes (i, j, k), 1 along their middles: two smooth fields are zero together along curves."""
    first, second = (draws.smooth(f"vessels {n}", shape, spacing_mm, _VESSEL_MM, device) for n in (1, 2))
    return torch.exp(-(first.square() + second.square()) / (2.0 * _VESSEL_WIDTH**2))


def streaks(shape: tuple[int, int, int], spacing_mm: float, draws: Draws, device: torch.device) -> torch.Tensor:
    """A pattern (i, j, k) of unit size beside the metal, which lies in the lower third, near the middle in x."""
    extent = [n * spacing_mm for n in shape]
    x, y, z = draws.two_sided("streak place", 0.5, 3) * (0.4 * extent[0], 0.8 * extent[1], 0.3 * extent[2])
    i, j, k = ((torch.arange(n, device=device, dtype=torch.float32) - (n - 1) / 2.0) * spacing_mm for n in shape)
    right, forward = (i - float(x))[:, None], (j - float(y))[None, :]
    angle = torch.atan2(forward, right)
    rays = draws.white("streaks", (_DIRECTIONS,), device)
    pattern = rays[((angle / torch.pi + 1.0) / 2.0 * (_DIRECTIONS - 1)).round().long()]
    fading = 1.0 / (1.0 + torch.hypot(right, forward) / _HALF_MM)
    height = torch.exp(-0.5 * ((k - float(z) + 0.35 * extent[2]) / _HEIGHT_MM).square())
    return (pattern * fading)[:, :, None] * height

"""Other scanners: slow bias, shift, gain, noise with grain, and a bent curve of grey values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.head_batch import HeadBatch, per_sample, with_added
from deepstroke_training.data.augmentation.resolution import AxisMatrices, apply_to_some, gaussian
from deepstroke_training.data.augmentation.settings import AugmentationSettings


def add_bias(batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings, spacing_mm: float) -> HeadBatch:
    """Add a smooth field to some samples."""
    return with_added(
        batch,
        {
            index: one.up_to("bias size", settings.bias_hu)
            * one.smooth("bias", batch.shape, spacing_mm, settings.bias_wavelength_mm, batch.device)
            for index, one in enumerate(draws)
            if one.happens("bias", settings.bias_probability)
        },
    )


def shift_and_gain(batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings) -> HeadBatch:
    """Move HU up or down, and scale what lies above water."""
    on = [one.happens("shift", settings.shift_probability) for one in draws]
    shifts = [float(one.two_sided("shift size", settings.shift_hu)[0]) * o for one, o in zip(draws, on, strict=True)]
    gains = [float(one.two_sided("gain", settings.gain)[0]) * o for one, o in zip(draws, on, strict=True)]
    if not any(on):
        return batch
    shift, gain = (per_sample(torch.tensor(values, device=batch.device)) for values in (shifts, gains))
    return replace(batch, image=batch.image + shift + gain * batch.image.clamp_min(0.0))


def add_noise(batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings, spacing_mm: float) -> HeadBatch:
    """Add noise whose grain is smoothed within the slices, as reconstruction kernels leave it."""
    added: dict[int, torch.Tensor] = {}
    for index, one in enumerate(draws):
        if one.happens("noise", settings.noise_probability):
            grain = _grain(batch.shape, one.up_to("noise grain", settings.noise_grain_mm) / spacing_mm)
            white = one.white("noise", batch.shape, batch.device)
            added[index] = one.up_to("noise size", settings.noise_hu) * apply_to_some(white[None], [grain])[0]
    return with_added(batch, added)


def bend_greys(shown: torch.Tensor, draws: Sequence[Draws], settings: AugmentationSettings) -> torch.Tensor:
    """Values 0..1 of shape (B, 1, i, j, k) to a power of their sample's own."""
    exponents = [
        float(np.exp(one.two_sided("gamma size", settings.gamma)[0]))
        if one.happens("gamma", settings.gamma_probability)
        else 1.0
        for one in draws
    ]
    if all(exponent == 1.0 for exponent in exponents):
        return shown
    return shown ** per_sample(torch.tensor(exponents, device=shown.device))


def _grain(shape: tuple[int, int, int], sigma: float) -> AxisMatrices:
    """Smoothing along i and j that keeps the variance of white noise."""
    first, second = (
        matrix / np.sqrt((matrix**2).sum(axis=1, keepdims=True)) for matrix in (gaussian(n, sigma) for n in shape[:2])
    )
    return first, second, np.eye(shape[2])

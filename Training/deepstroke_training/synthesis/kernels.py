"""Reconstruction kernels: soft ones blur the plane, sharp ones overdraw its edges."""

from __future__ import annotations

import torch
from scipy import special

from deepstroke_training.synthesis.settings import AcquisitionSettings

#: Standard deviation of what a sharp kernel takes for the background of an edge, mm.
EDGE_MM = 0.9


def through_kernel(slices: torch.Tensor, settings: AcquisitionSettings, pixel_mm: tuple[float, float]) -> torch.Tensor:
    """Slices (..., i, j) as the settings' kernel shows them; themselves where it neither blurs nor sharpens."""
    if settings.kernel_mm > 0:
        slices = blurred(slices, settings.kernel_mm, pixel_mm)
    if settings.edge_gain > 0:
        slices = slices + settings.edge_gain * (slices - blurred(slices, EDGE_MM, pixel_mm))
    return slices


def blurred(slices: torch.Tensor, sigma_mm: float, pixel_mm: tuple[float, float]) -> torch.Tensor:
    """Gaussian smoothing of slices (..., i, j), the border repeated; of the right variance also on coarse pixels."""
    for axis, pixel in ((-2, pixel_mm[0]), (-1, pixel_mm[1])):
        lines = slices.movedim(axis, 0)
        taps = _taps((sigma_mm / pixel) ** 2)
        reach, count = len(taps) - 1, lines.shape[0]
        padded = torch.cat([lines[:1]] * reach + [lines] + [lines[-1:]] * reach)
        smooth = padded[reach : reach + count] * taps[0]
        for n in range(1, reach + 1):
            both = padded[reach - n : reach - n + count] + padded[reach + n : reach + n + count]
            smooth.add_(both, alpha=taps[n])
        slices = smooth.movedim(0, axis)
    return slices


def _taps(variance: float) -> list[float]:
    """Weights at 0, 1, 2, ... voxels of the discrete Gaussian (Lindeberg 1990) of a variance in voxels."""
    reach = max(2, round(3.5 * variance**0.5))
    taps = special.ive(range(reach + 1), variance)
    return (taps / (taps[0] + 2 * taps[1:].sum())).tolist()

"""Scans that end inside the head, and brain masks that are off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from deepstroke.inference.preparation import STRIPPED_HU
from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.head_batch import HeadBatch, per_sample
from deepstroke_training.data.augmentation.resolution import apply_to_some, gaussian
from deepstroke_training.data.augmentation.settings import AugmentationSettings

#: Share of cuts at the base; the others are at the vertex. Largest tilt of the cut, degrees.
_AT_BASE, _TILT_DEGREES = 0.65, 15.0
#: Least smoothing of a mask from which its border is displaced, voxels.
_LEAST_SMOOTHING = 1.0


def cut_coverage(
    batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings, spacing_mm: float
) -> HeadBatch:
    """End the scan inside the brain of some samples, along a plane that may be tilted; nothing is known beyond it."""
    image, label, brain = batch.image, batch.label, batch.brain
    for index, one in enumerate(draws):
        if one.happens("crop", settings.crop_probability):
            beyond = _beyond(batch.brain[index, 0], one, settings.crop_mm / spacing_mm)
            only = torch.zeros(len(draws), dtype=torch.bool, device=batch.device)
            only[index] = True
            lost = per_sample(only) & beyond
            image = torch.where(lost, per_sample(batch.fill_hu), image)
            label, brain = torch.where(lost, 0, label), brain & ~lost
    return replace(batch, image=image, label=label, brain=brain)


def _beyond(brain: torch.Tensor, draws: Draws, most_voxels: float) -> torch.Tensor:
    """What of a grid (i, j, k) lies beyond a cut through its brain."""
    heights = torch.nonzero(brain.any(0).any(0)).flatten()
    if len(heights) == 0:
        return torch.zeros_like(brain)
    depth = draws.up_to("crop size", most_voxels)
    slope = float(np.tan(np.deg2rad(draws.two_sided("crop tilt", _TILT_DEGREES)[0])))
    nj, nk = brain.shape[1:]
    j = torch.arange(nj, device=brain.device) - (nj - 1) / 2.0
    height = torch.arange(nk, device=brain.device) - slope * j[:, None]
    if draws.happens("crop at base", _AT_BASE):
        return (height < float(heights[0]) + depth).expand(brain.shape)
    return (height > float(heights[-1]) - depth).expand(brain.shape)


def show_brain_alone(
    batch: HeadBatch, draws: Sequence[Draws], settings: AugmentationSettings, spacing_mm: float
) -> HeadBatch:
    """Strip the samples that ask for it, some by a mask whose border is off; labels stay what they are."""
    mask = batch.brain[:, 0]
    off = [
        one if strip and one.happens("strip error", settings.strip_error_probability) else None
        for one, strip in zip(draws, batch.strip.tolist(), strict=True)
    ]
    if any(off):
        mask = _displaced(mask, off, settings, spacing_mm)
    hidden = per_sample(batch.strip) & ~mask[:, None]
    return replace(batch, image=torch.where(hidden, float(STRIPPED_HU), batch.image))


def _displaced(
    masks: torch.Tensor, draws: Sequence[Draws | None], settings: AugmentationSettings, spacing_mm: float
) -> torch.Tensor:
    """Masks (B, i, j, k) with borders moved in and out by smooth fields.

    Smoothed by a Gaussian a plane border becomes the normal distribution of the distance, so that moving the border is
    moving the threshold.
    """
    sigma = max(settings.strip_error_mm / spacing_mm, _LEAST_SMOOTHING)
    blur = (gaussian(masks.shape[1], sigma), gaussian(masks.shape[2], sigma), gaussian(masks.shape[3], sigma))
    soft = apply_to_some(masks.float(), [None if one is None else blur for one in draws])
    moved = masks.clone()
    shape = (masks.shape[1], masks.shape[2], masks.shape[3])
    for index, one in enumerate(draws):
        if one is not None:
            size = one.up_to("strip error size", settings.strip_error_mm) / spacing_mm
            field = size * one.smooth("strip error", shape, spacing_mm, 30.0, masks.device)
            moved[index] = soft[index] > torch.special.ndtr((field / sigma).clamp(-2.0, 2.0))
    return moved

"""All changes of a batch, in the order in which they come about: head, scanner, reconstruction, coverage, stripping."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deepstroke.preprocess.windowing import normalised
from deepstroke_training.data.augmentation.artefacts import add_streaks, add_vessels
from deepstroke_training.data.augmentation.coverage import cut_coverage, show_brain_alone
from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.head_batch import HeadBatch
from deepstroke_training.data.augmentation.intensity import add_bias, add_noise, bend_greys, shift_and_gain
from deepstroke_training.data.augmentation.resolution import change_resolution
from deepstroke_training.data.augmentation.settings import AugmentationSettings
from deepstroke_training.data.augmentation.spatial import Shape, move


def augment(
    batch: HeadBatch,
    seeds: Sequence[int],
    settings: AugmentationSettings,
    *,
    spacing_mm: float,
    hu_range: tuple[float, float],
    patch: Shape | None = None,
    sided: bool = False,
) -> tuple[HeadBatch, torch.Tensor]:
    """Change every sample at random, and show it to the network.

    A sample's changes depend on its seed alone, not on its place in the batch.

    Args:
        batch: heads.
        seeds: of each sample.
        settings: ranges.
        spacing_mm: voxel size.
        hu_range: HU that become 0 and 1.
        patch: shape of the part that is cut out; whole grids without it.
        sided: whether labels are sided.

    Returns:
        The batch in HU, stripped where it asks for it, and its image as 0..1 with bent grey values.
    """
    draws = [Draws(seed) for seed in seeds]
    batch = move(batch, draws, settings, spacing_mm, patch, sided)
    batch = add_vessels(batch, draws, settings, spacing_mm)
    batch = add_bias(batch, draws, settings, spacing_mm)
    batch = add_streaks(batch, draws, settings, spacing_mm)
    batch = change_resolution(batch, draws, settings, spacing_mm)
    batch = shift_and_gain(batch, draws, settings)
    batch = add_noise(batch, draws, settings, spacing_mm)
    batch = cut_coverage(batch, draws, settings, spacing_mm)
    batch = show_brain_alone(batch, draws, settings, spacing_mm)
    return batch, bend_greys(normalised(batch.image, hu_range), draws, settings)

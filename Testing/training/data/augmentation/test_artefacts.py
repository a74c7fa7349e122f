"""Vessels are bright, thin and in the brain; streaks run out from one place."""

from __future__ import annotations

from collections.abc import Callable

import torch

from deepstroke_training.data.augmentation import AugmentationSettings, HeadBatch
from deepstroke_training.data.augmentation.artefacts import add_streaks, add_vessels, streaks, vessels
from deepstroke_training.data.augmentation.draws import Draws

SHAPE = (48, 56, 48)


def test_vessels_are_thin_tubes() -> None:
    tubes = vessels(SHAPE, 2.0, Draws(4), torch.device("cpu")) > 0.5
    assert 0.0005 < float(tubes.float().mean()) < 0.05
    thin = torch.nn.functional.avg_pool3d(tubes[None, None].float(), 7, stride=1).max()
    assert float(thin) < 0.5


def test_vessels_brighten_the_brain_alone(batch: Callable[..., HeadBatch]) -> None:
    settings = AugmentationSettings("none", vessel_probability=1.0, vessel_hu=100.0)
    heads = batch(3)
    added = add_vessels(heads, [Draws(seed) for seed in range(3)], settings, 2.0).image - heads.image
    assert float(added.min()) >= 0
    assert 0 < float(added.max()) <= 100
    assert not added[~heads.brain].any()


def test_streaks_fade_with_height_and_distance(batch: Callable[..., HeadBatch]) -> None:
    pattern = streaks(SHAPE, 2.0, Draws(4), torch.device("cpu")).abs()
    heights = pattern.mean((0, 1))
    peak = int(heights.argmax())
    assert peak < SHAPE[2] // 2
    assert float(heights[-1]) < 0.05 * float(heights[peak])
    settings = AugmentationSettings("none", streak_probability=1.0, streak_hu=40.0)
    heads = batch()
    changed = add_streaks(heads, [Draws(1)], settings, 2.0)
    assert 0 < float((changed.image - heads.image).abs().max()) < 200
    assert torch.equal(changed.label, heads.label)

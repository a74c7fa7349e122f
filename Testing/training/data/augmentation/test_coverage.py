"""Scans that end early know nothing beyond; stripped heads show the brain, if by a mask that may be off."""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy import ndimage

from deepstroke_training.data.augmentation import AugmentationSettings, HeadBatch
from deepstroke_training.data.augmentation.coverage import cut_coverage, show_brain_alone
from deepstroke_training.data.augmentation.draws import Draws

Batch = Callable[..., HeadBatch]


def draws(count: int) -> list[Draws]:
    return [Draws(seed) for seed in range(count)]


def test_a_cut_takes_one_end_and_all_that_was_known_there(batch: Batch) -> None:
    settings = AugmentationSettings("none", crop_probability=1.0, crop_mm=12.0)
    heads = batch(10)
    found = cut_coverage(heads, draws(10), settings, 2.0)
    ends = set()
    for index in range(10):
        lost = heads.brain[index, 0] & ~found.brain[index, 0]
        gone = found.image[index, 0] != heads.image[index, 0]
        assert bool((found.image[index, 0][gone] == -1024).all())
        assert not found.label[index, 0][gone].any()
        assert torch.equal(found.label[index, 0][~gone], heads.label[index, 0][~gone])
        assert bool(gone[lost].all())
        heights = torch.nonzero(lost)[:, 2]
        assert len(heights)
        middle = torch.nonzero(heads.brain[index, 0])[:, 2].float().mean()
        ends.add("base" if float(heights.float().mean()) < middle else "vertex")
        depth = lost[:, 13:15].any(0).any(0).sum() * 2.0
        assert float(depth) <= 12.0 + 2.0
    assert ends == {"base", "vertex"}


def test_stripped_samples_show_the_brain_and_raw_ones_everything(batch: Batch) -> None:
    heads = batch(2, strip=True)
    found = show_brain_alone(heads, draws(2), AugmentationSettings("none"), 2.0)
    assert torch.equal(found.image[1], heads.image[1])
    outside = ~heads.brain[0]
    assert bool((found.image[0][outside] == 0).all())
    assert torch.equal(found.image[0][~outside], heads.image[0][~outside])


def test_a_mask_that_is_off_stays_near_the_border(batch: Batch) -> None:
    settings = AugmentationSettings("none", strip_error_probability=1.0, strip_error_mm=3.0)
    brain = batch().brain[0, 0].numpy()
    away = ndimage.distance_transform_edt(brain) + ndimage.distance_transform_edt(~brain)
    changed = 0
    for seed in range(5):
        found = show_brain_alone(batch(1, strip=True), [Draws(seed)], settings, 2.0)
        shown = found.image[0, 0].numpy() != 0
        changed += int((shown != brain).sum())
        assert away[shown != brain].max(initial=0) < 5
        assert torch.equal(found.label, batch().label)
        assert torch.equal(found.brain, batch().brain)
    assert changed > 50

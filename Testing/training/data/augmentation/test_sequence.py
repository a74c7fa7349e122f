"""All changes together: a sample's seed decides alone, whatever stands beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from deepstroke_training.data.augmentation import AugmentationSettings, HeadBatch, augment

Batch = Callable[..., HeadBatch]
PLACE = {"spacing_mm": 2.0, "hu_range": (0.0, 100.0)}


def part(batch: HeadBatch, chosen: slice) -> HeadBatch:
    return HeadBatch(**{name: value[chosen] for name, value in vars(batch).items()})


@pytest.mark.parametrize("preset", ["standard", "strong"])
def test_a_sample_is_the_same_bits_alone_and_in_company(batch: Batch, preset: str) -> None:
    settings = AugmentationSettings(preset)  # type: ignore[arg-type]
    heads, seeds = batch(4, strip=True), [11, 12, 13, 14]
    together, shown = augment(heads, seeds, settings, **PLACE)  # type: ignore[arg-type]
    for index in range(4):
        alone, image = augment(part(heads, slice(index, index + 1)), seeds[index : index + 1], settings, **PLACE)  # type: ignore[arg-type]
        assert torch.equal(image[0], shown[index])
        assert torch.equal(alone.label[0], together.label[index])
        assert torch.equal(alone.template_mm[0], together.template_mm[index])  # type: ignore[index]


def test_seeds_make_the_difference(batch: Batch) -> None:
    settings = AugmentationSettings("standard")
    _, shown = augment(batch(6), [1, 1, 2, 3, 4, 5], settings, **PLACE)  # type: ignore[arg-type]
    assert torch.equal(shown[0], shown[1])
    assert len({one.sum().item() for one in shown[1:]}) == 5


def test_the_network_sees_0_to_1(batch: Batch) -> None:
    _, shown = augment(batch(4, strip=True), [1, 2, 3, 4], AugmentationSettings("strong"), **PLACE)  # type: ignore[arg-type]
    assert shown.dtype == torch.float32
    assert float(shown.min()) >= 0
    assert float(shown.max()) <= 1
    assert bool(torch.isfinite(shown).all())


def test_without_changes_values_are_those_of_the_window(batch: Batch) -> None:
    heads = batch()
    found, shown = augment(heads, [7], AugmentationSettings("none"), **PLACE)  # type: ignore[arg-type]
    assert torch.equal(shown, (heads.image / 100).clip(0, 1))
    assert torch.equal(found.label, heads.label)


def test_switching_one_change_off_leaves_the_others_as_they_were(batch: Batch) -> None:
    settings = AugmentationSettings("strong")
    quiet = replace(settings, noise_probability=0.0, blur_probability=0.0, elastic_probability=0.0, crop_probability=0)
    still = replace(quiet, noise_probability=1.0, blur_probability=1.0)
    one, shown = augment(batch(4), [1, 2, 3, 4], quiet, **PLACE)  # type: ignore[arg-type]
    other, noisy = augment(batch(4), [1, 2, 3, 4], still, **PLACE)  # type: ignore[arg-type]
    assert torch.equal(one.label, other.label)
    assert not torch.equal(shown, noisy)

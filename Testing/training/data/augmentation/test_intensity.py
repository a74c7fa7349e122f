"""Other scanners: sizes of shifts, noise and bias are those drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from deepstroke_training.data.augmentation import AugmentationSettings, HeadBatch
from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.intensity import add_bias, add_noise, bend_greys, shift_and_gain

Batch = Callable[..., HeadBatch]


def draws(count: int) -> list[Draws]:
    return [Draws(seed) for seed in range(count)]


def test_shift_moves_all_and_gain_what_is_above_water(batch: Batch) -> None:
    settings = AugmentationSettings("none", shift_probability=1.0, shift_hu=5.0, gain=0.1)
    heads = batch(6)
    found = shift_and_gain(heads, draws(6), settings)
    shift = (found.image - heads.image)[:, 0, 0, 0, 0]
    gain = ((found.image - heads.image)[:, 0, 5, 5, 5] - shift) / 30.0
    assert float(shift.abs().max()) <= 5.0
    assert float(gain.abs().max()) <= 0.1
    assert float(shift.std()) > 1.0
    assert float(gain.std()) > 0.02


@pytest.mark.parametrize("grain_mm", [0.0, 3.0])
def test_noise_has_the_size_that_was_drawn(batch: Batch, grain_mm: float) -> None:
    settings = AugmentationSettings("none", noise_probability=1.0, noise_hu=10.0, noise_grain_mm=grain_mm)
    heads = batch(4)
    noise = (add_noise(heads, draws(4), settings, 2.0).image - heads.image)[:, 0]
    for index, one in enumerate(draws(4)):
        assert float(noise[index].std()) == pytest.approx(one.up_to("noise size", 10.0), rel=0.08)
        assert abs(float(noise[index].mean())) < 0.5
    if grain_mm:
        beside = (noise[:, 1:] * noise[:, :-1]).mean((1, 2, 3)) / noise.square().mean((1, 2, 3))
        above = (noise[..., 1:] * noise[..., :-1]).mean((1, 2, 3)) / noise.square().mean((1, 2, 3))
        assert float(beside.max()) > 0.2, "grain within the slices"
        assert float(above.abs().max()) < 0.05, "none between them"


def test_bias_is_slow(batch: Batch) -> None:
    settings = AugmentationSettings("none", bias_probability=1.0, bias_hu=8.0, bias_wavelength_mm=100.0)
    heads = batch(3)
    bias = (add_bias(heads, draws(3), settings, 2.0).image - heads.image)[:, 0]
    for index, one in enumerate(draws(3)):
        size = one.up_to("bias size", 8.0)
        assert 0.05 * size < float(bias[index].abs().max()) < 5.0 * size
        assert float(bias[index].diff(dim=0).abs().max()) < 0.25 * size


def test_greys_are_bent_between_fixed_ends() -> None:
    settings = AugmentationSettings("none", gamma_probability=1.0, gamma=0.5)
    shown = torch.linspace(0, 1, 11).reshape(1, 1, 11, 1, 1).expand(5, -1, -1, -1, -1)
    bent = bend_greys(shown, draws(5), settings)[:, 0, :, 0, 0]
    assert torch.equal(bent[:, 0], torch.zeros(5))
    assert torch.equal(bent[:, -1], torch.ones(5))
    assert bool((bent.diff(dim=1) > 0).all())
    exponents = bent[:, 5].log() / torch.tensor(0.5).log()
    assert float(exponents.min()) < 0.95
    assert float(exponents.max()) > 1.05
    assert bool(((exponents > 0.6) & (exponents < 1.65)).all())


def test_without_a_probability_nothing_changes(batch: Batch) -> None:
    heads, still = batch(2), AugmentationSettings("none", noise_hu=9.0, bias_hu=9.0, shift_hu=9.0, gamma=0.5)
    assert add_noise(heads, draws(2), still, 2.0) is heads
    assert add_bias(heads, draws(2), still, 2.0) is heads
    assert shift_and_gain(heads, draws(2), still) is heads
    assert bend_greys(heads.image, draws(2), still) is heads.image
    assert replace(heads).image is heads.image

"""Streams are independent of each other, and fields have the wavelength and variance they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke_training.synthesis.random_fields import band_passed, draw_field, generator, numbers

CPU = torch.device("cpu")


def test_streams_repeat_and_differ_by_name_and_seed() -> None:
    first = numbers(1, "pose").random(4)
    assert np.array_equal(first, numbers(1, "pose").random(4))
    assert not np.array_equal(first, numbers(1, "noise").random(4))
    assert not np.array_equal(first, numbers(2, "pose").random(4))
    assert torch.equal(
        torch.randn(4, generator=generator(1, "a", CPU)), torch.randn(4, generator=generator(1, "a", CPU))
    )


def test_a_field_has_unit_variance_and_its_wavelength() -> None:
    field = band_passed((128, 128), 2.0, 32.0, generator(3, "field", CPU), bandwidth=0.1)[0]
    assert float(field.std()) == pytest.approx(1.0, abs=0.01)
    power = torch.fft.rfft2(field).abs().square()
    fx, fy = torch.fft.fftfreq(128, 2.0)[:, None], torch.fft.rfftfreq(128, 2.0)[None, :]
    frequency = torch.sqrt(fx**2 + fy**2)
    mean = float((power * frequency).sum() / power.sum())
    assert 1.0 / mean == pytest.approx(32.0, rel=0.1)


def test_a_drawn_field_is_read_at_template_points() -> None:
    field = draw_field(5, "folds", 24.0, CPU, channels=2)
    near = field.at(torch.tensor([[0.0, 0.5], [0.0, 0.0], [0.0, 0.0]]))
    assert near.shape == (2, 2)
    assert float((near[:, 0] - near[:, 1]).abs().max()) < 0.3


def test_a_field_with_a_period_repeats_without_a_seam_on_every_axis() -> None:
    field = draw_field(5, "tissue", 5.5, CPU, channels=3, period_mm=64.0)
    assert field.data.shape == (3, 33, 33, 33)
    points = torch.tensor([[-70.3, -6.3, 57.7], [3.0, 3.0, 3.0], [-60.0, 4.0, 68.0]])
    values = field.at(points)
    assert torch.allclose(values[:, 1], values[:, 0], atol=1e-4)
    assert torch.allclose(values[:, 2], values[:, 0], atol=1e-4)
    seam = field.at(torch.tensor([[63.99, 64.01], [1.0, 1.0], [1.0, 1.0]]))
    assert float((seam[:, 0] - seam[:, 1]).abs().max()) < 0.05
    assert float(field.data[:, 1:, 1:, 1:].std()) == pytest.approx(1.0, abs=0.05)

"""Random choices: one stream each, and smooth fields as smooth as they should be."""

from __future__ import annotations

import pytest
import torch

from deepstroke_training.data.augmentation.draws import Draws

CPU = torch.device("cpu")


def test_streams_neither_meet_nor_move() -> None:
    one = Draws(5)
    assert one.up_to("a", 1.0) == Draws(5).up_to("a", 1.0)
    assert len({one.up_to("a", 1.0), one.up_to("b", 1.0), Draws(6).up_to("a", 1.0)}) == 3
    assert torch.equal(one.white("n", (3, 3), CPU), Draws(5).white("n", (3, 3), CPU))


def test_probabilities_are_kept() -> None:
    happened = sum(Draws(seed).happens("flip", 0.3) for seed in range(2000)) / 2000
    assert happened == pytest.approx(0.3, abs=0.04)
    assert not Draws(1).happens("flip", 0.0)
    assert Draws(1).happens("flip", 1.0)


@pytest.mark.parametrize("wavelength_mm", [20.0, 45.0])
def test_a_smooth_field_has_unit_variance_and_no_short_waves(wavelength_mm: float) -> None:
    """A Gaussian low pass at wavelength w leaves slopes of about 3.7 / w a mm, and nothing of the voxels' size."""
    fields = torch.stack([Draws(seed).smooth("f", (60, 50, 40), 2.0, wavelength_mm, CPU) for seed in range(12)])
    assert fields.shape == (12, 60, 50, 40)
    assert float(fields.std()) == pytest.approx(1.0, abs=0.2)
    for axis in (1, 2, 3):
        slope = float(fields.diff(dim=axis).std()) / 2.0
        assert slope == pytest.approx(3.7 / wavelength_mm, rel=0.25)

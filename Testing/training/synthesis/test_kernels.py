"""Kernels blur by the variance they are set to and overdraw edges without shifting the mean."""

from __future__ import annotations

import pytest
import torch

from deepstroke_training.synthesis import AcquisitionSettings
from deepstroke_training.synthesis.kernels import blurred, through_kernel


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.2])
def test_a_point_gets_the_variance_asked_for_on_oblong_pixels(sigma: float) -> None:
    point = torch.zeros(1, 61, 41)
    point[0, 30, 20] = 1.0
    image = blurred(point, sigma, (0.5, 0.8))[0]
    assert float(image.sum()) == pytest.approx(1.0, abs=1e-4)
    i, j = torch.arange(61.0) - 30, torch.arange(41.0) - 20
    assert float((image.sum(1) * i**2).sum()) * 0.5**2 == pytest.approx(sigma**2, rel=0.06)
    assert float((image.sum(0) * j**2).sum()) * 0.8**2 == pytest.approx(sigma**2, rel=0.06)


def test_flat_slices_stay_flat_to_the_border() -> None:
    flat = torch.full((2, 9, 7), 35.0)
    for settings in (AcquisitionSettings(kernel_mm=1.5), AcquisitionSettings(edge_gain=1.0)):
        assert torch.allclose(through_kernel(flat, settings, (1.0, 1.0)), flat)


def test_a_sharp_kernel_overdraws_an_edge_by_the_part_its_blur_takes() -> None:
    edge = torch.zeros(1, 20, 5)
    edge[:, 10:] = 100.0
    shown = through_kernel(edge, AcquisitionSettings(edge_gain=0.5), (1.0, 1.0))[0, :, 2]
    softened = blurred(edge, 0.9, (1.0, 1.0))[0, :, 2]
    assert float(shown[10]) == pytest.approx(100.0 + 0.5 * (100.0 - float(softened[10])))
    assert float(shown[9]) < -5
    assert float(shown[2]) == pytest.approx(0.0, abs=1e-3)


def test_without_a_kernel_slices_are_themselves() -> None:
    slices = torch.rand(2, 5, 5)
    assert through_kernel(slices, AcquisitionSettings(), (1.0, 1.0)) is slices

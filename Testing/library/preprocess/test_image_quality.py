"""Noise and movement of images made with known ones."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.preprocess.image_quality import movement_mm, noise_hu
from deepstroke.volume import Volume

GRID = np.diag([1.5, 1.5, 4.0, 1.0])


def _egg(shift: tuple[float, float] = (0.0, 0.0), lean: float = 0.0, from_layer: int = 12) -> np.ndarray:
    i, j, k = np.indices((100, 120, 30))
    moved = k >= from_layer
    x = (i - 50 - lean * k - shift[0] * moved) / 40
    y = (j - 60 - shift[1] * moved) / 50
    return x**2 + y**2 + ((k - 8) / 20) ** 2 < 1


@pytest.mark.parametrize("sigma", [0.0, 3.0, 25.0])
def test_noise_is_measured_over_the_grain_of_the_brain(sigma: float) -> None:
    brain = _egg()
    slow = 30 + 5 * np.sin(np.indices(brain.shape)[1] / 9.0)
    hu = np.where(brain, slow + np.random.default_rng(0).normal(0, sigma, brain.shape), 900.0)
    assert noise_hu(Volume(hu, GRID), brain) == pytest.approx(sigma, rel=0.05, abs=0.1)


def test_no_brain_has_no_noise() -> None:
    assert noise_hu(Volume(np.zeros((9, 9, 9)), GRID), np.zeros((9, 9, 9), bool)) == 0.0


def test_a_head_that_lies_still_or_leans_does_not_move() -> None:
    volume = Volume(np.zeros((100, 120, 30), np.int16), GRID)
    assert movement_mm(volume, _egg()) < 0.1
    assert movement_mm(volume, _egg(lean=0.4)) < 1.0


def test_a_step_is_measured_in_millimetres() -> None:
    volume = Volume(np.zeros((100, 120, 30), np.int16), GRID)
    assert movement_mm(volume, _egg((4.0, 0.0))) == pytest.approx(6.0, abs=0.5)
    assert movement_mm(volume, _egg((4.0, 3.0), lean=0.3)) == pytest.approx(7.5, abs=0.8)


def test_thin_slices_are_compared_over_4_mm() -> None:
    thin = np.repeat(_egg((4.0, 0.0)), 4, axis=2)
    volume = Volume(np.zeros(thin.shape, np.int16), np.diag([1.5, 1.5, 1.0, 1.0]))
    assert movement_mm(volume, thin) == pytest.approx(6.0, abs=0.5)


def test_too_few_layers_say_nothing() -> None:
    few = np.zeros((100, 120, 30), bool)
    few[:, :, 5:9] = _egg()[:, :, 5:9]
    assert movement_mm(Volume(np.zeros(few.shape, np.int16), GRID), few) == 0.0

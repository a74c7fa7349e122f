"""Tissue classes by ANTs Atropos."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke_training.asymmetry.tissues import CSF, GREY, WHITE, tissues_by_atropos


def test_three_densities_are_told_apart_in_their_order() -> None:
    pytest.importorskip("ants")
    shape = (32, 32, 16)
    away = np.linalg.norm((np.indices(shape) - np.reshape((15.5, 15.5, 7.5), (3, 1, 1, 1))) / 14.0, axis=0)
    truth = np.select([away < 0.4, away < 0.75, away < 1], [CSF, WHITE, GREY], 0)
    hu = np.choose(truth, [0, 40, 30, 8]) + np.random.default_rng(0).normal(0, 1.5, shape)
    found = tissues_by_atropos(hu, truth > 0, (1.2, 1.2, 5.0))
    assert (found == truth)[truth > 0].mean() > 0.99
    assert found[truth == 0].max() == 0


def test_a_brain_without_three_densities_is_refused() -> None:
    pytest.importorskip("ants")
    with pytest.raises(InputError, match="fewer than three densities"):
        tissues_by_atropos(np.full((8, 8, 8), 30.0), np.ones((8, 8, 8), bool), (1, 1, 1))

from __future__ import annotations

import pytest
import torch

from deepstroke.register.filters import gaussian
from deepstroke.register.similarity import lncc, lncc_slopes

PLACE = (8, 9, 10)


@pytest.fixture
def pair() -> torch.Tensor:
    torch.manual_seed(3)
    return 30 + 40 * gaussian(torch.randn(2, 18, 20, 22), 1.0)


def test_it_is_one_for_a_copy_and_minus_one_for_the_negative(pair: torch.Tensor) -> None:
    image = pair[0]
    assert float(lncc(torch.stack([image, 2 * image + 5]), 2, 1e-6)[PLACE]) == pytest.approx(1, abs=1e-3)
    assert float(lncc(torch.stack([image, 60 - image]), 2, 1e-6)[PLACE]) == pytest.approx(-1, abs=1e-3)


def test_it_is_the_correlation_within_the_cube(pair: torch.Tensor) -> None:
    cubes = pair[:, 6:11, 7:12, 8:13].reshape(2, -1)
    assert float(lncc(pair, 2, 1e-6)[PLACE]) == pytest.approx(float(torch.corrcoef(cubes)[0, 1]), abs=1e-3)


def test_the_floor_keeps_noise_in_flat_places_from_counting() -> None:
    flat = 30 + 0.1 * torch.randn(1, 12, 12, 12)
    assert abs(float(lncc(torch.cat([flat, flat]), 2, 10.0)[6, 6, 6])) < 0.01


@pytest.mark.parametrize("which", [0, 1])
def test_slopes_say_how_it_changes_with_the_centre(pair: torch.Tensor, which: int) -> None:
    pair = pair.double()
    step = 1e-3
    raised = pair.clone()
    raised[(which, *PLACE)] += step
    change = (lncc(raised, 2, 10.0) - lncc(pair, 2, 10.0))[PLACE] / step
    # The slopes leave out the window's size, a factor common to all voxels.
    assert float(lncc_slopes(pair, 2, 10.0)[(which, *PLACE)] / 125) == pytest.approx(float(change), rel=1e-3)

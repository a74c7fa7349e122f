"""Windows over large grids: a network that looks at one voxel gives what it gives in one piece."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from deepstroke.inference.tiles import _places, over_windows, widened


@pytest.mark.parametrize("shape", [(20, 17, 9), (8, 8, 8), (5, 30, 8), (3, 4, 5)])
@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_windows_join_to_the_whole(shape: tuple[int, int, int], overlap: float) -> None:
    image = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(0))
    seen = []

    def apply(window: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(window.shape[2:]))
        return torch.cat([window, 2 * window], dim=1)

    found = over_windows(apply, image, (8, 8, 8), overlap)
    assert torch.allclose(found, torch.cat([image, 2 * image], dim=1), atol=1e-5)
    assert set(seen) == {(8, 8, 8)}


def test_windows_cover_and_overlap_at_least_as_asked() -> None:
    starts = sorted({place[0].start for place in _places((30, 8, 8), (8, 8, 8), 0.5)})
    assert starts[0] == 0
    assert starts[-1] == 22
    assert max(b - a for a, b in pairwise(starts)) <= 4


def test_the_middle_of_a_window_weighs_more_than_its_border() -> None:
    # Windows that say their own number: where two meet, the value changes from one to the other about the middle.
    numbers = iter((0.0, 1.0))
    found = over_windows(lambda w: torch.full_like(w, next(numbers)), torch.zeros(1, 1, 12, 8, 8), (8, 8, 8), 0.5)
    line = found[0, 0, :, 4, 4]
    assert line[0] == 0
    assert line[-1] == 1
    assert line[5] < 0.5 < line[6]
    assert (line.diff() >= 0).all()


def test_widening_repeats_the_far_borders() -> None:
    image = torch.arange(4.0).view(1, 1, 4, 1, 1)
    assert widened(image, (6, 1, 2))[0, 0, :, 0, 1].tolist() == [0, 1, 2, 3, 3, 3]
    assert widened(image, (4, 1, 1)) is image

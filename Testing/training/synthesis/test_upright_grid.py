"""Upright grids place their voxels by hand-known coordinates and read coarser ones linearly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.frames import apply_affine
from deepstroke_training.synthesis.upright_grid import UprightGrid

CPU = torch.device("cpu")
GRID = UprightGrid((5, 7, 4), (-4.0, 10.0, 3.0), 2.0)


def test_voxels_lie_where_the_matrix_says() -> None:
    points = GRID.points(CPU)
    assert points.shape == (3, 5, 7, 4)
    assert points[:, 4, 6, 1].tolist() == [4.0, 22.0, 5.0]
    assert apply_affine(GRID.ijk_to_ras, (4, 6, 1)) == pytest.approx((4.0, 22.0, 5.0))


def test_an_affine_map_of_the_grid_is_that_of_its_points() -> None:
    matrix = np.array([[0.9, 0.1, 0, 5], [-0.2, 1.1, 0.3, -7], [0, -0.3, 0.8, 2], [0, 0, 0, 1.0]])
    mapped = GRID.transformed(matrix, CPU)
    assert mapped[:, 3, 2, 1].numpy() == pytest.approx(apply_affine(matrix, GRID.points(CPU)[:, 3, 2, 1].numpy()))


@pytest.mark.parametrize("step", [1.0, 3.0, 5.0])
def test_a_linear_map_is_read_from_a_coarser_grid_exactly(step: float) -> None:
    coarse = GRID.coarser(step)
    assert coarse.step_mm == max(step, 2.0)
    last = [f + (n - 1) * coarse.step_mm for f, n in zip(coarse.first_mm, coarse.shape, strict=True)]
    assert all(here >= theirs for here, theirs in zip(last, (4.0, 22.0, 9.0), strict=True))
    assert torch.allclose(GRID.read_from(coarse, coarse.points(CPU)), GRID.points(CPU), atol=1e-5)

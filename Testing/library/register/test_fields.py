from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.register.fields import central_gradient, composed, inverted, longest, refined, warped

SHAPE = (24, 28, 32)


def constant(i: float, j: float, k: float) -> torch.Tensor:
    """A field of one displacement; channels stand in the order k, j, i."""
    return torch.tensor([k, j, i], dtype=torch.float32).view(1, 3, 1, 1, 1).expand(1, 3, *SHAPE).contiguous()


def bump(height: float) -> torch.Tensor:
    """A displacement along i, strongest in the middle, 0 at the border."""
    ticks = [torch.sin(torch.linspace(0, torch.pi, n)) ** 2 for n in SHAPE]
    i, j, k = torch.meshgrid(*ticks, indexing="ij")
    field = torch.zeros(1, 3, *SHAPE)
    field[0, 2] = height * i * j * k
    return field


def test_a_field_pulls_along_the_axis_it_names() -> None:
    image = torch.rand(1, 1, *SHAPE)
    moved = warped(image, constant(1, 2, 3))
    torch.testing.assert_close(moved[0, 0, 5, 6, 7], image[0, 0, 6, 8, 10])


def test_beyond_the_image_there_is_nothing() -> None:
    assert float(warped(torch.ones(1, 1, *SHAPE), constant(0, 0, 40)).max()) == 0.0


def test_composition_adds_up_along_the_way() -> None:
    first, then = constant(2, 0, 0), bump(3.0)
    both = composed(first, then)
    torch.testing.assert_close(both[0, 2, 8, 14, 16], 2 + then[0, 2, 10, 14, 16])


@pytest.mark.parametrize("height", [1.0, 4.0, 7.0])
def test_an_inverse_leads_back_even_where_the_field_stretches_much(height: float) -> None:
    field = bump(height)
    slope = float(torch.gradient(field[0, 2], dim=0)[0].abs().max())
    assert slope < 1
    back = inverted(field)
    assert float(longest(composed(back, field)).max()) < 0.01


def test_a_stretch_to_three_times_the_length_is_inverted_too() -> None:
    # Around the middle x goes to 3 x: plain fixed-point iteration would run away.
    offset = torch.arange(96, dtype=torch.float32) - 47.5
    field = torch.zeros(1, 3, 96, 4, 4)
    field[0, 2] = (8 * torch.tanh(offset / 4) * torch.cos(torch.pi * offset / 96) ** 2).view(-1, 1, 1)
    jacobian = 1 + torch.gradient(field[0, 2, :, 0, 0])[0]
    assert float(jacobian.max()) > 2.9
    assert float(jacobian.min()) > 0.6
    assert float(longest(composed(inverted(field), field)).max()) < 0.01


def test_refining_keeps_the_way_in_mm() -> None:
    fine = refined(constant(1, 2, 3))
    assert fine.shape == (1, 3, 48, 56, 64)
    np.testing.assert_allclose(fine[0, :, 10, 10, 10], [6, 4, 2], rtol=1e-6)


def test_the_gradient_names_its_axes() -> None:
    i, j, k = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in (6, 7, 8)), indexing="ij")
    gradient = central_gradient((i + 10 * j + 100 * k)[None])
    np.testing.assert_allclose(gradient[0, :, 3, 3, 3], [100, 10, 1])
    assert float(gradient[0, 2, 0].abs().max()) == 0.0

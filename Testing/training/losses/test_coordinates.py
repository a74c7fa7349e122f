"""The loss of the coordinate head, by hand."""

from __future__ import annotations

import pytest
import torch

from deepstroke_training.losses import coordinate_loss


def test_the_mean_difference_within_the_mask_in_units_of_50_mm() -> None:
    predicted = torch.zeros(1, 3, 2, 1, 1)
    template_mm = torch.tensor([[50.0, 9.0], [-25.0, 9.0], [0.0, 9.0]]).reshape(1, 3, 2, 1, 1)
    mask = torch.tensor([True, False]).reshape(1, 1, 2, 1, 1)
    assert coordinate_loss(predicted, template_mm, mask).item() == pytest.approx((1 + 0.5 + 0) / 3)


def test_what_lies_outside_may_be_no_number_and_has_no_gradient() -> None:
    predicted = torch.ones(1, 3, 2, 1, 1, requires_grad=True)
    template_mm = torch.zeros(1, 3, 2, 1, 1, dtype=torch.float16)
    template_mm[:, :, 1] = torch.nan
    mask = torch.tensor([True, False]).reshape(1, 1, 2, 1, 1)
    coordinate_loss(predicted, template_mm, mask).backward()
    assert predicted.grad is not None
    assert predicted.grad.flatten().tolist() == pytest.approx([1 / 3, 0] * 3)


def test_an_empty_mask_gives_nothing_to_learn() -> None:
    predicted = torch.ones(1, 3, 2, 2, 2, requires_grad=True)
    loss = coordinate_loss(predicted, torch.zeros(1, 3, 2, 2, 2), torch.zeros(1, 1, 2, 2, 2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert predicted.grad is not None
    assert not predicted.grad.any()


def test_logits_of_16_bits_are_compared_in_32() -> None:
    predicted = torch.full((1, 3, 64, 64, 64), 2.0, dtype=torch.float16)
    mask = torch.ones(1, 1, 64, 64, 64, dtype=torch.bool)
    loss = coordinate_loss(predicted, torch.zeros(1, 3, 64, 64, 64), mask)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(2.0)

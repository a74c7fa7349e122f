"""The loss of a batch: several scales, and template coordinates."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from deepstroke_training.training.objective import Objective


class Seen(nn.Module):
    """Returns a known loss and keeps what it was given."""

    def forward(self, logits: Tensor | list[Tensor], label: Tensor) -> Tensor:
        self.logits, self.label = logits, label
        return torch.tensor(2.0)


def batch() -> dict[str, Tensor]:
    mask = torch.zeros(1, 1, 2, 2, 2, dtype=torch.bool)
    mask[0, 0, 0, 0, 0] = True
    return {
        "label": torch.ones(1, 1, 2, 2, 2, dtype=torch.uint8),
        "template_mm": torch.full((1, 3, 2, 2, 2), 100.0),
        "coordinate_mask": mask,
    }


def test_without_coordinates_all_channels_are_logits() -> None:
    loss = Seen()
    output = torch.randn(1, 11, 2, 2, 2)
    assert Objective(loss)(output, batch()).item() == 2.0
    assert loss.logits is not None
    assert torch.equal(loss.logits, output)


def test_coordinates_are_off_by_one_unit_of_50_mm() -> None:
    """100 mm are 2 units; the network says 1 in the mask and nonsense outside: 1 off, weighed by 0.5."""
    loss = Seen()
    output = torch.full((1, 14, 2, 2, 2), 7.0)
    output[:, 11:, 0, 0, 0] = 1.0
    assert Objective(loss, coordinate_weight=0.5)(output, batch()).item() == pytest.approx(2.5)
    assert loss.logits.shape[1] == 11


def test_coordinates_count_at_the_finest_scale_alone() -> None:
    loss = Seen()
    fine, coarse = torch.full((1, 14, 2, 2, 2), 1.0), torch.full((1, 14, 1, 1, 1), 99.0)
    assert Objective(loss, coordinate_weight=0.5)([fine, coarse], batch()).item() == pytest.approx(2.5)
    assert [tuple(each.shape) for each in loss.logits] == [(1, 11, 2, 2, 2), (1, 11, 1, 1, 1)]

"""The paper's measures by hand."""

from __future__ import annotations

import pytest
import torch

from deepstroke.errors import InputError
from deepstroke_training.cerebellum.metrics import comparison_table, overlap_scores, squared_dice_loss, volume_table

P, G = [0.5, 1, 0, 0.5], [1, 1, 0, 0]


def test_the_hand_case_of_squared_dice_and_jaccard() -> None:
    scores = overlap_scores(P, G, voxel_mm3=2.0)
    assert scores.dice == pytest.approx(0.857143, abs=1e-6)
    assert scores.jaccard == pytest.approx(0.6)
    assert (scores.sensitivity, scores.specificity) == (1.0, 0.5)
    assert (scores.volume_mm3, scores.true_volume_mm3) == (6.0, 4.0)


def test_binary_predictions_have_the_usual_dice() -> None:
    scores = overlap_scores([1, 1, 1, 0, 0], [1, 1, 0, 1, 0], 1.0)
    assert scores.dice == pytest.approx(2 * 2 / 6)
    assert scores.jaccard == pytest.approx(2 / 4)
    assert scores.sensitivity == pytest.approx(2 / 3)
    assert scores.specificity == pytest.approx(1 / 2)


def test_the_loss_is_one_less_the_smoothed_squared_dice() -> None:
    p = torch.tensor(P, requires_grad=True)
    loss = squared_dice_loss(p, torch.tensor(G))
    assert loss.item() == pytest.approx(1 - 3 / 3.6)
    loss.backward()
    assert p.grad is not None
    assert p.grad[0] < 0 < p.grad[3]


def test_what_has_no_sensitivity_or_shape_is_refused() -> None:
    with pytest.raises(InputError, match="a truth with voxels in and out"):
        overlap_scores([1, 0], [0, 0], 1.0)
    with pytest.raises(InputError, match=r"prediction \(2,\) and truth \(3,\) differ"):
        overlap_scores([1, 0], [0, 0, 1], 1.0)


def test_tables_compare_models() -> None:
    models = {"WDA": [overlap_scores(G, G, 1.0)], "NDA": [overlap_scores([1, 0, 0, 0], G, 1.0)]}
    assert "WDA    1.000  1.000  1.000  1.000  0.0%          1" in comparison_table(models)
    assert "NDA    0.667  0.500  1.000  0.500  50.0%         1" in comparison_table(models)
    assert volume_table(models).splitlines()[1].split() == ["1", "2", "2", "1"]

"""Dice by region and the generalised Dice, by hand, against MONAI's, and across processes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, multiprocessing

from deepstroke.errors import InputError
from deepstroke_training.metrics import CLASS_NAMES, GeneralizedDice, RegionDice, generalized_dice, joint_counts
from metric_jobs import accumulate, label_maps


def test_dice_by_hand() -> None:
    metric = RegionDice()
    metric.update(torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 1, 1, 1]]))
    figures = metric.compute()
    assert figures["dice_background"] == pytest.approx(2 / 3)
    assert figures["dice_C"] == pytest.approx(0.8)
    assert figures["dice_mean"] == pytest.approx(0.8)
    assert figures["dice_mean_with_background"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert math.isnan(figures["dice_M6"])


def test_names_are_those_of_the_regions() -> None:
    assert CLASS_NAMES == ("background", "C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6")
    metric = RegionDice()
    metric.update(torch.tensor([[1]]), torch.tensor([[1]]))
    assert list(metric.compute()) == [f"dice_{name}" for name in (*CLASS_NAMES, "mean", "mean_with_background")]


def test_a_case_counts_for_a_region_that_either_map_has() -> None:
    metric = RegionDice()
    metric.update(torch.tensor([[1, 1], [2, 2], [0, 2]]), torch.tensor([[1, 1], [0, 0], [0, 0]]))
    figures = metric.compute()
    assert figures["dice_C"] == 1.0  # one case has it
    assert figures["dice_L"] == 0.0  # two cases have it in the prediction
    assert figures["dice_background"] == pytest.approx((0 + 2 / 3) / 2)
    assert figures["dice_mean"] == 0.5


def test_cases_count_alike_whatever_their_size() -> None:
    metric = RegionDice()
    metric.update(torch.ones(1, 1, 20, 20, 20, dtype=torch.uint8), torch.ones(1, 1, 20, 20, 20, dtype=torch.int64))
    metric.update(torch.tensor([[1, 0]]), torch.tensor([[0, 1]]))
    assert metric.compute()["dice_C"] == 0.5


def test_reset_forgets() -> None:
    metric = RegionDice()
    metric.update(torch.tensor([[1]]), torch.tensor([[0]]))
    metric.reset()
    metric.update(torch.tensor([[1]]), torch.tensor([[1]]))
    assert metric.compute()["dice_C"] == 1.0


@pytest.mark.parametrize("bad", [-1, 11])
def test_other_labels_are_refused(bad: int) -> None:
    with pytest.raises(InputError, match=r"labels are 0\.\.10, found"):
        RegionDice().update(torch.tensor([[0, bad]]), torch.tensor([[0, 1]]))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match=r"one shape are expected, found \(1, 2\) and \(2, 1\)"):
        RegionDice().update(torch.zeros(1, 2), torch.zeros(2, 1))


def test_generalised_dice_by_hand() -> None:
    metric = GeneralizedDice()
    metric.update(torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 0, 0, 1]]))
    weights = 1 / 9, 1.0
    absent = 9 * 0.0  # nine classes neither map has add nothing
    expected = 2 * (weights[0] * 2 + weights[1] * 1) / (weights[0] * 5 + weights[1] * 3 + absent)
    assert expected == pytest.approx(0.6875)
    assert metric.compute()["generalized_dice"] == pytest.approx(0.6875)


def one_hot(labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels, len(CLASS_NAMES)).movedim(-1, 1).float()


@pytest.mark.parametrize("include_background", [True, False])
def test_generalised_dice_is_monais(include_background: bool) -> None:
    monai = pytest.importorskip("monai.metrics.generalized_dice").compute_generalized_dice
    predicted, target = label_maps(5)
    target[4] = 0  # without any region
    expected = monai(one_hot(predicted), one_hot(target), include_background, sum_over_classes=True)[:, 0].double()
    ours = generalized_dice(joint_counts(predicted, target), 0 if include_background else 1)
    torch.testing.assert_close(ours, expected, rtol=1e-6, atol=0)


def test_per_class_monais_generalised_dice_is_plain_dice() -> None:
    monai = pytest.importorskip("monai.metrics.generalized_dice").compute_generalized_dice
    predicted, target = torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 0, 0, 1]]])
    per_class = monai(one_hot(predicted), one_hot(target))[0, :2]
    torch.testing.assert_close(per_class, torch.tensor([0.8, 2 / 3]))
    metric = RegionDice()
    metric.update(predicted, target)
    figures = metric.compute()
    assert [figures["dice_background"], figures["dice_C"]] == pytest.approx(per_class.tolist())


def test_an_empty_case_scores_one() -> None:
    empty = joint_counts(torch.zeros(1, 4, dtype=torch.long), torch.zeros(1, 4, dtype=torch.long))
    assert generalized_dice(empty, first=1).tolist() == [1.0]


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    multiprocessing.spawn(accumulate, (2, str(tmp_path)), nprocs=2)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    regions, generalized = RegionDice(), GeneralizedDice()
    for metric in (regions, generalized):
        metric.update(*label_maps(5))
    alone = regions.compute() | generalized.compute()
    assert first == second == pytest.approx(alone)
    assert 0 < alone["dice_mean"] < 1

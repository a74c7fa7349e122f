"""Overlap of label maps during training: accumulated case by case and added up across processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from deepstroke.errors import InputError
from deepstroke.regions import REGIONS

#: Classes of an unsided label map, in the order of their numbers.
CLASS_NAMES = ("background", *(region.abbreviation for region in REGIONS))


class _CaseMean(Metric):
    """Sums over cases of a value for each of so many quantities, and of how many cases have it."""

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    total: Tensor
    cases: Tensor

    def __init__(self, quantities: int, **settings: Any) -> None:
        super().__init__(**settings)
        for name in ("total", "cases"):
            self.add_state(name, torch.zeros(quantities, dtype=torch.float64), dist_reduce_fx="sum")

    def add(self, values: Tensor) -> None:
        """Count values of some cases, (cases, quantities); NaN where a case hasn't got one."""
        self.total += values.double().nansum(dim=0)
        self.cases += (~values.isnan()).sum(dim=0)

    def means(self) -> Tensor:
        """Mean of each quantity over the cases that have it; NaN where none has."""
        return self.total / self.cases


class RegionDice(_CaseMean):
    """Dice of each region and the background, the mean over the cases that have it in truth or prediction.

    Args:
        settings: of ``torchmetrics.Metric``.

    Example:
        >>> metric = RegionDice()
        >>> metric.update(torch.tensor([[0, 0, 1, 1]]), torch.tensor([[0, 1, 1, 1]]))
        >>> round(metric.compute()["dice_C"], 3)
        0.8
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(len(CLASS_NAMES), **settings)

    def update(self, predicted: Tensor, target: Tensor) -> None:
        """Count some cases.

        Args:
            predicted, target: label maps (B, ...), integers 0..10; a channel axis of length 1 may follow B.

        Raises:
            InputError: their shapes differ, or a label is not 0..10.
        """
        self.add(case_dice(joint_counts(predicted, target)))

    def compute(self) -> dict[str, float]:
        """``dice_<region>``, ``dice_background``, ``dice_mean`` over the regions and ``dice_mean_with_background``.

        Regions that no case has are NaN, and the means leave them out.
        """
        dice = self.means()
        named = {f"dice_{name}": value for name, value in zip(CLASS_NAMES, dice.tolist(), strict=True)}
        means = {"dice_mean": dice[1:], "dice_mean_with_background": dice}
        return named | {name: values.nanmean().item() for name, values in means.items()}


class GeneralizedDice(_CaseMean):
    """The generalised Dice of the classes together, the mean over the cases; equal to MONAI's GeneralizedDiceScore.

    Each class counts by 1 / (its true voxels)^2, an absent one as much as the smallest. (Per class the weights cancel
    and MONAI's score is plain Dice: see ``RegionDice``.) Source: Crum et al. 2006, doi:10.1109/TMI.2006.880587.

    Args:
        include_background: whether class 0 counts.
        settings: of ``torchmetrics.Metric``.
    """

    def __init__(self, include_background: bool = True, **settings: Any) -> None:
        super().__init__(1, **settings)
        self._first = 0 if include_background else 1

    def update(self, predicted: Tensor, target: Tensor) -> None:
        """Count some cases; as of ``RegionDice``."""
        self.add(generalized_dice(joint_counts(predicted, target), self._first)[:, None])

    def compute(self) -> dict[str, float]:
        """``generalized_dice``."""
        return {"generalized_dice": self.means().item()}


def joint_counts(predicted: Tensor, target: Tensor) -> Tensor:
    """How many voxels have each pair of labels, (B, 11, 11): true labels down, predicted across.

    Raises:
        InputError: the shapes differ, or a label is not 0..10.
    """
    if predicted.shape != target.shape:
        raise InputError(
            f"label maps of one shape are expected, found {tuple(predicted.shape)} and {tuple(target.shape)}",
            code="label-shapes",
        )
    classes = len(CLASS_NAMES)
    for labels in (predicted, target):
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            found = f"{int(labels.min())}..{int(labels.max())}"
            raise InputError(f"labels are 0..{classes - 1}, found {found}", code="labels")
    pairs = (target.long() * classes + predicted.long()).flatten(1)
    return torch.stack([each.bincount(minlength=classes**2) for each in pairs]).reshape(-1, classes, classes)


def case_dice(counts: Tensor) -> Tensor:
    """Dice of each class of each case, (B, 11), from ``joint_counts``; NaN where neither map has the class."""
    sizes = counts.sum(dim=1) + counts.sum(dim=2)
    return 2 * counts.diagonal(dim1=1, dim2=2).double() / sizes


def generalized_dice(counts: Tensor, first: int = 0) -> Tensor:
    """Generalised Dice of the classes from ``first`` of each case, (B,), from ``joint_counts``; 1 where none is there.

    Label maps' counts suffice, where MONAI's function would need one channel a class of the whole volume.
    """
    true, predicted = (counts.sum(dim=axis)[:, first:].double() for axis in (2, 1))
    both = counts.diagonal(dim1=1, dim2=2)[:, first:]
    weights = torch.where(true > 0, 1 / true.clamp(min=1) ** 2, 0)
    largest = weights.amax(dim=1, keepdim=True)
    weights = torch.where(true > 0, weights, torch.where(largest > 0, largest, 1))
    score = 2 * (weights * both).sum(dim=1) / (weights * (true + predicted)).sum(dim=1)
    return score.nan_to_num(nan=1.0)

"""The paper's loss and measures, and the table that compares models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from deepstroke.commands.console import table
from deepstroke.errors import InputError

_SMOOTH = 0.1
_THRESHOLD = 0.5


def squared_dice_loss(probability: Tensor, truth: Tensor) -> Tensor:
    """1 - 2 sum(p g) / (sum p^2 + sum g^2 + 0.1), over the whole batch.

    Args:
        probability: 0..1 of any shape.
        truth: 0 or 1 of the same shape.
    """
    truth = truth.to(probability.dtype)
    overlap = (probability * truth).sum()
    return 1 - 2 * overlap / (probability.square().sum() + truth.square().sum() + _SMOOTH)


@dataclass(frozen=True)
class OverlapScores:
    """Of one prediction.

    Attributes:
        dice: eq. 1, with squared denominators; the usual one for a binary prediction.
        jaccard: eq. 2.
        sensitivity, specificity: eq. 3 and 4, of the prediction at 0.5.
        volume_mm3, true_volume_mm3: of the prediction at 0.5, and of the truth.
    """

    dice: float
    jaccard: float
    sensitivity: float
    specificity: float
    volume_mm3: float
    true_volume_mm3: float


def overlap_scores(prediction: ArrayLike, truth: ArrayLike, voxel_mm3: float) -> OverlapScores:
    """The paper's measures of a prediction.

    Args:
        prediction: probabilities 0..1 or a mask, of any shape.
        truth: a mask of the same shape.
        voxel_mm3: volume of a voxel.

    Raises:
        InputError: the shapes differ, or the truth is empty or full.

    Example:
        >>> scores = overlap_scores([0.5, 1, 0, 0.5], [1, 1, 0, 0], voxel_mm3=1.0)
        >>> round(scores.dice, 6), round(scores.jaccard, 6)
        (0.857143, 0.6)
    """
    p, g = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if p.shape != g.shape:
        raise InputError(f"prediction {p.shape} and truth {g.shape} differ in shape", code="grid-mismatch")
    found, there = p >= _THRESHOLD, g > 0
    if not there.any() or there.all():
        raise InputError("sensitivity and specificity need a truth with voxels in and out", code="empty-truth")
    both = float((p * g).sum())
    return OverlapScores(
        dice=2 * both / float((p**2).sum() + (g**2).sum()),
        jaccard=both / (float(p.sum() + g.sum()) - both),
        sensitivity=float(found[there].mean()),
        specificity=float(1 - found[~there].mean()),
        volume_mm3=float(found.sum()) * voxel_mm3,
        true_volume_mm3=float(there.sum()) * voxel_mm3,
    )


def comparison_table(models: Mapping[str, Sequence[OverlapScores]]) -> str:
    """Means over the cases of each model, as in the paper's tables 2 and 3, and the mean error of volume."""
    rows = []
    for name, scores in models.items():
        means = [
            fmean(getattr(each, key) for each in scores) for key in ("dice", "jaccard", "specificity", "sensitivity")
        ]
        error = fmean(abs(each.volume_mm3 / each.true_volume_mm3 - 1) for each in scores)
        rows.append([name, *(f"{mean:.3f}" for mean in means), f"{error:.1%}", str(len(scores))])
    return table(["model", "DSC", "JI", "SP", "SN", "volume error", "cases"], rows)


def volume_table(models: Mapping[str, Sequence[OverlapScores]]) -> str:
    """Volumes in mm^3 of each case, as in the paper's table 4."""
    first = next(iter(models.values()))
    rows = [
        [
            str(number + 1),
            f"{truth.true_volume_mm3:.0f}",
            *(f"{scores[number].volume_mm3:.0f}" for scores in models.values()),
        ]
        for number, truth in enumerate(first)
    ]
    return table(["case", "truth", *models], rows)

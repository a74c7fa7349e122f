"""Agreement of two raters on categories beyond chance: Cohen's kappa, plain and weighted."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from deepstroke.errors import InputError
from deepstroke.evaluation.estimate import CONFIDENCE, Estimate, require_confidence
from deepstroke.evaluation.observations import as_pairs

#: How much two different categories disagree: all alike, by their distance, or by its square.
KappaWeights = Literal["none", "linear", "quadratic"]
_POWER: dict[KappaWeights, int] = {"none": 0, "linear": 1, "quadratic": 2}


def cohen_kappa(
    first: Sequence, second: Sequence, categories: Sequence[Hashable] | None = None, confidence: float = CONFIDENCE
) -> Estimate:
    """Cohen's kappa without weights; arguments and errors are those of ``weighted_kappa``.

    Source: Cohen, Educ Psychol Meas 20 (1960) 37-46.
    """
    return weighted_kappa(first, second, "none", categories, confidence)


def weighted_kappa(
    first: Sequence,
    second: Sequence,
    weights: KappaWeights = "linear",
    categories: Sequence[Hashable] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Cohen's weighted kappa of two raters with its large-sample interval, cut to -1..1.

    Source: Cohen, Psychol Bull 70 (1968) 213-220; standard error of Fleiss, Cohen and Everitt, Psychol Bull 72 (1969)
    323-327.

    Args:
        first, second: one rating a case, shape (cases,).
        weights: ``none``, ``linear`` or ``quadratic`` disagreement.
        categories: all categories in their order, each one step from the next. Without them ratings are numbers, and
            disagreement is their distance on that scale, so that a total score that nobody gave leaves its gap.
        confidence: of the interval.

    Raises:
        InputError: a sample is faulty, a rating is no category, the lengths differ, there are fewer than two cases, or
            both raters gave one and the same rating throughout, so that chance explains everything.

    Example:
        >>> weighted_kappa([10, 7, 5, 9], [10, 6, 5, 7], "quadratic").text(2)
        '0.84 [0.56, 1.00]'
    """
    require_confidence(confidence)
    if weights not in _POWER:
        raise InputError(f"weights are {', '.join(_POWER)}; found {weights!r}", code="kappa-weights")
    if categories is not None:
        first, second = (_positions(ratings, categories) for ratings in (first, second))
    one, other = as_pairs(first, second, ("the first rater", "the second rater"))
    scale, joint = _joint_shares(one, other)
    distance = np.abs(scale[:, None] - scale[None, :])
    disagreement = (distance > 0).astype(float) if weights == "none" else distance ** _POWER[weights]
    kappa, error = _kappa(joint, disagreement, one.size)
    half = float(special.ndtri((1 + confidence) / 2)) * error
    return Estimate(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0), confidence)


def _positions(ratings: Sequence, categories: Sequence[Hashable]) -> list[float]:
    place = {category: float(n) for n, category in enumerate(categories)}
    strange = sorted({str(rating) for rating in ratings if rating not in place})
    if strange:
        raise InputError(
            f"ratings that are no category: {', '.join(strange[:5])}; the categories are "
            f"{', '.join(str(category) for category in categories)}",
            code="category",
        )
    return [place[rating] for rating in ratings]


def _joint_shares(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ratings that occur, and the share of cases for each pair of them."""
    scale, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    joint = np.zeros((scale.size, scale.size))
    np.add.at(joint, (places[: first.size], places[first.size :]), 1.0 / first.size)
    return scale, joint


def _kappa(joint: NDArray[np.float64], disagreement: NDArray[np.float64], cases: int) -> tuple[float, float]:
    """1 - observed / expected disagreement, and its standard error by the delta method."""
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    observed, expected = float((joint * disagreement).sum()), float(rows @ disagreement @ columns)
    if expected <= 0:
        raise InputError(
            "both raters gave one and the same rating to every case: kappa is not defined there; "
            "report the percentage of agreement",
            code="no-variation",
        )
    ratio = observed / expected
    slope = disagreement / expected - ratio / expected * ((disagreement @ columns)[:, None] + rows @ disagreement)
    variance = float((joint * slope**2).sum() - ratio**2) / cases
    return 1.0 - ratio, float(np.sqrt(max(variance, 0.0)))

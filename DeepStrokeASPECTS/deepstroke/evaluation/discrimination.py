"""How well a score ranks cases with a finding above those without: the area under the ROC curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from deepstroke.errors import InputError
from deepstroke.evaluation.estimate import CONFIDENCE, Estimate, require_confidence
from deepstroke.evaluation.observations import as_numbers, as_outcomes, require_same_length


def auc(actual: ArrayLike, score: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Area under the ROC curve with an interval; ties count half.

    The interval is DeLong's variance on the logit scale. Where that variance vanishes, as it does when the score
    separates the classes fully, it is Newcombe's score interval (method 5), which has a width there too.

    Source: DeLong et al., Biometrics 44 (1988) 837-845, by the ranks of Sun and Xu, IEEE Signal Process Lett 21 (2014)
    1389-1393; Newcombe, Stat Med 25 (2006) 559-573.

    Args:
        actual: the truth, booleans or 0 and 1, shape (cases,).
        score: larger means that the finding is likelier, shape (cases,).
        confidence: of the interval.

    Raises:
        InputError: a sample is faulty, the lengths differ, or the truth has only one class.

    Example:
        >>> round(auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 2)
        0.75
    """
    require_confidence(confidence)
    truth, scores = as_outcomes(actual, "the truth"), as_numbers(score, "the score")
    require_same_length(truth, scores, ("the truth", "the score"))
    positives, negatives = scores[truth], scores[~truth]
    if not positives.size or not negatives.size:
        raise InputError(
            f"an area under the ROC curve needs both classes, found {positives.size} positive and "
            f"{negatives.size} negative cases",
            code="one-class",
        )
    above, below = _placements(positives, negatives)
    area = float(above.mean())
    variance = _variance_of_mean(above) + _variance_of_mean(below)
    if variance > 0 and 0 < area < 1:
        low, high = _logit_interval(area, variance, confidence)
    else:
        low, high = _score_interval(area, positives.size, negatives.size, confidence)
    return Estimate(area, low, high, confidence)


def _placements(
    positives: NDArray[np.float64], negatives: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of negatives that each positive outranks, and of positives that outrank each negative (DeLong's V)."""
    m, n = positives.size, negatives.size
    ranks = _ranks(np.concatenate([positives, negatives]))
    above = (ranks[:m] - _ranks(positives)) / n
    below = 1.0 - (ranks[m:] - _ranks(negatives)) / m
    return above, below


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; ties share their mean rank."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2.0)[place]


def _variance_of_mean(placements: NDArray[np.float64]) -> float:
    return float(placements.var(ddof=1) / placements.size) if placements.size > 1 else 0.0


def _logit_interval(area: float, variance: float, confidence: float) -> tuple[float, float]:
    z = special.ndtri((1 + confidence) / 2)
    half = z * np.sqrt(variance) / (area * (1 - area))
    logit = np.log(area / (1 - area))
    return float(1 / (1 + np.exp(half - logit))), float(1 / (1 + np.exp(-half - logit)))


def _score_interval(area: float, m: int, n: int, confidence: float) -> tuple[float, float]:
    """The areas that lie within z standard errors of their own from the one found (Newcombe's method 5)."""
    from scipy import optimize

    z = special.ndtri((1 + confidence) / 2)
    others = (m + n) / 2 - 1

    def excess(theta: float) -> float:
        spread = 1 + others * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return float((area - theta) ** 2 - z**2 * theta * (1 - theta) * spread / (m * n))

    tiny = 1e-9  # The area itself is a root where it is 0 or 1.
    low = optimize.brentq(excess, tiny, min(area, 1 - tiny)) if area > tiny else 0.0
    high = optimize.brentq(excess, max(area, tiny), 1 - tiny) if area < 1 - tiny else 1.0
    return float(low), float(high)

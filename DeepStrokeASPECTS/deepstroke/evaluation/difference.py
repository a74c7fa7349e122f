"""Differences of two methods that measure the same quantity: Bland and Altman's limits of agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from deepstroke.evaluation.estimate import CONFIDENCE, Estimate, require_confidence
from deepstroke.evaluation.observations import as_pairs


@dataclass(frozen=True)
class BlandAltman:
    """Limits of agreement of two methods, in the unit of the quantity.

    Attributes:
        bias: mean of first - second, with its interval.
        lower, upper: limits between which 95 % of the differences are expected, each with its interval.
        sd: standard deviation of the differences.
        n: number of cases.
    """

    bias: Estimate
    lower: Estimate
    upper: Estimate
    sd: float
    n: int

    def as_dict(self) -> dict[str, object]:
        """The figures for JSON."""
        named = {"bias": self.bias, "lower": self.lower, "upper": self.upper}
        return {**{name: figure.as_dict() for name, figure in named.items()}, "sd": self.sd, "n": self.n}


def bland_altman(
    first: ArrayLike, second: ArrayLike, confidence: float = CONFIDENCE, coverage: float = 0.95
) -> BlandAltman:
    """Bias and limits of agreement of two methods, with the intervals of all three.

    Source: Bland and Altman, Lancet 327 (1986) 307-310; the limits' variance s^2 (1/n + z^2 / (2 (n - 1))) is that of
    Bland and Altman, Stat Methods Med Res 8 (1999) 135-160, section 2.1.

    Args:
        first, second: one measurement a case, shape (cases,).
        confidence: of the intervals.
        coverage: share of the differences that the limits enclose.

    Raises:
        InputError: a sample is faulty, the lengths differ, or there are fewer than two cases.

    Example:
        >>> bland_altman([10.0, 12.0, 9.0], [11.0, 12.0, 8.0]).bias.text(1)
        '0.0 [-2.5, 2.5]'
    """
    require_confidence(confidence)
    require_confidence(coverage)
    one, other = as_pairs(first, second, ("the first method", "the second method"))
    differences = one - other
    n, bias, sd = differences.size, float(differences.mean()), float(differences.std(ddof=1))
    z, t = special.ndtri((1 + coverage) / 2), special.stdtrit(n - 1, (1 + confidence) / 2)
    of_limit = t * sd * np.sqrt(1 / n + z**2 / (2 * (n - 1)))

    def around(value: float, half: float) -> Estimate:
        return Estimate(value, value - half, value + half, confidence)

    return BlandAltman(
        bias=around(bias, t * sd / np.sqrt(n)),
        lower=around(bias - z * sd, of_limit),
        upper=around(bias + z * sd, of_limit),
        sd=sd,
        n=n,
    )

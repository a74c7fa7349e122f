"""Whether a probability means what it says: reliability curve and expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepstroke.errors import InputError
from deepstroke.evaluation.estimate import CONFIDENCE, Estimate
from deepstroke.evaluation.observations import as_numbers, as_outcomes, require_same_length
from deepstroke.evaluation.proportions import proportion

#: Bins of equal width, or of equal numbers of cases.
Binning = Literal["width", "count"]


@dataclass(frozen=True)
class ReliabilityBin:
    """The cases whose probability falls into one bin.

    Attributes:
        probability: their mean probability.
        observed: the share of them that have the finding, with Wilson's interval.
        cases: how many they are.
    """

    probability: float
    observed: Estimate
    cases: int


def reliability_curve(
    actual: ArrayLike,
    probability: ArrayLike,
    bins: int = 10,
    binning: Binning = "width",
    confidence: float = CONFIDENCE,
) -> tuple[ReliabilityBin, ...]:
    """Observed against stated probability, bin by bin, without the empty bins.

    Source: DeGroot and Fienberg, The Statistician 32 (1983) 12-22.

    Args:
        actual: the truth, booleans or 0 and 1, shape (cases,).
        probability: of the finding, 0..1, shape (cases,).
        bins: how many.
        binning: of equal width, or of equal numbers of cases.
        confidence: of the intervals.

    Raises:
        InputError: a sample is faulty, the lengths differ, a probability isn't 0..1, or there is no bin.
    """
    truth, stated = _as_forecast(actual, probability)
    places = _bin_places(stated, bins, binning)
    chosen = [places == place for place in np.unique(places)]
    return tuple(
        ReliabilityBin(
            float(stated[mask].mean()),
            proportion(int(truth[mask].sum()), int(mask.sum()), confidence),
            int(mask.sum()),
        )
        for mask in chosen
    )


def expected_calibration_error(
    actual: ArrayLike, probability: ArrayLike, bins: int = 10, binning: Binning = "width"
) -> float:
    """Mean distance of observed from stated probability, each bin weighted by its cases; 0..1, 0 is best.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015, for the probability of the finding.

    Arguments and errors are those of ``reliability_curve``.

    Example:
        >>> expected_calibration_error([0, 0, 1, 1], [0.25, 0.25, 0.75, 0.75])
        0.25
    """
    curve = reliability_curve(actual, probability, bins, binning)
    cases = sum(piece.cases for piece in curve)
    return float(sum(piece.cases * abs(piece.observed - piece.probability) for piece in curve) / cases)


def _as_forecast(actual: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    truth, stated = as_outcomes(actual, "the truth"), as_numbers(probability, "the probabilities")
    require_same_length(truth, stated, ("the truth", "the probabilities"))
    outside = stated[(stated < 0) | (stated > 1)]
    if outside.size:
        raise InputError(f"a probability lies in 0..1, found {outside[0]:g}", code="probability")
    return truth, stated


def _bin_places(stated: NDArray[np.float64], bins: int, binning: Binning) -> NDArray[np.int64]:
    """The number of each case's bin; a bin holds its lower edge, the last one also 1."""
    if bins < 1:
        raise InputError(f"at least one bin is needed, found {bins}", code="bins")
    if binning == "width":
        edges = np.linspace(0.0, 1.0, bins + 1)
    elif binning == "count":
        edges = np.unique(np.quantile(stated, np.linspace(0.0, 1.0, bins + 1)))
    else:
        raise InputError(f"bins are of equal width or count, found {binning!r}", code="bins")
    return np.searchsorted(edges[1:-1], stated, side="right").astype(np.int64)

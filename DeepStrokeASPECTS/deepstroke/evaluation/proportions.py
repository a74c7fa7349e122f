"""How often a finding was called rightly, case by case, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from deepstroke.errors import InputError
from deepstroke.evaluation.estimate import CONFIDENCE, Estimate, require_confidence
from deepstroke.evaluation.observations import as_outcomes, require_same_length


def proportion(count: int, total: int, confidence: float = CONFIDENCE) -> Estimate:
    """``count / total`` with Wilson's score interval, which holds for few cases and at 0 and 1 too.

    Source: Wilson, J Am Stat Assoc 22 (1927) 209-212; Newcombe, Stat Med 17 (1998) 857-872, method 3.

    Raises:
        InputError: there are no cases, or the count isn't 0..total.

    Example:
        >>> proportion(81, 263).text(4)
        '0.3080 [0.2553, 0.3662]'
    """
    require_confidence(confidence)
    if total < 1 or not 0 <= count <= total:
        raise InputError(
            f"a proportion needs cases and a count among them, found {count} of {total}", code="sample-size"
        )
    z = float(special.ndtri((1 + confidence) / 2))
    share = count / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low, high = max(centre - half, 0.0), min(centre + half, 1.0)
    return Estimate(share, 0.0 if count == 0 else low, 1.0 if count == total else high, confidence)


@dataclass(frozen=True)
class Detection:
    """Calls of a finding against the truth.

    Attributes:
        sensitivity, specificity, accuracy: with Wilson intervals; sensitivity is None where the truth has no positive
            case, specificity where it has no negative one.
        true_positives, false_positives, true_negatives, false_negatives: numbers of cases.
    """

    sensitivity: Estimate | None
    specificity: Estimate | None
    accuracy: Estimate
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int


def detection(called: ArrayLike, actual: ArrayLike, confidence: float = CONFIDENCE) -> Detection:
    """Sensitivity, specificity and accuracy of calls, one a case.

    Cases are taken as independent: for several regions of one patient resample patients instead (``bootstrap``).

    Args:
        called: what was called, booleans or 0 and 1, shape (cases,).
        actual: the truth, likewise.
        confidence: of the intervals.

    Raises:
        InputError: a sample is empty or holds other values, or the lengths differ.
    """
    calls, truth = as_outcomes(called, "the calls"), as_outcomes(actual, "the truth")
    require_same_length(calls, truth, ("the calls", "the truth"))
    hits, misses = int(np.count_nonzero(calls & truth)), int(np.count_nonzero(~calls & truth))
    alarms, passed = int(np.count_nonzero(calls & ~truth)), int(np.count_nonzero(~calls & ~truth))
    return Detection(
        sensitivity=proportion(hits, hits + misses, confidence) if hits + misses else None,
        specificity=proportion(passed, passed + alarms, confidence) if passed + alarms else None,
        accuracy=proportion(hits + passed, len(truth), confidence),
        true_positives=hits,
        false_positives=alarms,
        true_negatives=passed,
        false_negatives=misses,
    )

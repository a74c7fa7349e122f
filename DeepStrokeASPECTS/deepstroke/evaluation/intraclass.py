"""Agreement of raters on a measured quantity: the intraclass correlation coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from deepstroke.errors import InputError
from deepstroke.evaluation.estimate import CONFIDENCE, Estimate, require_confidence
from deepstroke.evaluation.observations import require_finite

#: Model and unit as Shrout and Fleiss name them: 1 other raters for each case, 2 the same raters, drawn from many,
#: 3 the same raters, who are all there are; one rating, or the mean of the k ratings.
IccForm = Literal["1,1", "2,1", "3,1", "1,k", "2,k", "3,k"]


def icc(ratings: ArrayLike, form: IccForm = "2,1", confidence: float = CONFIDENCE) -> Estimate:
    """Intraclass correlation coefficient with its interval.

    ``"2,1"`` is absolute agreement of single ratings, what two readers of one score are usually judged by; ``"3,1"``
    is consistency, blind to an offset between raters.

    Source: Shrout and Fleiss, Psychol Bull 86 (1979) 420-428; intervals after McGraw and Wong, Psychol Methods 1 (1996)
    30-46, table 7.

    Args:
        ratings: shape (cases, raters), no value missing.
        form: model and unit.
        confidence: of the interval.

    Raises:
        InputError: the shape is another one, a value is missing, there are fewer than two cases or raters, or all
            ratings are equal, so that there is nothing to agree on.

    Example:
        >>> icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).text(2)
        '0.29 [0.02, 0.76]'
    """
    require_confidence(confidence)
    if form not in get_args(IccForm):
        raise InputError(f"the forms are {'; '.join(get_args(IccForm))}; found {form!r}", code="icc-form")
    squares = _mean_squares(_as_ratings(ratings))
    model, unit = form.split(",")
    _require_variation(squares, form)
    single = {"1": _one_way, "2": _two_way_random, "3": _two_way_mixed}[model](squares, confidence)
    value, low, high = (one if unit == "1" else _of_mean(one, squares.raters) for one in single)
    return Estimate(value, low, high, confidence)


@dataclass(frozen=True)
class _MeanSquares:
    """The analysis of variance: mean squares between cases and raters, of the residual, and within cases."""

    cases: int
    raters: int
    between_cases: float
    between_raters: float
    residual: float
    within_cases: float


def _as_ratings(ratings: ArrayLike) -> NDArray[np.float64]:
    try:
        table = np.asarray(ratings, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"ratings: as many numbers for each case are expected ({error})", code="sample") from error
    if table.ndim != 2 or min(table.shape) < 2:
        raise InputError(
            f"ratings have the shape (cases, raters) with at least two of each, found {table.shape}", code="sample-size"
        )
    if np.ptp(require_finite(table, "ratings")) == 0:
        raise InputError("all ratings are equal: an intraclass correlation is not defined there", code="no-variation")
    return table


def _mean_squares(ratings: NDArray[np.float64]) -> _MeanSquares:
    n, k = ratings.shape
    of_cases, of_raters, overall = ratings.mean(axis=1), ratings.mean(axis=0), ratings.mean()
    residual = ratings - of_cases[:, None] - of_raters[None, :] + overall
    return _MeanSquares(
        cases=n,
        raters=k,
        between_cases=float(k * ((of_cases - overall) ** 2).sum() / (n - 1)),
        between_raters=float(n * ((of_raters - overall) ** 2).sum() / (k - 1)),
        residual=float((residual**2).sum() / ((n - 1) * (k - 1))),
        within_cases=float(((ratings - of_cases[:, None]) ** 2).sum() / (n * (k - 1))),
    )


def _require_variation(m: _MeanSquares, form: IccForm) -> None:
    noise = 1e-24 * (m.between_cases + m.between_raters + m.within_cases)
    if (form[0] != "1" and max(m.between_cases, m.residual) <= noise) or (form[2] == "k" and m.between_cases <= noise):
        raise InputError(
            f"the cases don't differ in their ratings: the intraclass correlation {form} is not defined there",
            code="no-variation",
        )


def _one_way(m: _MeanSquares, confidence: float) -> tuple[float, float, float]:
    return _of_ratio(m.between_cases, m.within_cases, m.raters, (m.cases - 1, m.cases * (m.raters - 1)), confidence)


def _two_way_mixed(m: _MeanSquares, confidence: float) -> tuple[float, float, float]:
    freedom = (m.cases - 1, (m.cases - 1) * (m.raters - 1))
    return _of_ratio(m.between_cases, m.residual, m.raters, freedom, confidence)


def _of_ratio(
    between: float, error: float, k: int, freedom: tuple[int, int], confidence: float
) -> tuple[float, float, float]:
    """(F - 1) / (F + k - 1) for the F found and for the ends of its interval; written so that error = 0 gives 1."""
    tail = (1 + confidence) / 2
    shrink, grow = special.fdtri(*freedom, tail), special.fdtri(*freedom[::-1], tail)
    scaled = (between, between / shrink, between * grow)
    value, low, high = ((b - error) / (b + (k - 1) * error) for b in scaled)
    return float(value), float(low), float(high)


def _two_way_random(m: _MeanSquares, confidence: float) -> tuple[float, float, float]:
    n, k, rows, columns, error = m.cases, m.raters, m.between_cases, m.between_raters, m.residual
    value = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    if 1 - value < 1e-12:
        return 1.0, 1.0, 1.0
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    tail = (1 + confidence) / 2
    upper, lower = special.fdtri(n - 1, freedom, tail), special.fdtri(freedom, n - 1, tail)
    spread = k * columns + (k * n - k - n) * error
    low = n * (rows - upper * error) / (upper * spread + n * rows)
    high = n * (lower * rows - error) / (spread + n * lower * rows)
    return float(value), float(low), float(high)


def _of_mean(single: float, k: int) -> float:
    """Spearman-Brown: the coefficient of the mean of k ratings."""
    return k * single / (1 + (k - 1) * single)

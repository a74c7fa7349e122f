"""Intervals of means and of paired differences by resampling patients, whose cases stay together."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from deepstroke.errors import InputError
from deepstroke.evaluation.estimate import CONFIDENCE, Estimate, require_confidence

#: Resamples where no number is given; the ends of a 95 % interval then vary by about 1 % of its width.
DRAWS = 10_000
#: Resamples that are held at once are so many that each patient's count in each takes this many numbers together.
_BLOCK_NUMBERS = 2_000_000


@dataclass(frozen=True)
class PairedDifference:
    """Two methods on the same cases.

    Attributes:
        difference: mean of first - second, with its interval.
        p_value: two-sided, of no difference; below 1 - confidence where the interval excludes 0.
        first, second: both means over the cases that have both values.
        cases, patients: how many these are.
    """

    difference: Estimate
    p_value: float
    first: float
    second: float
    cases: int
    patients: int


class PatientBootstrap:
    """Resamples of the patients of a set of cases, the same for every quantity that is asked for.

    Intervals are percentile intervals whose levels are widened for few patients, so that a normal quantity gets about
    Student's interval. Source: Hesterberg, Am Stat 69 (2015) 371-386, section 5.3 ("expanded percentile").

    Args:
        patients: whose each case is, shape (cases,).
        draws: number of resamples.
        seed: the same seed gives the same resamples.
        confidence: of the intervals.

    Raises:
        InputError: there is no case, or no resample.

    Example:
        >>> bootstrap = PatientBootstrap(["a", "a", "b", "c"], draws=2000)
        >>> round(bootstrap.mean([0.8, 0.9, 0.7, 0.6]), 2)
        0.75
    """

    def __init__(
        self, patients: Sequence[Hashable], draws: int = DRAWS, seed: int = 0, confidence: float = CONFIDENCE
    ) -> None:
        require_confidence(confidence)
        if not len(patients) or draws < 1:
            raise InputError(
                f"a bootstrap needs cases and resamples, found {len(patients)} and {draws}", code="sample-size"
            )
        number: dict[Hashable, int] = {}
        self._patient = np.array([number.setdefault(patient, len(number)) for patient in patients])
        self._patients, self._draws, self._seed, self._confidence = len(number), draws, seed, confidence

    def mean(self, values: ArrayLike) -> Estimate:
        """Mean over the cases, each with equal weight.

        Args:
            values: shape (cases,); NaN where the quantity is not defined for a case, which is then left out.

        Raises:
            InputError: another number of values, or fewer than two patients with a value.
        """
        return self.means(np.asarray(values, dtype=np.float64)[:, None])[0]

    def means(self, values: ArrayLike) -> list[Estimate]:
        """Means of several quantities at once, from values of shape (cases, quantities); as ``mean``."""
        table = self._as_table(values)
        patients = [self._count(column) for column in table.T]
        draws = self._resampled_means(table)
        return [
            Estimate(np.nanmean(column), *self._interval(of_column, number), self._confidence)
            for column, of_column, number in zip(table.T, draws.T, patients, strict=True)
        ]

    def paired(self, first: ArrayLike, second: ArrayLike) -> PairedDifference:
        """Difference of the means of two methods over the cases that have both values.

        Args:
            first, second: shape (cases,); NaN where a value is not defined.

        Raises:
            InputError: another number of values, or fewer than two patients with both values.
        """
        columns = (np.asarray(values, dtype=np.float64)[:, None] for values in (first, second))
        return self.paired_all(*columns)[0]

    def paired_all(self, first: ArrayLike, second: ArrayLike) -> list[PairedDifference]:
        """Differences of several quantities at once, from values of shape (cases, quantities); as ``paired``."""
        one, other = self._as_table(first), self._as_table(second)
        if one.shape != other.shape:
            raise InputError(f"two methods on unlike tables, {one.shape} and {other.shape}", code="sample-size")
        differences = one - other
        estimates = self.means(differences)
        draws = self._resampled_means(differences)
        return [self._difference(estimate, draws[:, n], one[:, n], other[:, n]) for n, estimate in enumerate(estimates)]

    def _difference(
        self, estimate: Estimate, draws: NDArray[np.float64], one: NDArray[np.float64], other: NDArray[np.float64]
    ) -> PairedDifference:
        both = np.isfinite(one) & np.isfinite(other)
        patients = self._count(np.where(both, 0.0, np.nan))
        return PairedDifference(
            difference=estimate,
            p_value=self._p_value(draws, patients),
            first=float(one[both].mean()),
            second=float(other[both].mean()),
            cases=int(both.sum()),
            patients=patients,
        )

    def _as_table(self, values: ArrayLike) -> NDArray[np.float64]:
        table = np.asarray(values, dtype=np.float64)
        if table.ndim != 2 or len(table) != len(self._patient):
            raise InputError(
                f"one row a case is expected, found shape {table.shape} for {len(self._patient)} cases",
                code="sample-size",
            )
        if np.isinf(table).any():
            raise InputError("a value is infinite; use NaN where a quantity is not defined", code="sample")
        return table

    def _count(self, column: NDArray[np.float64]) -> int:
        """Number of patients with a value.

        Raises:
            InputError: they are fewer than two.
        """
        patients = int(np.unique(self._patient[np.isfinite(column)]).size)
        if patients < 2:
            raise InputError(
                f"an interval needs at least two patients with a value, found {patients}", code="sample-size"
            )
        return patients

    def _resampled_means(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Means of each resample, shape (draws, quantities); NaN where a resample has no value at all."""
        known = np.isfinite(table)
        sums, counts = (np.zeros((self._patients, table.shape[1])) for _ in range(2))
        np.add.at(sums, self._patient, np.where(known, table, 0.0))
        np.add.at(counts, self._patient, known.astype(np.float64))
        blocks = []
        for weights in self._weights():
            total = weights @ counts
            blocks.append(np.divide(weights @ sums, total, out=np.full_like(total, np.nan), where=total > 0))
        return np.concatenate(blocks)

    def _weights(self) -> Iterator[NDArray[np.float64]]:
        """How often each patient is in each resample, (resamples, patients), some resamples at a time."""
        stream = np.random.default_rng(self._seed)
        n, block = self._patients, max(_BLOCK_NUMBERS // self._patients, 1)
        for start in range(0, self._draws, block):
            rows = min(block, self._draws - start)
            drawn = stream.integers(0, n, size=(rows, n)) + np.arange(rows)[:, None] * n
            yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)

    def _interval(self, draws: NDArray[np.float64], patients: int) -> tuple[float, float]:
        t = special.stdtrit(patients - 1, (1 + self._confidence) / 2)
        level = special.ndtr(-np.sqrt(patients / (patients - 1)) * t)
        low, high = np.nanquantile(draws, [level, 1 - level])
        return float(low), float(high)

    def _p_value(self, draws: NDArray[np.float64], patients: int) -> float:
        """Twice the tail beyond 0, its level taken back from the widened one to Student's."""
        draws = draws[np.isfinite(draws)]
        beyond = min(np.count_nonzero(draws <= 0), np.count_nonzero(draws >= 0))
        tail = min((beyond + 1) / (draws.size + 1), 0.5)
        t = special.ndtri(tail) * np.sqrt((patients - 1) / patients)
        return float(min(2 * special.stdtr(patients - 1, t), 1.0))


def bootstrap_mean(
    values: ArrayLike,
    patients: Sequence[Hashable],
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """Mean over cases with an interval from resampled patients; see ``PatientBootstrap``."""
    return PatientBootstrap(patients, draws, seed, confidence).mean(values)


def paired_bootstrap(
    first: ArrayLike,
    second: ArrayLike,
    patients: Sequence[Hashable],
    draws: int = DRAWS,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> PairedDifference:
    """Difference of the means of two methods on the same cases; see ``PatientBootstrap``.

    Example:
        >>> test = paired_bootstrap([0.9, 0.8, 0.95], [0.8, 0.7, 0.9], ["a", "b", "c"], draws=2000)
        >>> round(test.difference, 3)
        0.083
    """
    return PatientBootstrap(patients, draws, seed, confidence).paired(first, second)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for the number of tests, in the order given.

    Source: Holm, Scand J Stat 6 (1979) 65-70.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min((len(p_values) - rank) * p_values[place], 1.0))
        adjusted[place] = largest
    return adjusted

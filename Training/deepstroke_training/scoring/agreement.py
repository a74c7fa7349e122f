"""Figures of a score against its reference: by region, in total, and of two methods against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from deepstroke.errors import InputError
from deepstroke.evaluation import (
    BlandAltman,
    Detection,
    Estimate,
    PairedDifference,
    PatientBootstrap,
    auc,
    bland_altman,
    cohen_kappa,
    detection,
    expected_calibration_error,
    icc,
    weighted_kappa,
)
from deepstroke.regions import REGIONS
from deepstroke_training.scoring.judging import JudgedCase, JudgedRegion

#: Totals at and below which a score is called low.
DICHOTOMIES = (7, 5)
#: Resamples of patients.
DRAWS = 2000


@dataclass(frozen=True)
class RegionFigures:
    """Agreement over regions.

    Attributes:
        judged, unjudged: number of regions.
        involved: how many of those judged the reference calls involved.
        area: under the ROC curve; None where the reference knows one class only, as the next three.
        kappa: Cohen's.
        sensitivity, specificity: at the model's threshold, with intervals over patients.
        sensitivity_at_92: at the threshold that gives a specificity of 0.92 on these very cases.
        calibration_error: expected calibration error.
    """

    judged: int
    unjudged: int
    involved: int
    area: Estimate | None
    kappa: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None
    sensitivity_at_92: float | None
    calibration_error: float | None


@dataclass(frozen=True)
class TotalFigures:
    """Agreement in total, on the side that the reference calls affected.

    Attributes:
        cases: with a total; ``withheld`` got none.
        correlation: ICC(2,1), absolute agreement; None where it isn't defined, as the next.
        kappa: quadratically weighted.
        difference: score less reference.
        low: detection of a reference at or below each limit of ``DICHOTOMIES``.
        right_side, sided: on how many of the cases with a true side it was found.
        false_regions: regions called in each case without any involvement, both sides together; None without such.
        spared: number of these cases.
    """

    cases: int
    withheld: int
    correlation: Estimate | None
    kappa: Estimate | None
    difference: BlandAltman | None
    low: Mapping[int, Detection]
    right_side: int
    sided: int
    false_regions: float | None
    spared: int


@dataclass(frozen=True)
class Agreement:
    """All figures of one model."""

    all_regions: RegionFigures
    by_region: Mapping[str, RegionFigures]
    total: TotalFigures


@dataclass(frozen=True)
class Comparison:
    """Two models on the same cases: share of regions called rightly, and absolute error of the total."""

    first: str
    second: str
    accuracy: PairedDifference
    total_error: PairedDifference | None = field(default=None)


def agreement_of(cases: Sequence[JudgedCase]) -> Agreement:
    """The figures of one model's cases.

    Raises:
        InputError: there is no case.
    """
    if not cases:
        raise InputError("no case was scored: there is nothing to compare", code="sample-size")
    regions = [region for case in cases for region in case.regions]
    return Agreement(
        all_regions=region_figures(regions),
        by_region={r.abbreviation: region_figures([x for x in regions if x.region == r.abbreviation]) for r in REGIONS},
        total=total_figures(cases),
    )


def region_figures(regions: Sequence[JudgedRegion]) -> RegionFigures:
    """Agreement over regions; intervals of sensitivity and specificity resample patients with all their regions."""
    judged = [r for r in regions if r.probability is not None and r.called is not None]
    actual = np.array([r.reference for r in judged], dtype=bool)
    called = np.array([bool(r.called) for r in judged], dtype=bool)
    probability = np.array([r.probability for r in judged], dtype=np.float64)
    patients = [r.patient for r in judged]
    return RegionFigures(
        judged=len(judged),
        unjudged=len(regions) - len(judged),
        involved=int(actual.sum()),
        area=_defined(lambda: auc(actual, probability)),
        kappa=_defined(
            lambda: cohen_kappa(called.astype(int).tolist(), actual.astype(int).tolist(), categories=(0, 1))
        ),
        sensitivity=_share(called, actual, patients),
        specificity=_share(~called, ~actual, patients),
        sensitivity_at_92=_sensitivity_at(probability, actual, 0.92),
        calibration_error=_defined(lambda: expected_calibration_error(actual, probability)),
    )


def total_figures(cases: Sequence[JudgedCase]) -> TotalFigures:
    """Agreement in total."""
    scored = [case for case in cases if case.score is not None]
    found = [case.score for case in scored if case.score is not None]
    reference = [case.reference for case in scored]
    sided = [case for case in scored if case.true_side is not None]
    spared = [case for case in scored if not any(r.reference for r in case.regions)]
    return TotalFigures(
        cases=len(scored),
        withheld=len(cases) - len(scored),
        correlation=_defined(lambda: icc(np.column_stack([found, reference]))),
        kappa=_defined(lambda: weighted_kappa(found, reference, "quadratic", categories=tuple(range(11)))),
        difference=_defined(lambda: bland_altman(found, reference)),
        low={
            limit: detection([x <= limit for x in found], [x <= limit for x in reference])
            for limit in DICHOTOMIES
            if scored
        },
        right_side=sum(case.found_side == case.true_side for case in sided),
        sided=len(sided),
        false_regions=float(np.mean([sum(bool(r.called) for r in case.regions) for case in spared]))
        if spared
        else None,
        spared=len(spared),
    )


def compare_models(judged: Mapping[str, Sequence[JudgedCase]]) -> tuple[Comparison, ...]:
    """Every two models by a paired bootstrap over patients."""
    return tuple(_compare(a, b, judged[a], judged[b]) for a, b in combinations(judged, 2))


def _compare(first: str, second: str, of_first: Sequence[JudgedCase], of_second: Sequence[JudgedCase]) -> Comparison:
    bootstrap = PatientBootstrap([case.patient for case in of_first], DRAWS)
    accuracy = [np.array([_accuracy(case) for case in cases]) for cases in (of_first, of_second)]
    errors = [np.array([_error(case) for case in cases]) for cases in (of_first, of_second)]
    return Comparison(
        first,
        second,
        bootstrap.paired(*accuracy),
        _defined(lambda: bootstrap.paired(*errors)),
    )


def _accuracy(case: JudgedCase) -> float:
    judged = [r.called == r.reference for r in case.regions if r.called is not None]
    return float(np.mean(judged)) if judged else float("nan")


def _error(case: JudgedCase) -> float:
    return float("nan") if case.score is None else float(abs(case.score - case.reference))


def _share(hit: np.ndarray, among: np.ndarray, patients: Sequence[str]) -> Estimate | None:
    """The share of hits among some regions, with its interval over patients."""
    if not among.any():
        return None
    values = np.where(among, hit.astype(np.float64), np.nan)
    estimate: Estimate | None = _defined(lambda: PatientBootstrap(patients, DRAWS).mean(values))
    share = float(np.nanmean(values))
    return Estimate(share, 0.0, 1.0) if estimate is None else estimate


def _sensitivity_at(probability: np.ndarray, actual: np.ndarray, specificity: float) -> float | None:
    """The best sensitivity of any threshold with at least this specificity."""
    if not actual.any() or actual.all():
        return None
    thresholds = np.unique(probability)
    specific = np.array([np.mean(probability[~actual] < t) for t in thresholds])
    sensitive = np.array([np.mean(probability[actual] >= t) for t in thresholds])
    allowed = specific >= specificity
    return float(sensitive[allowed].max()) if allowed.any() else 0.0


def _defined(compute: Callable[[], Any]) -> Any:
    """A figure, or None where it isn't defined on the sample."""
    try:
        return compute()
    except InputError:
        return None

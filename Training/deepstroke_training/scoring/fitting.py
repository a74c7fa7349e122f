"""Fits a score by nested cross-validation over patients, calibrates it, and sets its threshold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.evaluation import auc, detection, expected_calibration_error
from deepstroke.progress import Progress, silent
from deepstroke.regions import REGIONS
from deepstroke.scoring.model import Calibration
from deepstroke.scoring.region_models import RegionModel
from deepstroke.scoring.result import ScoreMethod
from deepstroke_training.scoring.instances import FEATURE_NAMES, Instances
from deepstroke_training.scoring.learners import LEARNERS, Learner, Settings

#: Parts into which patients are split, outside and inside.
OUTER_FOLDS, INNER_FOLDS = 5, 4
#: A threshold keeps this specificity over regions: of 20 healthy ones at most 0.4 are called.
LEAST_SPECIFICITY = 0.98
#: No region is called that is less likely involved than this, whatever specificity that would leave.
LEAST_THRESHOLD = 0.2


@dataclass(frozen=True, eq=False)
class FittedScore:
    """A score as fitted.

    Attributes:
        method: how it learns.
        measures: what it takes.
        regions: a model for each region in the order of ``REGIONS``.
        calibration: of all regions' log odds.
        threshold: probability from which on a region counts.
        settings: that cross-validation chose.
        probabilities: of every instance, from models that never saw its patient (the outer loop).
        calls: whether they call it involved, each by the threshold of its own fold.
    """

    method: ScoreMethod
    measures: tuple[str, ...]
    regions: tuple[RegionModel, ...]
    calibration: Calibration
    threshold: float
    settings: Settings
    probabilities: NDArray[np.float64]
    calls: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Tuned:
    models: tuple[RegionModel, ...]
    calibration: Calibration
    threshold: float
    settings: Settings


def fit_score(method: ScoreMethod, instances: Instances, progress: Progress = silent) -> FittedScore:
    """Fit one method.

    The outer loop measures: each fifth of the patients is judged by models whose settings, calibration and threshold
    were all found on the others, by an inner loop. The final models are then tuned on all patients in the same way.

    Raises:
        InputError: there are too few patients, or a region is involved, or free, in too few of them.
    """
    learner = LEARNERS[method]
    _require_enough(instances)
    probabilities, calls = np.zeros(len(instances.involved)), np.zeros(len(instances.involved), dtype=bool)
    for fold, (inside, outside) in enumerate(split_patients(instances, OUTER_FOLDS)):
        tuned = _tune(learner, instances.at(inside))
        held_out = _calibrated(_log_odds(learner, tuned.models, instances.at(outside)), tuned.calibration)
        probabilities[outside], calls[outside] = held_out, held_out >= tuned.threshold
        progress((fold + 1) / (OUTER_FOLDS + 1), f"{method}: fold {fold + 1} of {OUTER_FOLDS}")
    final = _tune(learner, instances)
    progress(1.0, method)
    return FittedScore(
        method=method,
        measures=learner.measures,
        regions=final.models,
        calibration=final.calibration,
        threshold=final.threshold,
        settings=final.settings,
        probabilities=probabilities,
        calls=calls,
    )


def nested_figures(fitted: FittedScore, instances: Instances) -> dict[str, float]:
    """What the outer loop measured: AUC, sensitivity, specificity and calibration over regions."""
    found = detection(fitted.calls, instances.involved)
    return {
        "auc": float(auc(instances.involved, fitted.probabilities)),
        "sensitivity": float(found.sensitivity or 0.0),
        "specificity": float(found.specificity or 0.0),
        "calibration_error": expected_calibration_error(instances.involved, fitted.probabilities),
    }


def split_patients(instances: Instances, folds: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Rows inside and outside of each part of the patients."""
    from sklearn.model_selection import GroupKFold

    yield from GroupKFold(folds).split(instances.features, groups=instances.patient)


def _tune(learner: Learner, instances: Instances) -> _Tuned:
    """Choose settings by the log loss of patients left out; calibrate and set the threshold on the same."""
    left_out = [_cross_fitted(learner, settings, instances) for settings in learner.choices]
    calibrations = [_platt(odds, instances.involved) for odds in left_out]
    losses = [
        _log_loss(_calibrated(odds, calibration), instances.involved)
        for odds, calibration in zip(left_out, calibrations, strict=True)
    ]
    best = int(np.argmin(losses))
    probabilities = _calibrated(left_out[best], calibrations[best])
    return _Tuned(
        models=_learn(learner, learner.choices[best], instances),
        calibration=calibrations[best],
        threshold=choose_threshold(probabilities, instances.involved),
        settings=learner.choices[best],
    )


def choose_threshold(probabilities: NDArray[np.float64], involved: NDArray[np.bool_]) -> float:
    """The threshold with the best sum of sensitivity and specificity among those specific enough.

    It is one of ``LEAST_THRESHOLD``, then by 0.01 up to 0.95. Few regions are involved, so a threshold of one half
    would leave out many of them for the sake of very few healthy ones, and totals would be too high.
    """
    candidates = np.round(np.arange(LEAST_THRESHOLD, 0.951, 0.01), 2)
    sensitivity = np.array([np.mean(probabilities[involved] >= c) for c in candidates])
    specificity = np.array([np.mean(probabilities[~involved] < c) for c in candidates])
    allowed = specificity >= LEAST_SPECIFICITY
    if not allowed.any():
        return float(candidates[-1])
    return float(candidates[np.argmax(np.where(allowed, sensitivity + specificity, -1.0))])


def _cross_fitted(learner: Learner, settings: Settings, instances: Instances) -> NDArray[np.float64]:
    odds = np.zeros(len(instances.involved))
    for inside, outside in split_patients(instances, INNER_FOLDS):
        models = _learn(learner, settings, instances.at(inside))
        odds[outside] = _log_odds(learner, models, instances.at(outside))
    return odds


def _learn(learner: Learner, settings: Settings, instances: Instances) -> tuple[RegionModel, ...]:
    values = instances.features[:, _places(learner)]
    return tuple(
        learner.learn(values[instances.region == n], instances.involved[instances.region == n], settings)
        for n in range(len(REGIONS))
    )


def _log_odds(learner: Learner, models: tuple[RegionModel, ...], instances: Instances) -> NDArray[np.float64]:
    values, odds = instances.features[:, _places(learner)], np.zeros(len(instances.involved))
    for n, model in enumerate(models):
        rows = instances.region == n
        odds[rows] = model.log_odds(values[rows])
    return odds


def _places(learner: Learner) -> list[int]:
    return [FEATURE_NAMES.index(name) for name in learner.measures]


def _platt(odds: NDArray[np.float64], involved: NDArray[np.bool_]) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e3, max_iter=1000).fit(odds[:, None], involved)
    return Calibration(float(fitted.coef_[0, 0]), float(fitted.intercept_[0]))


def _calibrated(odds: NDArray[np.float64], calibration: Calibration) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(calibration.slope * odds + calibration.offset, -30.0, 30.0))))


def _log_loss(probabilities: NDArray[np.float64], involved: NDArray[np.bool_]) -> float:
    right = np.clip(np.where(involved, probabilities, 1.0 - probabilities), 1e-9, 1.0)
    return float(-np.log(right).mean())


def _require_enough(instances: Instances) -> None:
    """Raise unless every fold inside every fold can be learned from."""
    if instances.patients < OUTER_FOLDS:
        raise InputError(
            f"{instances.patients} patients are too few: at least {OUTER_FOLDS} are needed, better a hundred",
            code="too-few-cases",
        )
    for outer, _ in split_patients(instances, OUTER_FOLDS):
        part = instances.at(outer)
        for inner, _ in split_patients(part, INNER_FOLDS):
            _require_both(part.at(inner), instances)


def _require_both(part: Instances, whole: Instances) -> None:
    for n, region in enumerate(REGIONS):
        found = part.involved[part.region == n]
        if not found.any() or found.all():
            rows = whole.region == n
            count = np.unique(whole.patient[rows & whole.involved]).size
            raise InputError(
                f"{region.abbreviation} is involved in {count} of {whole.patients} patients: too few, or too many, to "
                "learn it in every part of the patients; add cases",
                code="too-few-cases",
            )

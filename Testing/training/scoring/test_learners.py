"""Exported models give scikit-learn's own log odds, and their parts sum to them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke.regions import REGIONS
from deepstroke.scoring.store import load_score_model
from deepstroke_training.scoring.exporting import write_manifest, write_model
from deepstroke_training.scoring.fitting import choose_threshold, fit_score, nested_figures, split_patients
from deepstroke_training.scoring.instances import FEATURE_NAMES, Instances
from deepstroke_training.scoring.learners import LEARNERS, BoostingLearner, LogisticLearner, ThresholdLearner


def sample(rows: int = 160, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Seven measures of which the first two tell the classes apart."""
    draws = np.random.default_rng(seed)
    involved = draws.random(rows) < 0.3
    values = draws.normal(0.0, 1.0, (rows, 7))
    values[involved, :2] -= 2.0
    return values, involved


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values, involved = sample()
    model = LogisticLearner().learn(values, involved, {"C": 0.3})
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=1000)).fit(values, involved)
    ours = [model.base + model.pushes(row).sum() for row in values]
    assert ours == pytest.approx(theirs.decision_function(values), abs=1e-6)


@pytest.mark.parametrize("depth", [1, 2])
def test_boosting_is_that_of_scikit_learn(depth: int) -> None:
    from sklearn.ensemble import GradientBoostingClassifier

    values, involved = sample()
    settings = {"n_estimators": 20, "max_depth": depth}
    model = BoostingLearner().learn(values, involved, settings)
    theirs = GradientBoostingClassifier(
        learning_rate=0.1, min_samples_leaf=12, subsample=0.8, random_state=0, **settings
    ).fit(values, involved)
    ours = [model.base + model.pushes(row).sum() for row in values]
    assert ours == pytest.approx(theirs.decision_function(values), abs=1e-9)


def test_the_threshold_lies_between_the_classes() -> None:
    values = np.concatenate([np.linspace(-0.02, 0.06, 40), np.linspace(-0.16, -0.04, 20)])[:, None]
    involved = np.arange(60) >= 40
    model = ThresholdLearner().learn(values, involved, {})
    at_limit = model.pushes(np.array(model.usual)).sum()  # type: ignore[attr-defined]
    assert at_limit == 0.0
    assert -0.05 < model.usual[0] < -0.01  # type: ignore[attr-defined]
    assert model.pushes(np.array([-0.1])).sum() > 0 > model.pushes(np.array([0.0])).sum()


def instances(patients: int = 40, seed: int = 0) -> Instances:
    """Ten regions on each side of each patient; involved ones are 5 HU and 15 % darker."""
    draws = np.random.default_rng(seed)
    count = 20 * patients
    region, patient = np.tile(np.arange(10), 2 * patients), np.repeat(np.arange(patients), 20)
    involved = draws.random(count) < 0.25
    features = draws.normal(0.0, 1.0, (count, len(FEATURE_NAMES)))
    for name, drop in (("difference_hu", 5.0), ("difference_upper_hu", 5.0), ("relative_difference", 5.0)):
        features[involved, FEATURE_NAMES.index(name)] -= drop
    return Instances(features, involved, region, patient, patient)


def test_patients_never_stand_on_both_sides_of_a_split() -> None:
    found = instances()
    seen: list[int] = []
    for inside, outside in split_patients(found, 5):
        assert not set(found.patient[inside]) & set(found.patient[outside])
        seen += outside.tolist()
    assert sorted(seen) == list(range(len(found.involved)))


@pytest.mark.parametrize("method", ["threshold", "logistic"])
def test_a_score_is_fitted_exported_and_read_back(method: str, tmp_path: Path) -> None:
    found = instances()
    fitted = fit_score(method, found)  # type: ignore[arg-type]
    figures = nested_figures(fitted, found)
    assert figures["auc"] > 0.98
    assert figures["specificity"] > 0.95
    write_model(fitted, "test", {"data": "drawn"}, tmp_path / "model.json")
    write_manifest(tmp_path, {method: "model.json"}, method, {})  # type: ignore[dict-item,arg-type]
    model = load_score_model(path=tmp_path / "model.json").model
    assert (model.threshold, model.measures) == (fitted.threshold, LEARNERS[method].measures)  # type: ignore[index]
    row = 3
    region = fitted.regions[found.region[row]]
    places = [FEATURE_NAMES.index(name) for name in fitted.measures]
    odds = region.base + region.pushes(found.features[row, places]).sum()
    odds = fitted.calibration.slope * odds + fitted.calibration.offset
    judged = model.judge(REGIONS[found.region[row]].abbreviation, found.features[row])
    assert judged.probability == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-6)
    assert json.loads((tmp_path / "manifest.json").read_text())["default"] == method


def test_the_threshold_keeps_healthy_regions_free() -> None:
    probabilities = np.concatenate([np.linspace(0.0, 0.7, 200), np.linspace(0.5, 1.0, 50)])
    involved = np.arange(250) >= 200
    threshold = choose_threshold(probabilities, involved)
    assert np.mean(probabilities[~involved] < threshold) >= 0.98
    assert threshold <= 0.72  # and gives away no more than that costs
    assert choose_threshold(np.array([0.1, 0.2, 0.3, 0.4]), np.array([False, False, True, True])) == 0.21
    assert choose_threshold(np.array([0.01, 0.02, 0.1, 0.4]), np.array([False, False, True, True])) == 0.2


def test_too_few_patients_are_refused() -> None:
    from deepstroke.errors import InputError

    with pytest.raises(InputError, match="3 patients are too few"):
        fit_score("threshold", instances(3))
    lonely = instances()
    lonely.involved[lonely.region == 4] = False
    with pytest.raises(InputError, match="M1 is involved in 0 of 40 patients"):
        fit_score("threshold", lonely)

"""The three ways to learn a region's log odds with scikit-learn, each exported as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deepstroke.scoring.region_models import LinearModel, RegionModel, Tree, TreesModel
from deepstroke.scoring.result import ScoreMethod

Settings = Mapping[str, Any]


class Learner(Protocol):
    """Learns one region's model."""

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures it takes."""
        ...

    @property
    def choices(self) -> tuple[Settings, ...]:
        """Settings among which cross-validation chooses."""
        ...

    def learn(self, values: NDArray[np.float64], involved: NDArray[np.bool_], settings: Settings) -> RegionModel:
        """A model from values (rows, measures) of which some rows are involved and some aren't."""
        ...


@dataclass(frozen=True)
class ThresholdLearner:
    """A limit on the relative difference in HU to the other side: the least that a method must know."""

    measures: tuple[str, ...] = ("relative_difference",)
    choices: tuple[Settings, ...] = ({},)

    def learn(self, values: NDArray[np.float64], involved: NDArray[np.bool_], settings: Settings) -> RegionModel:
        """Log odds rise with the distance below the limit; their slope says how sharp it is."""
        from sklearn.linear_model import LogisticRegression

        scale = float(values.std()) or 1.0
        fitted = LogisticRegression(C=1e3, max_iter=1000).fit(values / scale, involved)
        weight = float(fitted.coef_[0, 0]) / scale
        return LinearModel(0.0, (-float(fitted.intercept_[0]) / weight,), (weight,))


@dataclass(frozen=True)
class LogisticLearner:
    """Logistic regression on standardised measures with a penalty on the weights' squares.

    Only differences of the sides count: how dense a region is against the whole brain tells synthetic infarcts apart
    even better, but in old people both lentiform nuclei may lie low without any stroke. Nor does CSF count, of which
    old defects have most.
    """

    measures: tuple[str, ...] = (
        "difference_hu",
        "difference_upper_hu",
        "difference_lower_hu",
        "difference_sd_hu",
        "difference_dark",
    )
    choices: tuple[Settings, ...] = ({"C": 0.01}, {"C": 0.3})

    def learn(self, values: NDArray[np.float64], involved: NDArray[np.bool_], settings: Settings) -> RegionModel:
        """The usual value of a measure is its mean over the training cases."""
        from sklearn.linear_model import LogisticRegression

        mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
        fitted = LogisticRegression(C=settings["C"], max_iter=1000).fit((values - mean) / scale, involved)
        return LinearModel(float(fitted.intercept_[0]), tuple(mean.tolist()), tuple((fitted.coef_[0] / scale).tolist()))


@dataclass(frozen=True)
class BoostingLearner:
    """Gradient boosting of small trees."""

    measures: tuple[str, ...] = LogisticLearner().measures
    choices: tuple[Settings, ...] = (
        {"n_estimators": 40, "max_depth": 1},
        {"n_estimators": 30, "max_depth": 2},
    )

    def learn(self, values: NDArray[np.float64], involved: NDArray[np.bool_], settings: Settings) -> RegionModel:
        """Nodes' values are means over their training cases, so that the steps along a branch sum to its leaf's."""
        from sklearn.ensemble import GradientBoostingClassifier

        fitted = GradientBoostingClassifier(
            learning_rate=0.1, min_samples_leaf=12, subsample=0.8, random_state=0, **settings
        ).fit(values, involved)
        trees = [_plain(tree.tree_, fitted.learning_rate) for tree in fitted.estimators_[:, 0]]
        share = float(np.mean(involved))
        base = float(np.log(share / (1.0 - share))) + sum(tree.value[0] for tree in trees)
        return TreesModel(base, tuple(trees))


LEARNERS: dict[ScoreMethod, Learner] = {
    "threshold": ThresholdLearner(),
    "logistic": LogisticLearner(),
    "boosting": BoostingLearner(),
}


def _plain(tree: Any, rate: float) -> Tree:
    """A tree of scikit-learn as numbers; its inner nodes get the mean of their leaves."""
    left, right = tree.children_left.astype(int), tree.children_right.astype(int)
    value, weight = rate * tree.value[:, 0, 0], tree.weighted_n_node_samples
    for node in range(len(left) - 1, -1, -1):  # children come after their parent
        if left[node] >= 0:
            a, b = left[node], right[node]
            value[node] = (weight[a] * value[a] + weight[b] * value[b]) / (weight[a] + weight[b])
    return Tree(
        measure=tuple(np.where(left >= 0, tree.feature, -1).tolist()),
        limit=tuple(np.where(left >= 0, tree.threshold, 0.0).tolist()),
        left=tuple(left.tolist()),
        right=tuple(right.tolist()),
        value=tuple(value.tolist()),
    )

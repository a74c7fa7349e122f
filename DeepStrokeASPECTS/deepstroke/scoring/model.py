"""The trained score: ten region models, their calibration, and the probability from which on a region counts."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import WeightsError
from deepstroke.regions import BY_ABBREVIATION
from deepstroke.scoring.features import BY_NAME, FEATURES
from deepstroke.scoring.region_models import LinearModel, RegionModel, Tree, TreesModel
from deepstroke.scoring.result import SCORE_METHODS, ScoreMethod

#: Changes with the layout of the file.
MODEL_FORMAT = 1
_PLACES = {feature.name: place for place, feature in enumerate(FEATURES)}


@dataclass(frozen=True)
class Calibration:
    """Log odds become calibrated ones: slope x + offset. Source: Platt, Adv. Large Margin Classifiers (1999)."""

    slope: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Judgement:
    """What a model says of one region.

    Attributes:
        probability: 0..1, calibrated.
        pushes: log odds that each measure adds, by its name.
    """

    probability: float
    pushes: Mapping[str, float]


@dataclass(frozen=True)
class ScoreModel:
    """A trained score.

    Attributes:
        name: of the model.
        method: what its region models are.
        measures: names of the measures it takes.
        regions: a model for each region, by abbreviation.
        calibration: of each region's log odds.
        threshold: probability from which on a region counts as involved.
        training: on what it was trained and what was measured there.
    """

    name: str
    method: ScoreMethod
    measures: tuple[str, ...]
    regions: Mapping[str, RegionModel]
    calibration: Mapping[str, Calibration]
    threshold: float
    training: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, region: str, features: NDArray[np.float64]) -> Judgement:
        """The probability of a region.

        Args:
            region: its abbreviation.
            features: all features in the order of ``features.FEATURES``.
        """
        values = features[[_PLACES[name] for name in self.measures]]
        model, calibration = self.regions[region], self.calibration[region]
        pushes = calibration.slope * model.pushes(values)
        odds = calibration.slope * model.base + calibration.offset + float(pushes.sum())
        probability = 1.0 / (1.0 + math.exp(-min(max(odds, -30.0), 30.0)))
        return Judgement(probability, dict(zip(self.measures, pushes.tolist(), strict=True)))


def read_model(content: bytes, path: Path) -> ScoreModel:
    """A model from the bytes of its file.

    Raises:
        WeightsError: it isn't a model that this version can use; the message names the file and the cause.
    """
    try:
        values = json.loads(content)
        if values.get("format") != MODEL_FORMAT:
            raise ValueError(f"layout {values.get('format')}; this version reads {MODEL_FORMAT}")
        return _model(values)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise WeightsError(
            f"{path} is no score model that can be used: {type(error).__name__}: {error}; train it again with "
            "deepstroke-train fit-score",
            code="score-model",
        ) from error


def _model(values: Mapping[str, Any]) -> ScoreModel:
    measures = tuple(str(name) for name in values["measures"])
    unknown = [name for name in measures if name not in BY_NAME]
    if unknown or not measures:
        raise ValueError(f"unknown measures {', '.join(unknown) or '(none given)'}")
    if values["method"] not in SCORE_METHODS:
        raise ValueError(f"unknown method {values['method']!r}")
    if set(values["regions"]) != set(BY_ABBREVIATION):
        raise ValueError("it doesn't hold the ten regions")
    threshold = float(values["threshold"])
    if not 0.0 < threshold < 1.0:
        raise ValueError(f"a threshold lies between 0 and 1, found {threshold:g}")
    return ScoreModel(
        name=str(values["name"]),
        method=values["method"],
        measures=measures,
        regions={name: _region_model(region, len(measures)) for name, region in values["regions"].items()},
        calibration={
            name: Calibration(_finite(region["calibration"]["slope"]), _finite(region["calibration"]["offset"]))
            for name, region in values["regions"].items()
        },
        threshold=threshold,
        training=values.get("training", {}),
    )


def _region_model(values: Mapping[str, Any], measures: int) -> RegionModel:
    base = _finite(values["base"])
    if "trees" in values:
        return TreesModel(base, tuple(_tree(tree, measures) for tree in values["trees"]))
    usual, weights = (tuple(_finite(value) for value in values[name]) for name in ("usual", "weights"))
    if len(usual) != measures or len(weights) != measures:
        raise ValueError(f"{len(usual)} usual values and {len(weights)} weights for {measures} measures")
    return LinearModel(base, usual, weights)


def _tree(values: Mapping[str, Any], measures: int) -> Tree:
    measure, left, right = (tuple(int(v) for v in values[name]) for name in ("measure", "left", "right"))
    limit, value = (tuple(_finite(v) for v in values[name]) for name in ("limit", "value"))
    nodes = len(measure)
    if not nodes or {len(limit), len(left), len(right), len(value)} != {nodes}:
        raise ValueError("a tree's lists differ in length")
    for node, asked in enumerate(measure):
        # Later nodes only, so that no walk can go round in a circle.
        if asked >= measures or (asked >= 0 and not (node < left[node] < nodes and node < right[node] < nodes)):
            raise ValueError(f"node {node} of a tree leads nowhere")
    return Tree(measure, limit, left, right, value)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is no finite number")
    return number

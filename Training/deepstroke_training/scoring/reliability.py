"""The reliability of probabilities in the outer loop of a nested cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from deepstroke.evaluation import reliability_curve
from deepstroke.nifti import atomic_path
from deepstroke.scoring.result import ScoreMethod
from deepstroke_training.scoring.fitting import FittedScore
from deepstroke_training.scoring.instances import Instances


def draw_nested_reliability(fitted: Mapping[ScoreMethod, FittedScore], instances: Instances, path: Path) -> None:
    """One panel a method: observed share of involved regions against the stated probability.

    Raises:
        InputError: the disk refuses.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.8 * len(fitted), 3.9), layout="constrained", dpi=110)
    for axes, (method, one) in zip(figure.subplots(1, len(fitted), squeeze=False)[0], fitted.items(), strict=True):
        curve = reliability_curve(instances.involved, one.probabilities)
        observed = np.array([float(b.observed) for b in curve])
        spread = np.array([[b.observed - b.observed.low, b.observed.high - b.observed] for b in curve]).T
        axes.plot([0, 1], [0, 1], color="#667085", linewidth=0.8)
        axes.errorbar(
            [b.probability for b in curve], observed, np.maximum(spread, 0.0), color="#2563a8", marker="o", markersize=4
        )
        axes.set(title=method, xlabel="stated probability", ylabel="observed share", xlim=(0, 1), ylim=(0, 1))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")

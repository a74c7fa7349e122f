"""Plots of a score's evaluation: ROC curves, reliability, totals against the reference, and their differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.evaluation import bland_altman, reliability_curve
from deepstroke.nifti import atomic_path
from deepstroke_training.scoring.judging import JudgedCase

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PLOTS = ("roc.png", "reliability.png", "totals.png")
#: Colours told apart by people with any colour vision.
_COLOURS = ("#2563a8", "#d97706", "#0f766e", "#9d174d")
_MUTED = "#667085"


def draw_plots(judged: Mapping[str, Sequence[JudgedCase]], heading: str, folder: Path) -> None:
    """Write ``roc.png``, ``reliability.png`` and ``totals.png``.

    Raises:
        InputError: the disk refuses.
    """
    for name, draw in zip(PLOTS, (_draw_roc, _draw_reliability, _draw_totals), strict=True):
        _save(draw(judged, heading), folder / name)


def roc_points(probability: NDArray[np.float64], actual: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """False and true positive rates of every threshold, from none called to all."""
    thresholds = np.concatenate([[np.inf], np.unique(probability)[::-1]])
    false = np.array([np.mean(probability[~actual] >= t) for t in thresholds])
    true = np.array([np.mean(probability[actual] >= t) for t in thresholds])
    return false, true


def _draw_roc(judged: Mapping[str, Sequence[JudgedCase]], heading: str) -> Figure:
    figure, axes = _figure(5.2, 5.0, heading)
    for colour, (name, cases) in zip(_COLOURS, judged.items(), strict=False):
        probability, actual = _probabilities(cases)
        if actual.any() and not actual.all():
            axes.plot(*roc_points(probability, actual), color=colour, label=name, linewidth=1.8)
    axes.axvline(0.08, color=_MUTED, linewidth=0.8, linestyle=":")
    axes.set(xlabel="1 - specificity (regions)", ylabel="sensitivity (regions)", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower right", frameon=False)
    return figure


def _draw_reliability(judged: Mapping[str, Sequence[JudgedCase]], heading: str) -> Figure:
    figure, axes = _figure(5.2, 5.0, heading)
    axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=0.8)
    for n, (colour, (name, cases)) in enumerate(zip(_COLOURS, judged.items(), strict=False)):
        probability, actual = _probabilities(cases)
        curve = reliability_curve(actual, probability)
        x = np.array([b.probability for b in curve]) + 0.006 * (n - 1)
        y = np.array([float(b.observed) for b in curve])
        spread = np.array([[b.observed - b.observed.low, b.observed.high - b.observed] for b in curve]).T
        axes.errorbar(x, y, np.maximum(spread, 0.0), color=colour, marker="o", markersize=4, linewidth=1.2, label=name)
    axes.set(xlabel="stated probability", ylabel="observed share", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.legend(loc="upper left", frameon=False)
    return figure


def _draw_totals(judged: Mapping[str, Sequence[JudgedCase]], heading: str) -> Figure:
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(4.2 * max(len(judged), 1), 7.6), layout="constrained", dpi=110)
    figure.suptitle(heading, fontsize=10)
    axes = figure.subplots(2, len(judged), squeeze=False)
    for column, (name, cases) in enumerate(judged.items()):
        pairs = np.array([(case.reference, case.score) for case in cases if case.score is not None])
        _draw_scatter(axes[0, column], pairs, name)
        _draw_differences(axes[1, column], pairs)
    return figure


def _draw_scatter(axes: Axes, pairs: NDArray, name: str) -> None:
    if len(pairs):
        places, counts = np.unique(pairs, axis=0, return_counts=True)
        axes.scatter(places[:, 0], places[:, 1], s=14 * counts**0.7 + 8, color=_COLOURS[0], alpha=0.7, linewidth=0)
    axes.plot([0, 10], [0, 10], color=_MUTED, linewidth=0.8)
    axes.set(title=name, xlabel="reference total", ylabel="score", xlim=(-0.5, 10.5), ylim=(-0.5, 10.5))
    axes.set_aspect("equal")


def _draw_differences(axes: Axes, pairs: NDArray) -> None:
    axes.set(xlabel="mean of both totals", ylabel="score - reference", xlim=(-0.5, 10.5))
    if not len(pairs):
        return
    mean, difference = pairs.mean(axis=1), pairs[:, 1] - pairs[:, 0]
    places, counts = np.unique(np.column_stack([mean, difference]), axis=0, return_counts=True)
    axes.scatter(places[:, 0], places[:, 1], s=14 * counts**0.7 + 8, color=_COLOURS[0], alpha=0.7, linewidth=0)
    try:
        limits = bland_altman(pairs[:, 1], pairs[:, 0])
    except InputError:
        return
    for value, style in ((limits.bias, "-"), (limits.lower, "--"), (limits.upper, "--")):
        axes.axhline(value, color=_COLOURS[1], linestyle=style, linewidth=1.0)


def _probabilities(cases: Sequence[JudgedCase]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    regions = [r for case in cases for r in case.regions if r.probability is not None]
    return np.array([r.probability for r in regions]), np.array([r.reference for r in regions], dtype=bool)


def _figure(width: float, height: float, heading: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(width, height), layout="constrained", dpi=110)
    axes = figure.subplots()
    axes.set_title(heading, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")

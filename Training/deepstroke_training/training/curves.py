"""Pictures of a run: loss and learning rate over the steps, Dice of every region over the validations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS
from deepstroke_training.training.run_folder import CURVES, DICE, STEPS, VALIDATIONS, read_table

_SMOOTHED = 25


def draw_curves(run: Path) -> None:
    """Draw ``curves.png`` and ``dice.png`` from the run's tables; what has no rows yet isn't drawn."""
    steps, validations = read_table(run / STEPS), read_table(run / VALIDATIONS)
    if steps:
        _draw_losses(steps, validations, run / CURVES)
    if validations:
        _draw_dice(validations, run / DICE)


def _draw_losses(steps: Sequence[dict[str, float]], validations: Sequence[dict[str, float]], path: Path) -> None:
    figure = _figure(9.0, 6.0)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    x, loss = _column(steps, "step"), _column(steps, "loss")
    upper.plot(x, loss, color="#9bbbd9", linewidth=0.8, label="training")
    if len(x) > 2 * _SMOOTHED:
        upper.plot(x, _smoothed(loss), color="#1f5f99", linewidth=1.6, label=f"training, mean of {_SMOOTHED}")
    if validations:
        marker = "o" if len(validations) < 30 else None
        label = "validation"
        upper.plot(
            _column(validations, "step"), _column(validations, "val/loss"), color="#d1495b", marker=marker, label=label
        )
    upper.set_ylabel("loss")
    upper.legend(frameon=False)
    lower.plot(x, _column(steps, "lr"), color="#555555")
    lower.set_ylabel("learning rate")
    lower.set_xlabel("optimizer step")
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
    _save(figure, path)


def _draw_dice(validations: Sequence[dict[str, float]], path: Path) -> None:
    figure = _figure(11.0, 5.0)
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    x = _column(validations, "step")
    for region in REGIONS:
        colour = np.array(region.colour) / 255 * 0.9
        values = _column(validations, f"val/dice_{region.abbreviation}")
        left.plot(x, values, color=colour, linewidth=1.2, label=region.abbreviation)
    mean = _column(validations, "val/dice_mean")
    left.plot(x, mean, color="black", linewidth=2.2, label="mean")
    left.set_xlabel("optimizer step")
    left.set_ylabel("Dice")
    left.legend(frameon=False, ncols=2, fontsize=8)
    best = int(np.nanargmax(mean)) if np.isfinite(mean).any() else len(validations) - 1
    _draw_bars(right, validations[best], int(x[best]))
    for axes in (left, right):
        axes.set_ylim(0, 1)
        axes.grid(alpha=0.25, axis="y")
    _save(figure, path)


def _draw_bars(axes: Any, row: dict[str, float], step: int) -> None:
    """Dice of the best validation, region by region."""
    names = [region.abbreviation for region in REGIONS]
    values = [row.get(f"val/dice_{name}", 0.0) for name in names]
    axes.bar(names, values, color=[tuple(value / 255 for value in region.colour) for region in REGIONS])
    for index, value in enumerate(values):
        axes.text(index, value + 0.01, f"{value:.2f}", ha="center", fontsize=7)
    axes.set_title(f"best mean {row.get('val/dice_mean', float('nan')):.3f}, step {step}", fontsize=10)


def _column(rows: Sequence[dict[str, float]], name: str) -> np.ndarray:
    return np.array([row.get(name, np.nan) for row in rows])


def _smoothed(values: np.ndarray) -> np.ndarray:
    kernel = np.ones(_SMOOTHED)
    finite = np.isfinite(values)
    count = np.convolve(finite, kernel, "same")
    return np.convolve(np.where(finite, values, 0.0), kernel, "same") / np.maximum(count, 1)


def _figure(width: float, height: float) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Any, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")

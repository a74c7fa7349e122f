"""Plots of an evaluation: distributions per region, agreement of volumes, and every case at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.evaluation import bland_altman
from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS
from deepstroke_training.evaluation.record_table import Measure, RecordTable
from deepstroke_training.evaluation.records import RecordSide

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DICE_PLOT, DISTANCE_PLOT, VOLUME_PLOT, CASE_PLOT = PLOTS = ("dice.png", "hd95.png", "volumes.png", "cases.png")
_INK, _MUTED, _GRID = "#1f2430", "#667085", "#e4e7ec"
#: Colours of the sides, told apart by people with any colour vision; the first also stands for both.
COLOURS: dict[RecordSide, str] = {"both": "#2563a8", "left": "#2563a8", "right": "#d97706"}
#: A strip shows at most so many cases, spread evenly.
_STRIP = 400
#: Distances beyond this call for a logarithmic axis.
_FAR_MM = 25.0
#: A heat map names its rows up to so many.
_NAMED_ROWS = 50


def draw_plots(records: RecordTable, folder: Path) -> None:
    """Write ``dice.png``, ``hd95.png``, ``volumes.png`` and ``cases.png``.

    Raises:
        InputError: the disk refuses.
    """
    draw_distributions(records, "dice", "Dice", folder / DICE_PLOT)
    draw_distributions(records, "hausdorff95_mm", "HD95 [mm]", folder / DISTANCE_PLOT)
    draw_volumes(records, folder / VOLUME_PLOT)
    draw_cases(records, folder / CASE_PLOT)


def draw_distributions(records: RecordTable, measure: Measure, name: str, path: Path) -> None:
    """A box with its cases for each region, and for each side where there are two.

    Args:
        records: of all cases.
        measure: what is drawn.
        name: of the axis, with its unit.
        path: the PNG to write.

    Raises:
        InputError: the disk refuses.
    """
    figure = new_figure(9.0, 4.2)
    axes = figure.subplots()
    sides: tuple[RecordSide, ...] = ("left", "right") if records.sided else ("both",)
    for n, side in enumerate(sides):
        _draw_boxes(axes, records, measure, side, shift=(n - (len(sides) - 1) / 2) * 0.38, width=0.62 / len(sides))
    axes.set_xticks(range(len(REGIONS)), [_with_missing(records, region.abbreviation) for region in REGIONS])
    axes.set_ylabel(name)
    if measure == "dice":
        axes.set_ylim(max(_least(records.values[measure]) - 0.05, -0.02), 1.0)
    else:
        _scale_distances(axes, records.values[measure])
    finish(axes, f"{name.split(' ')[0]} of {len(records.cases)} cases: median, quartiles, 5th to 95th percentile")
    if records.sided:
        axes.legend(handles=_side_handles(sides), frameon=False, ncols=2, loc="upper right", bbox_to_anchor=(1, 1.1))
    save(figure, path)


def draw_volumes(records: RecordTable, path: Path) -> None:
    """Predicted against true volumes after Bland and Altman, a panel for each region.

    Raises:
        InputError: the disk refuses.
    """
    figure = new_figure(12.0, 5.4)
    panels = figure.subplots(2, 5)
    for axes, region in zip(panels.flat, REGIONS, strict=True):
        for n, (name, side) in enumerate(records.regions):
            if name == region.abbreviation:
                _draw_agreement(axes, records, n, COLOURS[side])
        _draw_limits(axes, *_volumes(records, region.abbreviation))
        finish(axes, region.abbreviation)
    panels[1, 2].set_xlabel("mean of predicted and true volume [ml]")
    figure.supylabel("predicted - true [ml]", fontsize=9, color=_INK)
    figure.suptitle(
        "Volumes: bias (line) and 95 % limits of agreement (dashed)", fontsize=10, color=_INK, x=0.01, ha="left"
    )
    save(figure, path)


def draw_cases(records: RecordTable, path: Path) -> None:
    """Dice of every case and region as a heat map, the worst cases first.

    Raises:
        InputError: the disk refuses.
    """
    order = np.argsort(np.nan_to_num(records.case_dice(), nan=-1.0), kind="stable")
    values = records.values["dice"][order]
    rows, columns = values.shape
    figure = new_figure(0.42 * columns + 4.2, min(max(0.18 * rows + 1.6, 3.0), 11.0))
    axes = figure.subplots()
    image = axes.imshow(
        np.ma.masked_invalid(values), aspect="auto", cmap="viridis", vmin=min(_least(values), 0.9), vmax=1.0,
        interpolation="nearest",
    )  # fmt: skip
    axes.set_facecolor("#d0d5dd")
    names = [name if side == "both" else f"{name} {side[0].upper()}" for name, side in records.regions]
    axes.set_xticks(range(columns), names, rotation=0 if not records.sided else 90)
    if rows <= _NAMED_ROWS:
        axes.set_yticks(range(rows), [str(records.cases[n]) for n in order], fontsize=6)
    else:
        axes.set_yticks([0, rows - 1], ["worst", "best"])
    figure.colorbar(image, ax=axes, label="Dice (grey: in neither)", shrink=0.8)
    finish(axes, f"{rows} cases by mean Dice")
    axes.grid(visible=False)
    save(figure, path)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure in inches, without pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=130, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def finish(axes: Axes, title: str) -> None:
    """The look that all plots share."""
    axes.set_title(title, fontsize=10, color=_INK, loc="left")
    axes.tick_params(colors=_MUTED, labelsize=8, length=0)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.label.set(color=_INK, size=9)
    axes.yaxis.label.set(color=_INK, size=9)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(_GRID)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG, the same bytes for the same figure."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _draw_boxes(
    axes: Axes, records: RecordTable, measure: Measure, side: RecordSide, shift: float, width: float
) -> None:
    stream = np.random.default_rng(0)
    for place, values in enumerate(_of_side(records, measure, side)):
        if not values.size:
            continue
        strip = values[np.linspace(0, values.size - 1, min(values.size, _STRIP)).astype(int)]
        x = place + shift + stream.uniform(-0.3, 0.3, strip.size) * width
        axes.plot(x, strip, ".", color=COLOURS[side], alpha=0.5, markersize=4.5, markeredgewidth=0, zorder=2)
        axes.boxplot(
            values, positions=[place + shift], widths=width, whis=(5, 95), showfliers=False, manage_ticks=False,
            boxprops={"color": COLOURS[side]}, medianprops={"color": _INK, "linewidth": 1.6},
            whiskerprops={"color": COLOURS[side]}, capprops={"color": COLOURS[side]}, zorder=3,
        )  # fmt: skip


def _of_side(records: RecordTable, measure: Measure, side: RecordSide) -> Iterator[NDArray[np.float64]]:
    """What is defined of each region on a side."""
    for region in REGIONS:
        column = records.values[measure][:, records.regions.index((region.abbreviation, side))]
        yield column[np.isfinite(column)]


def _with_missing(records: RecordTable, region: str) -> str:
    """A region's name, and how many predictions lack it."""
    columns = [n for n, (name, _) in enumerate(records.regions) if name == region]
    count = int(records.flags["missing"][:, columns].sum())
    return f"{region}\n{count} missing" if count else region


def _scale_distances(axes: Axes, values: NDArray[np.float64]) -> None:
    """From 0; logarithmic above 1 mm where single cases would press all others to the ground."""
    largest = float(np.nanmax(values, initial=1.0))
    if largest > _FAR_MM:
        ticks = [tick for tick in (0, 1, 2, 5, 10, 20, 50, 100, 200) if tick < 2 * largest]
        axes.set_yscale("symlog", linthresh=1.0)
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
    axes.set_ylim(-0.02 * min(largest, 5.0), 1.15 * largest)


def _side_handles(sides: Sequence[RecordSide]) -> list:
    from matplotlib.patches import Patch

    return [Patch(facecolor="white", edgecolor=COLOURS[side], label=side) for side in sides]


def _volumes(records: RecordTable, region: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predicted and true volumes of a region wherever either has it, sides together."""
    columns = [n for n, (name, _) in enumerate(records.regions) if name == region]
    predicted, true = (records.values[measure][:, columns].ravel() for measure in ("volume_ml", "reference_ml"))
    there = (predicted > 0) | (true > 0)
    return predicted[there], true[there]


def _draw_agreement(axes: Axes, records: RecordTable, column: int, colour: str) -> None:
    predicted, true = records.values["volume_ml"][:, column], records.values["reference_ml"][:, column]
    there = (predicted > 0) | (true > 0)
    axes.plot(
        (predicted + true)[there] / 2, (predicted - true)[there], ".", color=colour, alpha=0.5, markersize=4,
        markeredgewidth=0,
    )  # fmt: skip


def _draw_limits(axes: Axes, predicted: NDArray[np.float64], true: NDArray[np.float64]) -> None:
    axes.axhline(0, color=_MUTED, linewidth=0.7)
    if predicted.size < 2:
        return
    found = bland_altman(predicted, true)
    for value, style in ((found.bias, "-"), (found.lower, "--"), (found.upper, "--")):
        axes.axhline(value, color=_INK, linewidth=1.0, linestyle=style)
        axes.annotate(
            _short(value),
            (1, value),
            xycoords=("axes fraction", "data"),
            fontsize=7,
            color=_INK,
            va="bottom",
            ha="right",
        )


def _short(value: float) -> str:
    digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    return f"{value:+.{digits}f}"


def _least(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.min()) if known.size else 0.0

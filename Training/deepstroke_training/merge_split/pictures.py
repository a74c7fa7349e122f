"""Pictures of a merge plan: its graph, and which labels are adjacent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.labels import MergePlan
from deepstroke_training.evaluation.plots import new_figure, save
from deepstroke_training.merge_split.label_names import named

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _MUTED, _EDGE = "#1f2430", "#667085", "#8a94a6"
#: The paper's colours of adjacent and other pairs.
_MATRIX = ("#2b4a8b", "#f2c53d")
#: Sizes of letters for up to so many labels.
_LETTERS = ((24, 8.0), (60, 5.5), (130, 4.0))


def draw_plan(plan: MergePlan, names: Mapping[int, str], path: Path) -> None:
    """Write a PNG: labels on a circle in their groups, lines between adjacent ones, beside the adjacency matrix.

    Labels of one group are neighbours on the circle and share a colour; no line joins two of them.

    Args:
        plan: to be shown.
        names: of labels.
        path: the PNG.

    Raises:
        InputError: the disk refuses.
    """
    figure = new_figure(15.0, 7.4)
    circle, matrix = figure.subplots(1, 2)
    order = np.array([plan.labels.index(label) for group in plan.groups[1:] for label in group], int)
    group_of = np.repeat(np.arange(len(plan.groups) - 1), [len(group) for group in plan.groups[1:]])
    texts = named([plan.labels[place] for place in order], names)
    adjacent = plan.adjacent[np.ix_(order, order)]
    _draw_circle(circle, adjacent, _colours(len(plan.groups) - 1)[group_of], texts)
    _draw_matrix(matrix, adjacent, group_of, texts)
    figure.suptitle(_title(plan), fontsize=11, color=_INK, x=0.01, ha="left")
    save(figure, path)


def _title(plan: MergePlan) -> str:
    return (
        f"{plan.n_labels} labels become {plan.n_merged} (background included): apart by more than "
        f"{plan.delta_distance_mm:g} mm and volumes within a factor of {plan.delta_volume:g}"
    )


def _colours(groups: int) -> NDArray:
    from matplotlib import colormaps

    if groups <= 20:
        return colormaps["tab20"](np.arange(groups))
    return colormaps["hsv"]((np.arange(groups) * 0.618034) % 1.0)


def _draw_circle(axes: Axes, adjacent: NDArray[np.bool_], colours: NDArray, texts: list[str]) -> None:
    from matplotlib.collections import LineCollection

    angle = np.pi / 2 - 2 * np.pi * np.arange(len(texts)) / max(len(texts), 1)
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    pairs = np.argwhere(np.triu(adjacent))
    alpha = float(np.clip(60 / max(len(pairs), 1), 0.06, 0.6))
    axes.add_collection(LineCollection(list(places[pairs]), colors=_EDGE, linewidths=0.7, alpha=alpha, zorder=1))
    size = 900 / max(len(texts), 20) + 10
    axes.scatter(places[:, 0], places[:, 1], size, colours, zorder=2, edgecolors="white", linewidths=0.5)
    for (x, y), text, turn in zip(places, texts, np.degrees(angle), strict=True):
        left = x < -1e-9
        axes.text(
            1.05 * x,
            1.05 * y,
            text,
            rotation=turn + 180 if left else turn,
            rotation_mode="anchor",
            ha="right" if left else "left",
            va="center",
            fontsize=_letter_size(len(texts)),
            color=_INK,
        )
    axes.set(xlim=(-1.45, 1.45), ylim=(-1.4, 1.4), aspect="equal")
    axes.axis("off")
    axes.set_title("a colour is a merged label; a line joins labels that must stay apart", fontsize=9, color=_MUTED)


def _draw_matrix(axes: Axes, adjacent: NDArray[np.bool_], group_of: NDArray, texts: list[str]) -> None:
    from matplotlib.colors import ListedColormap

    axes.imshow(adjacent, cmap=ListedColormap(_MATRIX), vmin=0, vmax=1, interpolation="nearest")
    for edge in np.flatnonzero(np.diff(group_of)) + 0.5:
        axes.axhline(edge, color="white", linewidth=0.6)
        axes.axvline(edge, color="white", linewidth=0.6)
    if len(texts) <= _LETTERS[-1][0]:
        axes.set_xticks(range(len(texts)), texts, rotation=90, fontsize=_letter_size(len(texts)))
        axes.set_yticks(range(len(texts)), texts, fontsize=_letter_size(len(texts)))
    axes.tick_params(length=0, colors=_INK)
    axes.set_title("yellow: adjacent; blue: may be merged; white lines part the groups", fontsize=9, color=_MUTED)


def _letter_size(labels: int) -> float:
    return next((size for most, size in _LETTERS if labels <= most), 2.5)

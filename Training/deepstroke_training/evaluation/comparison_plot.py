"""The plot of a comparison: differences with their intervals, a panel for each measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepstroke_training.evaluation.plots import finish, new_figure, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BETTER, _WORSE, _OPEN = "#2563a8", "#b42318", "#98a2b3"
#: Panels from left to right: measure, title, whether more is better.
_PANELS = (
    ("dice", "Dice", True),
    ("hausdorff95_mm", "HD95 [mm]", False),
    ("absolute_volume_error_ml", "|volume error| [ml]", False),
)


def draw_comparison(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw B - A of each region with its 95 % interval; blue where B is better for sure, red where it is worse.

    Args:
        rows: as ``ComparedRegion.as_dict`` gives them.
        path: the PNG to write.

    Raises:
        InputError: the disk refuses.
    """
    figure = new_figure(11.0, 4.4)
    panels = figure.subplots(1, len(_PANELS))
    for axes, (measure, name, more) in zip(panels, _PANELS, strict=True):
        _draw_panel(axes, [row for row in rows if row["measure"] == measure], more)
        finish(axes, f"{name}: B - A, 95 % interval")
    save(figure, path)


def _draw_panel(axes: Axes, rows: Sequence[Mapping[str, Any]], more_is_better: bool) -> None:
    axes.axvline(0, color="#1f2430", linewidth=0.8)
    for place, row in enumerate(rows):
        colour = _OPEN
        if row["low"] > 0 or row["high"] < 0:
            colour = _BETTER if (row["low"] > 0) == more_is_better else _WORSE
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2.2, solid_capstyle="round")
        axes.plot([row["difference"]], [place], "o", color=colour, markersize=5.5)
    axes.set_yticks(range(len(rows)), [row["region"] for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)

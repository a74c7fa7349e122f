"""Pictures of a result: the two ASPECTS levels, and an overview of every slice."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS, Region
from deepstroke.report.axial import AxialSlices, axial_slices, choose_levels
from deepstroke.report.outlines import Outline, trace_outlines
from deepstroke.report.pictures import spread_slices
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RESEARCH_USE = "Research use only. Not a medical device."
CONVENTION = "Radiological convention: the patient's left (L) is on the right of the image."

_PAPER, _INK, _MUTED, _AMBER = "#0c0f13", "#f2f4f7", "#98a2b3", "#f5b942"
_DPI = 150
_SCALE_BAR_MM = 50.0
#: Metadata of the PNG is left out, so that the same result gives the same bytes.
_NO_METADATA: dict[str, Any] = {"Software": None}


@dataclass(frozen=True)
class Caption:
    """What a picture says about its making.

    Attributes:
        method: the route that made the labels, in words.
        atlas: name and version of the atlas; None where none was used.
    """

    method: str
    atlas: str | None = None

    def __str__(self) -> str:
        return self.method if self.atlas is None else f"{self.method} · atlas {self.atlas}"


def draw_figure(volume: Volume, labels: LabelMap, path: str | os.PathLike[str], caption: Caption) -> None:
    """Draw the ganglionic and the supraganglionic level, plain and with the regions' outlines, as a PNG.

    Window level 40, width 40 HU; the patient's left is on the right of the image and marked L.

    Args:
        volume: HU on a grid in RAS+ mm.
        labels: sided labels 0..20 on the same grid.
        path: the PNG to write.
        caption: method and atlas for the title.

    Raises:
        GeometryError: the two lie on different grids.
        InputError: no voxel is labelled, or the file can't be written.

    Example:
        >>> draw_figure(ct, labels, "figure.png", Caption("Atlas registration", "mni152-ct 1.0"))  # doctest: +SKIP
    """
    slices = axial_slices(volume, labels)
    levels = choose_levels(slices)
    width = 4.6
    height = width * slices.height_mm / slices.width_mm
    page = _Page(2 * width + 3.1, 2 * (height + 0.42) + 1.45)
    rows = (("Ganglionic level", levels.ganglionic), ("Supraganglionic level", levels.supraganglionic))
    for row, (name, k) in enumerate(rows):
        top = 1.4 + row * (height + 0.42)
        page.text(0.2, top - 0.2, name, 10.5, color=_INK, fontweight="bold")
        if k is None:
            page.text(0.2, top + 0.2, "This level isn't in the scan.", 9.5)
            continue
        page.text(2.35, top - 0.2, f"grid slice {k + 1} of {len(slices)}, counted from the base", 9)
        _draw_slice(page.axes(0.2, top, width, height), slices, k, [])
        _draw_slice(page.axes(0.28 + width, top, width, height), slices, k, list(trace_outlines(slices, k)))
    _draw_title(page, caption)
    _draw_legend(page, 2 * width + 0.5, 1.5)
    page.text(0.2, page.height - 0.3, CONVENTION, 9)
    page.save(path)


def draw_overview(
    volume: Volume, labels: LabelMap, path: str | os.PathLike[str], caption: Caption, most: int = 40
) -> None:
    """Draw every slice that holds a label, small, with outlines, from the base up, as a PNG for a quick check.

    Args:
        volume, labels, path, caption: as of ``draw_figure``.
        most: of thin slices, this many evenly spaced ones are drawn.

    Raises:
        GeometryError: the two lie on different grids.
        InputError: no voxel is labelled, or the file can't be written.
    """
    slices = axial_slices(volume, labels)
    chosen = spread_slices(np.flatnonzero(slices.labels.any(axis=(1, 2))), most)
    columns = min(7, len(chosen))
    rows = -(-len(chosen) // columns)
    width = 2.0
    height = width * slices.height_mm / slices.width_mm
    page = _Page(max(columns * width, 6.0) + 0.4, rows * height + 1.35)
    for n, k in enumerate(chosen):
        axes = page.axes(0.2 + n % columns * width, 0.95 + n // columns * height, width - 0.04, height - 0.04)
        _draw_slice(axes, slices, k, list(trace_outlines(slices, k)), small=True)
        axes.text(0.04, 0.97, str(k + 1), transform=axes.transAxes, color=_INK, fontsize=7, va="top")
    _draw_title(page, caption)
    page.text(0.2, page.height - 0.25, CONVENTION, 8)
    page.save(path)


class _Page:
    """A Matplotlib figure laid out in inches from its upper left corner, without pyplot's global state."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure: Figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=_PAPER)
        FigureCanvasAgg(self.figure)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        box = (left / self.width, 1 - (top + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.set_axis_off()
        return axes

    def text(self, left: float, top: float, text: str, size: float, **style: Any) -> None:
        style = {"color": _MUTED, "va": "center", "ha": "left", **style}
        self.figure.text(
            left / self.width, 1 - top / self.height, text, fontsize=size, fontfamily="DejaVu Sans", **style
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        with atomic_path(path) as temporary:
            self.figure.savefig(temporary, format="png", facecolor=_PAPER, metadata=_NO_METADATA)


def _draw_slice(axes: Axes, slices: AxialSlices, k: int, outlines: list[Outline], small: bool = False) -> None:
    width, height = slices.width_mm, slices.height_mm
    axes.imshow(slices.grey(k), cmap="gray", vmin=0, vmax=255, interpolation="bilinear", extent=(0, width, height, 0))
    for outline in outlines:
        _draw_outline(axes, outline, line_width=2.0 if small else 3.0)
    if not small:
        for outline in outlines:
            _write_over(axes, *outline.centre_mm, outline.region.abbreviation, 6.5)
        _draw_scale_bar(axes, width, height)
    for x, letter in ((0.025, "R"), (0.975, "L")):
        _write_over(axes, x * width, 0.5 * height, letter, 7 if small else 12)


def _draw_outline(axes: Axes, outline: Outline, line_width: float) -> None:
    """A line inside the region's border: a clipped line of double width, so that neighbours don't hide each other."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    path = Path(outline.points_mm, outline.codes)
    patch = PathPatch(path, fill=False, edgecolor=_hex(outline.region), linewidth=line_width, joinstyle="round")
    axes.add_artist(patch)
    patch.set_clip_path(path, axes.transData)


def _write_over(axes: Axes, x: float, y: float, text: str, size: float) -> None:
    from matplotlib.patheffects import withStroke

    axes.text(
        x, y, text, color=_INK, fontsize=size, fontfamily="DejaVu Sans", fontweight="bold", ha="center", va="center",
        path_effects=[withStroke(linewidth=2.0, foreground=_PAPER)],
    )  # fmt: skip


def _draw_scale_bar(axes: Axes, width: float, height: float) -> None:
    left, y = 0.97 * width - _SCALE_BAR_MM, 0.96 * height
    axes.plot([left, left + _SCALE_BAR_MM], [y, y], color=_INK, linewidth=2.0, solid_capstyle="butt")
    _write_over(axes, left + _SCALE_BAR_MM / 2, y - 0.025 * height, f"{_SCALE_BAR_MM:.0f} mm", 7)


def _draw_title(page: _Page, caption: Caption) -> None:
    page.text(0.2, 0.32, "ASPECTS regions", 17, color=_INK, fontweight="bold")
    page.text(0.2, 0.68, f"{caption} · window 40, width 40 HU", 9.5)
    page.text(page.width - 0.2, 0.32, RESEARCH_USE, 9.5, color=_AMBER, ha="right", fontweight="bold")


def _draw_legend(page: _Page, left: float, top: float) -> None:
    for title, regions in (
        ("Ganglionic level", [r for r in REGIONS if r.level != "supraganglionic"]),
        ("Supraganglionic level", [r for r in REGIONS if r.level != "ganglionic"]),
    ):
        page.text(left, top, title, 9, color=_INK, fontweight="bold")
        for region in regions:
            top += 0.3
            page.text(left, top, "■", 14, color=_hex(region))
            page.text(left + 0.25, top, region.abbreviation, 9, color=_INK, fontweight="bold")
            page.text(left + 0.62, top, region.name.split(", ")[-1], 8.5)
        top += 0.55


def _hex(region: Region) -> str:
    return "#{:02x}{:02x}{:02x}".format(*region.colour)

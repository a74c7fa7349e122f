"""Pictures of a case: what is true, what was predicted, and where they part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deepstroke.nifti import atomic_path
from deepstroke.regions import REGIONS
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAPER, _INK, _MUTED = "#0c0f13", "#f2f4f7", "#98a2b3"
#: Voxels that are missed, added, or given to another region or side, and what the legend calls them.
_MISSED, _ADDED, _OTHER, _SIDE = (86, 180, 233), (230, 80, 60), (240, 190, 60), (200, 90, 220)
_LEGEND = ((_MISSED, "missed"), (_ADDED, "added"), (_OTHER, "another region"), (_SIDE, "another side"))
#: Slices that are shown lie at least so far apart.
_APART_MM = 12.0
_MARGIN_MM = 15.0


@dataclass(frozen=True, eq=False)
class _Slices:
    """Axial slices as radiologists look at them: (slices, rows, columns), the patient's left on the right."""

    grey: NDArray[np.float32]
    prediction: NDArray
    truth: NDArray
    pixel_mm: tuple[float, float]
    slice_mm: float


def draw_overlay(
    prediction: LabelMap, truth: LabelMap, image: Volume | None, caption: Sequence[str], path: Path, most: int = 3
) -> None:
    """Draw the slices with most wrong voxels: true outlines, predicted outlines, and what is wrong.

    Args:
        prediction, truth: sided or unsided labels on one grid.
        image: the scan on that grid in any unit; a plain ground without it.
        caption: up to two lines.
        path: the PNG to write.
        most: slices.

    Raises:
        GeometryError: the grids differ.
        InputError: the disk refuses.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    slices = _slices(prediction, truth, image)
    chosen = _choose(slices, most)
    height = 3.0 * slices.truth.shape[1] * slices.pixel_mm[0] / (slices.truth.shape[2] * slices.pixel_mm[1])
    figure = Figure(figsize=(9.2, len(chosen) * (height + 0.12) + 1.05), dpi=110, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(chosen), 3, squeeze=False)
    top = 1 - 0.78 / figure.get_figheight()
    figure.subplots_adjust(
        left=0.01, right=0.99, bottom=0.28 / figure.get_figheight(), top=top, wspace=0.02, hspace=0.03
    )
    for row, k in zip(panels, chosen, strict=True):
        _draw_row(row, slices, k)
    for axes, name in zip(panels[0], ("truth", "prediction", "where they part"), strict=True):
        axes.set_title(name, color=_INK, fontsize=9, pad=3)
    _write(figure, caption)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", facecolor=_PAPER, metadata={"Software": None})


def _write(figure: Figure, caption: Sequence[str]) -> None:
    inch = 1 / figure.get_figheight()
    for n, (line, tone) in enumerate(zip(caption, (_INK, _MUTED), strict=False)):
        figure.text(0.012, 1 - (0.16 + 0.2 * n) * inch, line, color=tone, fontsize=9, va="center")
    for n, (rgb, name) in enumerate(_LEGEND):
        place, colour = (0.5 + 0.125 * n, 0.13 * inch), tuple(channel / 255 for channel in rgb)
        figure.text(*place, f"■ {name}", color=colour, fontsize=8, va="center")
    figure.text(0.012, 0.13 * inch, "the patient's left is on the right", color=_MUTED, fontsize=8, va="center")


def _slices(prediction: LabelMap, truth: LabelMap, image: Volume | None) -> _Slices:
    truth.require_same_grid(prediction, "the prediction")
    if image is None:
        image = truth.with_data(np.zeros(truth.shape, np.float32))
    truth.require_same_grid(image, "the image")
    grids = [volume.reoriented_to_ras() for volume in (image, prediction, truth)]
    width_mm, height_mm, slice_mm = grids[2].spacing_mm
    labelled = (grids[1].data > 0) | (grids[2].data > 0)
    box = (*(_extent(labelled, axis, mm) for axis, mm in ((0, width_mm), (1, height_mm))), slice(None))
    grey, predicted, true = (_radiological(grid.data[box]) for grid in grids)
    return _Slices(_scaled(grey, true), predicted, true, (height_mm, width_mm), slice_mm)


def _extent(labelled: NDArray[np.bool_], axis: int, voxel_mm: float) -> slice:
    where = np.flatnonzero(labelled.any(axis=tuple(other for other in range(3) if other != axis)))
    if not where.size:
        return slice(None)
    margin = int(np.ceil(_MARGIN_MM / voxel_mm))
    return slice(max(int(where[0]) - margin, 0), int(where[-1]) + margin + 1)


def _radiological(data: NDArray) -> NDArray:
    return np.ascontiguousarray(data[::-1, ::-1].transpose(2, 1, 0))


def _scaled(grey: NDArray, truth: NDArray) -> NDArray[np.float32]:
    """The image as 0..1, by what the regions hold."""
    inside = grey[truth > 0]
    low, high = np.percentile(inside if inside.size else grey, (1, 99))
    spread = max(float(high - low), 1e-6)
    return np.clip((grey.astype(np.float32) - low + 0.3 * spread) / (1.6 * spread), 0, 1).astype(np.float32)


def _choose(slices: _Slices, most: int) -> list[int]:
    """The slices with most wrong voxels, apart from each other, from the head down; all but one hold true regions."""
    true = (slices.truth > 0).sum(axis=(1, 2))
    # Where nothing is wrong the slice with the largest regions is shown.
    wrong = (slices.prediction != slices.truth).sum(axis=(1, 2)) + 1e-6 * true
    chosen: list[int] = []
    for place in range(most):
        among = wrong * (true > 0) if place < most - 1 and true.any() else wrong
        far = [k for k in np.flatnonzero(among > 0) if all(abs(k - n) * slices.slice_mm >= _APART_MM for n in chosen)]
        if far:
            chosen.append(int(max(far, key=lambda k: among[k])))
    return sorted(chosen, reverse=True)


def _draw_row(row: Sequence[Axes], slices: _Slices, k: int) -> None:
    extent = (0.0, slices.truth.shape[2] * slices.pixel_mm[1], slices.truth.shape[1] * slices.pixel_mm[0], 0.0)
    for axes in row:
        axes.imshow(slices.grey[k], cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="bilinear")
        axes.set_axis_off()
    for axes, labels in zip(row[:2], (slices.truth[k], slices.prediction[k]), strict=True):
        for colour, mask in _regions(labels):
            x = (np.arange(mask.shape[1]) + 0.5) * slices.pixel_mm[1]
            y = (np.arange(mask.shape[0]) + 0.5) * slices.pixel_mm[0]
            axes.contour(x, y, mask.astype(float), [0.5], colors=[colour], linewidths=1.1)
    row[2].imshow(_errors(slices.prediction[k], slices.truth[k]), extent=extent, interpolation="nearest")


def _regions(labels: NDArray) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for region in REGIONS:
        for label in (region.number, region.number + len(REGIONS)):
            mask = labels == label
            if mask.any():
                yield "#{:02x}{:02x}{:02x}".format(*region.colour), mask


def _errors(prediction: NDArray, truth: NDArray) -> NDArray[np.uint8]:
    """RGBA of the wrong voxels."""
    picture = np.zeros((*truth.shape, 4), np.uint8)
    wrong = prediction != truth
    picture[wrong & (prediction == 0)] = (*_MISSED, 210)
    picture[wrong & (truth == 0)] = (*_ADDED, 210)
    labelled = (prediction > 0) & (truth > 0)
    picture[wrong & labelled] = (*_OTHER, 210)
    picture[labelled & ((prediction > len(REGIONS)) != (truth > len(REGIONS)))] = (*_SIDE, 210)
    return picture

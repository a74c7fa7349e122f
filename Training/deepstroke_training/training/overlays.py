"""Pictures of validation cases with true and found regions, every few epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning
import numpy as np
from numpy.typing import NDArray

from deepstroke.nifti import atomic_path
from deepstroke.report.axial import AxialSlices, choose_levels
from deepstroke.report.outlines import trace_outlines
from deepstroke_training.training.module import SegmentationModule, as_segmentation
from deepstroke_training.training.run_folder import OVERLAYS

_PANEL_INCHES = 3.2
_PAPER, _INK = "#0c0f13", "#f2f4f7"


class Overlays(lightning.Callback):
    """Draws the first validation cases of the first process.

    Args:
        run: folder of the run.
    """

    def __init__(self, run: Path) -> None:
        self.folder = run / OVERLAYS

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: dict[str, Any],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw a case where a picture is due."""
        module = as_segmentation(pl_module)
        if not trainer.is_global_zero or batch_idx >= module.settings.trainer.overlay_cases or not _is_due(module):
            return
        position, data = module.position, module.settings.data
        low, high = data.hu_range
        hu = batch["image"][0, 0].float().cpu().numpy() * (high - low) + low
        title = f"{batch['case'][0]} ({batch['stage'][0]}), epoch {position.epoch}, step {position.step}"
        path = self.folder / f"epoch-{position.epoch:04d}-case-{batch_idx}.png"
        truth, found = (labels[0, 0].cpu().numpy() for labels in (batch["label"], outputs))
        draw_overlay(hu, truth, found, data.spacing_mm, title, path)


def draw_overlay(
    hu: NDArray[np.float32],
    truth: NDArray[np.uint8],
    found: NDArray[np.uint8],
    spacing_mm: float,
    title: str,
    path: Path,
) -> None:
    """Draw both ASPECTS levels of a case three times: plain, with the true and with the found regions.

    Radiological convention: the patient's left is on the right of the image and marked L.

    Args:
        hu: (i, j, k) in RAS+ order.
        truth, found: labels of the same shape, 0..10 or, with sides, 0..20.
        spacing_mm: of the voxels.
        title: one line.
        path: the PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    true, predicted = (_slices(hu, labels, spacing_mm) for labels in (truth, found))
    levels = choose_levels(true)
    shown = [k for k in (levels.ganglionic, levels.supraganglionic) if k is not None] or [len(true) // 2]
    height = _PANEL_INCHES * true.height_mm / true.width_mm
    figure = Figure((3 * _PANEL_INCHES, len(shown) * height + 0.5), dpi=110, facecolor=_PAPER)
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=_INK, fontsize=9, y=1 - 0.12 / figure.get_figheight())
    for row, k in enumerate(shown):
        for column, (name, slices) in enumerate((("", None), ("truth", true), ("network", predicted))):
            bottom = 1 - (0.5 + (row + 1) * height) / figure.get_figheight()
            box = (column / 3, bottom, 1 / 3, height / figure.get_figheight())
            _draw_panel(figure.add_axes(box), true, k, slices, name)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", facecolor=_PAPER)


def _is_due(module: SegmentationModule) -> bool:
    """Also where a run ends within an epoch."""
    every, position = module.settings.trainer.overlays_every, module.position
    return every > 0 and (position.epoch % every == 0 or position.batch > 0)


def _slices(hu: NDArray, labels: NDArray[np.uint8], spacing_mm: float) -> AxialSlices:
    def radiological(data: NDArray) -> NDArray:
        """Rows run to posterior, columns to the patient's left."""
        return np.ascontiguousarray(data[::-1, ::-1].transpose(2, 1, 0))

    return AxialSlices(radiological(hu), radiological(labels), (spacing_mm, spacing_mm), spacing_mm)


def _draw_panel(axes: Any, image: AxialSlices, k: int, outlined: AxialSlices | None, name: str) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Polygon

    axes.set_axis_off()
    extent = (0.0, image.width_mm, image.height_mm, 0.0)
    axes.imshow(image.grey(k), cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="bilinear")
    for outline in trace_outlines(outlined, k) if outlined is not None else ():
        colour = tuple(value / 255 for value in outline.region.colour)
        polygon = Polygon(outline.points_mm, outline.codes)
        axes.add_patch(PathPatch(polygon, facecolor="none", edgecolor=colour, linewidth=1.2))
    for x, side in ((0.03, "R"), (0.97, "L")):
        axes.text(x, 0.5, side, transform=axes.transAxes, color=_INK, fontsize=9, ha="left" if x < 0.5 else "right")
    axes.text(0.5, 0.02, name, transform=axes.transAxes, color=_INK, fontsize=9, ha="center", va="bottom")
    axes.set_xlim(0, image.width_mm)
    axes.set_ylim(image.height_mm, 0)

"""Draws the pictures of the Slicer modules' docs, on the synthetic sample scan and the embedded atlas alone.

    python Testing/slicer/draw_docs.py

Needs the extra `slicer` and EGL. The views are Slicer's own, drawn without the application; the panels are drawn by the
host, where a list stands in for the Segment Editor.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE / "atlas_refine")]

if TYPE_CHECKING:
    from host import Host

    from deepstroke.volume import LabelMap

ASPECTS_DOCS = ROOT / "DeepStrokeASPECTS" / "Resources" / "Docs"
REFINE_DOCS = ROOT / "DeepStrokeAtlasRefine" / "Resources" / "Docs"
VIEW_PIXELS, GAP_PIXELS = 540, 8
LEFT_M2, SHIFT_MM = 6, 5


def main() -> None:
    """Draw all pictures in place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--result", type=Path, help="an earlier result on the sample scan, to save the run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["DEEPSTROKE_HOME"] = home  # Copies of unfinished work aren't the user's.
        from host import start

        host = start()
        draw_first_case(host, arguments.result)
        host.reset()
        draw_refinement(host, Path(home))
        host.reset()


def draw_first_case(host: Host, result: Path | None) -> None:
    """The radiologist's panel beside both levels, each with its mirror view."""
    from host.views import SliceView

    if result is not None:
        import replay

        from DeepStrokeSlicerLib.jobs import Job

        Job._deepstroke = staticmethod(lambda: replay.command(result.resolve()))
    views = [SliceView(name, VIEW_PIXELS) for name in ("Red", "Yellow")]
    panel = host.open("DeepStrokeASPECTS")
    panel.ui.sampleButton.click()
    host.wait_until(lambda: panel.ui.segmentButton.enabled)
    panel.ui.segmentButton.click()
    host.wait_until(lambda: not panel.segmentation.busy)
    if host.messages:
        raise RuntimeError(host.messages[0][1])
    panel.ui.mirrorCheckBox.click()
    rows = []
    for button in (panel.ui.ganglionicButton, panel.ui.supraganglionicButton):
        button.click()
        rows.append(beside([view.pixels() for view in views]))
    with tempfile.TemporaryDirectory() as folder:
        host.grab(panel, Path(folder) / "panel.png")
        drawn = np.asarray(Image.open(Path(folder) / "panel.png").convert("RGB"))
    save(beside([drawn, above(rows)]), ASPECTS_DOCS / "first-case.png")
    draw_difference(host, panel, views[0])


def draw_difference(host: Host, panel: Any, view: Any) -> None:
    """The ganglionic level with what is darker than the other side."""
    panel.ui.overlayComboBox.setCurrentIndex(panel.ui.overlayComboBox.count - 1)
    host.wait_until(lambda: not panel.result.overlays.busy)
    panel.ui.ganglionicButton.click()
    save(view.pixels(), ASPECTS_DOCS / "darker-side.png")


def draw_refinement(host: Host, home: Path) -> None:
    """The annotator's panel and views while the left M2 lies too far to the front."""
    import segment_editor

    import slicer
    from deepstroke import atlas

    slicer.qMRMLSegmentEditorWidget = segment_editor.qMRMLSegmentEditorWidget
    write_overlay(atlas.load(), home / "mean_overlay.nii.gz")
    panel = host.open("DeepStrokeAtlasRefine")
    panel.ui.overlayPath.currentPath = str(home / "mean_overlay.nii.gz")
    panel.ui.loadButton.click()
    host.wait_until(lambda: panel.session is not None and not panel.table.busy)
    panel.edit.editor.apply(moved_forward)
    panel.ui.checkButton.click()
    panel.ui.compareButton.click()
    host.wait_until(lambda: not panel.table.busy and not panel.comparison.busy)
    panel.ui.overlayPath.currentPath = "mean_overlay.nii.gz"
    draw_refined_views(panel)
    panel.ui.compareSection.collapsed = False
    host.grab(panel, REFINE_DOCS / "refine-panel.png")
    save(np.asarray(Image.open(REFINE_DOCS / "refine-panel.png").convert("RGB")), REFINE_DOCS / "refine-panel.png")


def draw_refined_views(panel: Any) -> None:
    """Outlines over the overlay's lines, and the difference to the parent."""
    from host.views import SliceView

    view = SliceView("Red", VIEW_PIXELS)
    view.logic.FitSliceToAll()
    view.node.JumpSliceByCentering(0.0, -18.0, 4.0)
    pictures = []
    for difference in (False, True):
        panel.ui.differenceCheckBox.checked = difference
        panel.ui.overlayCheckBox.checked = not difference
        panel.session.regions.GetDisplayNode().SetVisibility(not difference)
        pictures.append(view.pixels())
    panel.ui.overlayCheckBox.checked = True
    save(beside(pictures), REFINE_DOCS / "refine-views.png")


def write_overlay(whole: Any, path: Path) -> None:
    """The atlas's own borders, blurred as the mean of many annotators' lines is."""
    from scipy import ndimage

    from deepstroke import atlas
    from deepstroke.nifti import write_nifti
    from deepstroke.volume import Volume

    lines = (atlas.outlines(whole.labels).data > 0).astype(np.float32)
    write_nifti(Volume(ndimage.gaussian_filter(lines, (1.0, 1.0, 0)), whole.labels.ijk_to_ras), path)


def moved_forward(labels: LabelMap) -> LabelMap:
    """The left M2 some mm to the front; what it covers is its own."""
    region = labels.data == LEFT_M2
    moved = np.roll(region, SHIFT_MM, axis=1)
    data = np.where(region & ~moved, 0, labels.data)
    return labels.with_labels(np.where(moved, LEFT_M2, data).astype(labels.data.dtype))


def beside(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures from left to right, each centred, on white."""
    height = max(picture.shape[0] for picture in pictures)
    parts: list[NDArray[np.uint8]] = []
    for picture in pictures:
        framed = np.full((height, picture.shape[1] + GAP_PIXELS, 3), 255, np.uint8)
        top = (height - picture.shape[0]) // 2
        framed[top : top + picture.shape[0], : picture.shape[1]] = picture
        parts.append(framed)
    return np.concatenate(parts, axis=1)[:, :-GAP_PIXELS]


def above(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of equal width from top to bottom."""
    gap = np.full((GAP_PIXELS, pictures[0].shape[1], 3), 255, np.uint8)
    return np.concatenate([part for picture in pictures for part in (gap, picture)][1:])


def save(picture: NDArray[np.uint8], path: Path) -> None:
    """As a PNG of 256 colours, which is small and shows no difference here."""
    Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()

"""How the template, the overlay, the regions and a difference are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import slicer
from DeepStrokeSlicerLib.nodes import array_of_image

#: Window and level in HU of the template.
WINDOW = (50.0, 30.0)
OVERLAY_OPACITY = 0.5
#: Of the outlines, in pixels of the screen.
OUTLINE_WIDTH = 2
#: Weaker lines than this share of the strongest aren't drawn.
_FAINT = 0.05
#: Of Slicer's views; others keep what the user has chosen.
_ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
_OVERLAY_COLOURS = "vtkMRMLColorTableNodeYellow"


def _slice_logics() -> Iterator[Any]:
    logics = slicer.app.applicationLogic().GetSliceLogics()
    return (logics.GetItemAsObject(index) for index in range(logics.GetNumberOfItems()))


def show_template(template: Any) -> None:
    """Show the template, and nothing over it, in every slice view; none stands aslant."""
    display = template.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(*WINDOW)
    for logic in _slice_logics():
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(template.GetID())
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(None)
        if orientation := _ORIENTATIONS.get(logic.GetSliceNode().GetLayoutName()):
            logic.GetSliceNode().SetOrientation(orientation)
        logic.FitSliceToAll()


def show_overlay(overlay: Any) -> None:
    """Show the lines of the aggregated overlay over the template, or none."""
    if overlay is not None:
        _colour_lines(overlay)
    for logic in _slice_logics():
        composite = logic.GetSliceCompositeNode()
        composite.SetForegroundVolumeID(None if overlay is None else overlay.GetID())
        composite.SetForegroundOpacity(OVERLAY_OPACITY)


def _colour_lines(overlay: Any) -> None:
    values = array_of_image(overlay.GetImageData())
    top = float(np.percentile(values[values > 0], 99.9))
    display = overlay.GetDisplayNode()
    display.SetAndObserveColorNodeID(_OVERLAY_COLOURS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, top)
    display.AutoThresholdOff()
    display.ApplyThresholdOn()
    display.SetThreshold(_FAINT * top, float(values.max()))


def show_regions(regions: Any) -> None:
    """Outlines alone, so that the lines under them are seen."""
    display = regions.GetDisplayNode()
    display.SetVisibility2DOutline(True)
    display.SetVisibility2DFill(False)
    display.SetSliceIntersectionThickness(OUTLINE_WIDTH)


def show_difference(node: Any) -> None:
    """Show a difference map as the label layer, or none."""
    for logic in _slice_logics():
        logic.GetSliceCompositeNode().SetLabelVolumeID(None if node is None else node.GetID())
        logic.GetSliceCompositeNode().SetLabelOpacity(0.6)


def jump(place_ras: NDArray[np.float64]) -> None:
    """Show a place, in RAS+ mm, in every slice view; zoom stays."""
    for logic in _slice_logics():
        logic.GetSliceNode().JumpSliceByCentering(*(float(value) for value in place_ras))

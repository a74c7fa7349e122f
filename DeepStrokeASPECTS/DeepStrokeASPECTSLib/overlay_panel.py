"""The list of maps over the scan: those that a run has written, and the difference of both sides."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError, InputError
from DeepStrokeASPECTSLib import views
from DeepStrokeASPECTSLib.run import RunResult
from DeepStrokeASPECTSLib.side_difference import side_difference
from DeepStrokeSlicerLib.label_files import read_labels
from DeepStrokeSlicerLib.nodes import affine_of, array_of_image, node_from_array, node_from_volume, read_volume_file
from DeepStrokeSlicerLib.timers import Stepwise

CONFIDENCE = "confidence.nii.gz"
BRAIN = "brain.nii.gz"
OPACITY = 0.4
#: In place of a file: the map is computed here.
_DIFFERENCE = "difference"


class OverlayPanel:
    """Joins the list of overlays with one result at a time.

    Args:
        ui: the panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._box = ui.overlayComboBox
        self._result: RunResult | None = None
        self._node: Any = None
        self._work: Stepwise[Any] | None = None
        self._box.connect("currentIndexChanged(int)", self._choose)

    @property
    def busy(self) -> bool:
        """Whether a map is being computed."""
        return self._work is not None

    def show(self, result: RunResult | None) -> None:
        """Offer the maps of a result, or none."""
        self._result = None
        self._drop()
        self._box.clear()
        if result is None:
            return
        self._box.addItem(_("none"), "")
        if (result.folder / CONFIDENCE).is_file():
            self._box.addItem(_("confidence of the regions"), str(result.folder / CONFIDENCE))
        if result.mirror is not None and (result.folder / BRAIN).is_file():
            self._box.addItem(_("darker than the other side (HU)"), _DIFFERENCE)
        self._box.enabled = self._box.count > 1
        self._result = result

    def _choose(self, index: int) -> None:
        self._drop()
        chosen = self._box.itemData(index) if index > 0 else None
        if self._result is None or not chosen:
            return
        try:
            if chosen == _DIFFERENCE:
                self._work = Stepwise(difference_of(self._result), self._show_difference, self._fail)
                return
            name = f"{self._result.volume.GetName()} {self._box.itemText(index)}"
            self._node = node_from_volume(read_volume_file(chosen), name)
        except DeepStrokeError as error:
            slicer.util.errorDisplay(str(error))
            return
        views.colour_map(self._node)
        views.show_over(self._node, OPACITY)

    def _show_difference(self, difference: Any) -> None:
        self._work = None
        result = self._result
        if result is None or not slicer.mrmlScene.IsNodePresent(result.volume):
            return
        name = _("{volume} difference of sides").format(volume=result.volume.GetName())
        self._node = node_from_array(difference, affine_of(result.volume), name)
        self._node.SetAndObserveTransformNodeID(result.volume.GetTransformNodeID())
        views.colour_darker(self._node)
        views.show_over(self._node, OPACITY)

    def _fail(self, error: Exception) -> None:
        self._work = None
        slicer.util.errorDisplay(str(error))

    def _drop(self) -> None:
        if self._work is not None:
            self._work.stop()
            self._work = None
        node, self._node = self._node, None
        if node is not None and slicer.mrmlScene.IsNodePresent(node):
            slicer.mrmlScene.RemoveNode(node)


def difference_of(result: RunResult) -> Generator[object, None, NDArray[np.float32]]:
    """The difference of both sides of a result's scan in HU, on its voxels (i, j, k); see `side_difference`.

    Raises:
        InputError: the run's brain mask can't be read, or no region is there on both sides.
    """
    brain = yield from read_labels(result.folder / BRAIN)
    if result.mirror is None:
        raise InputError(_("No region is there on both sides."), code="no-mirror")
    hu = array_of_image(result.volume.GetImageData())
    return (yield from side_difference(hu, brain, result.slices, result.mirror))

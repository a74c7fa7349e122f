"""The radiologist's panel: it shows and signals; each section has a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from DeepStrokeASPECTSLib import views
from DeepStrokeASPECTSLib.batch_panel import BatchPanel
from DeepStrokeASPECTSLib.export_panel import ExportPanel
from DeepStrokeASPECTSLib.infarct_panel import InfarctPanel
from DeepStrokeASPECTSLib.install_panel import InstallPanel
from DeepStrokeASPECTSLib.logic import DeepStrokeASPECTSLogic
from DeepStrokeASPECTSLib.parameters import Parameters
from DeepStrokeASPECTSLib.result_panel import ResultPanel
from DeepStrokeASPECTSLib.run import Run, RunResult
from DeepStrokeASPECTSLib.sample import load_sample
from DeepStrokeASPECTSLib.segment_panel import SegmentPanel
from DeepStrokeSlicerLib.module_widget import ModuleWidget


class DeepStrokeASPECTSWidget(ModuleWidget):
    """The panel as Slicer calls it."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._parameters: Parameters | None
        self._shown: Run | None = None
        self._known_volumes: set[str] | None = None

    def build(self) -> None:
        """Make the logic and the sections."""
        self.logic = DeepStrokeASPECTSLogic()
        self.installation = InstallPanel(self.ui, Path(self.resourcePath("requirements.txt")))
        ensure = self.installation.ensure
        self.segmentation = SegmentPanel(self.ui, self._show_result, ensure, lambda: self.infarct.refresh())
        self.result = ResultPanel(self.ui)
        self.infarct = InfarctPanel(self.ui, lambda: self.segmentation.chosen, lambda: self._parameters, ensure)
        self.export = ExportPanel(self.ui, lambda: self.result.review)
        self.batch = BatchPanel(self.ui, lambda: self._parameters, ensure)
        self.ui.sampleButton.connect("clicked(bool)", self._load_sample)
        self.ui.dicomButton.connect("clicked(bool)", self._open_database)

    def cleanup(self) -> None:
        """Called before the panel is destroyed: end runs, remove their files, follow nothing."""
        self._set_parameters(None)
        self.leave_scene()
        self.batch.cancel()
        self.installation.close()
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module; what was loaded from the DICOM database meanwhile is chosen."""
        super().enter()
        self._choose_loaded()

    def _follow_scene(self) -> None:
        super()._follow_scene()
        if self._parameters is not None and self._parameters.inputVolume is None:
            self._parameters.inputVolume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")

    def follow(self, parameters: Parameters | None) -> None:
        """Hand the sections the choices; None while the scene is closed."""
        self.segmentation.follow(parameters)

    def refresh(self) -> None:
        """A choice was changed."""
        self.segmentation.refresh()

    def leave_scene(self) -> None:
        """End runs and let go of their results; nodes stay."""
        self.segmentation.close()
        self.infarct.close()
        self._drop_result()

    def leave_node(self, node: Any) -> None:
        """A node of the shown result is about to go: the result goes too."""
        review = self.result.review
        if review is not None and node in (review.result.volume, review.result.segmentation):
            self._drop_result()

    def _show_result(self, result: RunResult, run: Run) -> None:
        self._drop_result()
        self._shown = run
        if self._parameters is not None:
            self._parameters.segmentation = result.segmentation
        self.result.show(result)
        self.export.refresh()

    def _drop_result(self) -> None:
        """Forget the shown result and remove its files; its nodes stay in the scene."""
        self.result.clear()
        if self._shown is not None:
            self._shown.discard()
            self._shown = None
        self.export.refresh()

    def _open_database(self, *_args: object) -> None:
        self._known_volumes = {node.GetID() for node in _volumes()}
        slicer.util.selectModule("DICOM")

    def _choose_loaded(self) -> None:
        known, self._known_volumes = self._known_volumes, None
        loaded = [] if known is None else [node for node in _volumes() if node.GetID() not in known]
        if loaded and self._parameters is not None and not self.segmentation.busy:
            self._parameters.inputVolume = loaded[-1]
            views.show_background(loaded[-1])

    def _load_sample(self, *_args: object) -> None:
        try:
            volume = load_sample()
        except DeepStrokeError as error:
            slicer.util.errorDisplay(_("The sample scan can't be loaded.\n\n{cause}").format(cause=error))
            return
        if self._parameters is not None:
            self._parameters.inputVolume = volume
        views.show_background(volume)


def _volumes() -> list[Any]:
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return [node for node in nodes if node.GetClassName() == "vtkMRMLScalarVolumeNode"]

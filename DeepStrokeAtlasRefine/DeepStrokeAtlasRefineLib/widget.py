"""The annotator's panel: it shows and signals; each section has a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import vtk
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

import slicer
from DeepStrokeAtlasRefineLib.compare_panel import ComparePanel
from DeepStrokeAtlasRefineLib.drafts import DraftTexts
from DeepStrokeAtlasRefineLib.edit_panel import EditPanel
from DeepStrokeAtlasRefineLib.load_panel import LoadPanel
from DeepStrokeAtlasRefineLib.logic import DeepStrokeAtlasRefineLogic
from DeepStrokeAtlasRefineLib.parameters import Parameters
from DeepStrokeAtlasRefineLib.publish_panel import PublishPanel
from DeepStrokeAtlasRefineLib.session import Session
from DeepStrokeAtlasRefineLib.table_panel import TablePanel


class DeepStrokeAtlasRefineWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel as Slicer calls it."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: DeepStrokeAtlasRefineLogic | None = None
        self.session: Session | None = None
        self._parameters: Parameters | None = None
        self._gui_tag: int | None = None

    def setup(self) -> None:
        """Build the panel; called once, when the module is opened first."""
        ScriptedLoadableModuleWidget.setup(self)
        top = slicer.util.loadUI(self.resourcePath("UI/DeepStrokeAtlasRefine.ui"))
        self.layout.addWidget(top)
        self.ui = slicer.util.childWidgetVariables(top)
        top.setMRMLScene(slicer.mrmlScene)
        self.logic = DeepStrokeAtlasRefineLogic()
        requirements = Path(self.resourcePath("requirements.txt"))
        self.edit = EditPanel(self.ui)
        self.table = TablePanel(self.ui, self.edit.editor.select)
        self.comparison = ComparePanel(self.ui)
        self.loading = LoadPanel(self.ui, requirements, self._may_replace, self._show)
        self.publication = PublishPanel(self.ui, self.logic, self.loading.refresh)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._before_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._after_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAboutToBeRemovedEvent, self._before_removal)
        self._follow_parameters()

    def cleanup(self) -> None:
        """Called before the panel is destroyed: what isn't saved is kept to be recovered."""
        self._drop()
        self._set_parameters(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self._follow_parameters()
        self.loading.refresh()
        self.edit.editor.enter()

    def exit(self) -> None:
        """Called each time the user opens another module."""
        self.edit.editor.exit()
        if self._parameters is not None and self._gui_tag is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self._gui_tag = None

    def _follow_parameters(self) -> None:
        assert self.logic is not None
        if self._gui_tag is None:
            self._set_parameters(self.logic.getParameterNode())

    def _set_parameters(self, parameters: Parameters | None) -> None:
        if self._parameters is not None:
            if self._gui_tag is not None:
                self._parameters.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._refresh)
        self._parameters, self._gui_tag = parameters, None
        if parameters is not None:
            self._gui_tag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._refresh)
        self.edit.follow(parameters)
        self.publication.follow(parameters)

    def _refresh(self, *_args: object) -> None:
        self.edit.refresh()

    def _may_replace(self) -> bool:
        """Ask before regions that aren't saved leave the panel; they can be recovered all the same."""
        question = _("The regions aren't saved as a draft. Load others all the same?")
        return not self.publication.unsaved or slicer.util.confirmOkCancelDisplay(question)

    def _show(self, session: Session, texts: DraftTexts | None) -> None:
        self._drop()
        self.session = session
        if self._parameters is not None:
            self._remember(self._parameters, session, texts)
        self.edit.show(session)
        self.table.show(session)
        self.comparison.show(session)
        self.publication.show(session, unsaved=texts is not None)

    @staticmethod
    def _remember(parameters: Parameters, session: Session, texts: DraftTexts | None) -> None:
        parameters.template, parameters.regions = session.template, session.regions
        parameters.overlay = session.overlay
        if texts is not None:
            parameters.author, parameters.atlasName = texts.author, texts.name
            parameters.version, parameters.note = texts.version, texts.note

    def _drop(self) -> None:
        """Forget the session; its nodes stay in the scene."""
        self.loading.close()
        self.publication.show(None)
        self.comparison.show(None)
        self.table.show(None)
        self.edit.show(None)
        self.session = None

    def _before_close(self, *_args: object) -> None:
        """The scene is about to be closed: its nodes go."""
        self._drop()
        self._set_parameters(None)

    def _after_close(self, *_args: object) -> None:
        if self.parent.isEntered:
            self.enter()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _before_removal(self, _caller: object, _event: str, node: Any) -> None:
        """A node of the session is about to go: the session goes too."""
        session = self.session
        if session is not None and node in (session.template, session.regions, session.overlay):
            self._drop()

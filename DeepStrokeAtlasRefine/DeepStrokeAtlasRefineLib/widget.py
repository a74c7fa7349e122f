"""The annotator's panel: it shows and signals; each section has a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

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
from DeepStrokeSlicerLib.module_widget import ModuleWidget


class DeepStrokeAtlasRefineWidget(ModuleWidget):
    """The panel as Slicer calls it."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._parameters: Parameters | None
        self.session: Session | None = None

    def build(self) -> None:
        """Make the logic and the sections."""
        self.logic = DeepStrokeAtlasRefineLogic()
        requirements = Path(self.resourcePath("requirements.txt"))
        self.edit = EditPanel(self.ui)
        self.table = TablePanel(self.ui, self.edit.editor.select)
        self.comparison = ComparePanel(self.ui)
        self.loading = LoadPanel(self.ui, requirements, self._may_replace, self._show)
        self.publication = PublishPanel(self.ui, self.logic, self.loading.refresh)

    def cleanup(self) -> None:
        """Called before the panel is destroyed: what isn't saved is kept to be recovered."""
        self.leave_scene()
        self._set_parameters(None)
        self.removeObservers()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        super().enter()
        self.loading.refresh()
        self.edit.editor.enter()

    def exit(self) -> None:
        """Called each time the user opens another module."""
        self.edit.editor.exit()
        super().exit()

    def follow(self, parameters: Parameters | None) -> None:
        """Hand the sections the choices; None while the scene is closed."""
        self.edit.follow(parameters)
        self.publication.follow(parameters)

    def refresh(self) -> None:
        """A choice was changed."""
        self.edit.refresh()

    def leave_node(self, node: Any) -> None:
        """A node of the session is about to go: the session goes too."""
        session = self.session
        if session is not None and node in (session.template, session.regions, session.overlay):
            self.leave_scene()

    def _may_replace(self) -> bool:
        """Ask before regions that aren't saved leave the panel; they can be recovered all the same."""
        question = _("The regions aren't saved as a draft. Load others all the same?")
        return not self.publication.unsaved or slicer.util.confirmOkCancelDisplay(question)

    def _show(self, session: Session, texts: DraftTexts | None) -> None:
        self.leave_scene()
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

    def leave_scene(self) -> None:
        """Forget the session; its nodes stay in the scene."""
        self.loading.close()
        self.publication.show(None)
        self.comparison.show(None)
        self.table.show(None)
        self.edit.show(None)
        self.session = None

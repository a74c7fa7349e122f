"""The part of the panel that saves drafts, keeps unfinished work, and publishes a new version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from DeepStrokeAtlasRefineLib import segments
from DeepStrokeAtlasRefineLib.autosave import INTERVAL_SECONDS, Autosave
from DeepStrokeAtlasRefineLib.drafts import DraftTexts, save_draft
from DeepStrokeAtlasRefineLib.logic import DeepStrokeAtlasRefineLogic
from DeepStrokeAtlasRefineLib.messages import tell, told
from DeepStrokeAtlasRefineLib.parameters import Parameters
from DeepStrokeAtlasRefineLib.session import Session
from DeepStrokeSlicerLib.busy import busy
from DeepStrokeSlicerLib.timers import Repeater


class PublishPanel:
    """Joins the widgets of the section Save and publish.

    Args:
        ui: the panel's widgets.
        logic: publishes.
        on_published: called when a new version is here.
    """

    def __init__(self, ui: Any, logic: DeepStrokeAtlasRefineLogic, on_published: Callable[[], None]) -> None:
        self._ui, self._logic, self._on_published = ui, logic, on_published
        self._session: Session | None = None
        self._parameters: Parameters | None = None
        self._copy: Autosave | None = None
        self._timer: Repeater | None = None
        self._kept: segments.State | None = None
        self._copied: segments.State | None = None
        ui.saveDraftButton.connect("clicked(bool)", self._save_draft)
        ui.publishButton.connect("clicked(bool)", self._publish)
        self.show(None)

    def follow(self, parameters: Parameters | None) -> None:
        """Take the texts from a parameter node; None while the scene is closed."""
        self._parameters = parameters

    def show(self, session: Session | None, *, unsaved: bool = False) -> None:
        """Save and publish a session's regions from now on, or none; what isn't kept of the last one is offered later.

        Args:
            session: what was loaded.
            unsaved: its regions are unfinished work that was recovered.
        """
        self.close()
        self._session = session
        self._ui.publishSection.enabled = session is not None
        self._ui.publishLabel.text = ""
        if session is not None:
            self._copied = self._kept = None if unsaved else session.state()
            self._copy = Autosave()
            self._timer = Repeater(self._copy_changes, tell, interval_ms=INTERVAL_SECONDS * 1000)

    @property
    def unsaved(self) -> bool:
        """Whether the regions changed since they were loaded, saved or published."""
        return self._session is not None and self._session.state() != self._kept

    def close(self) -> None:
        """The session ends: unsaved work is left to be recovered."""
        if self._timer is not None:
            self._timer.stop()
        if self._session is not None and self._copy is not None:
            if self.unsaved:
                with told():
                    self.copy_now()
                self._copy.leave()
            else:
                self._copy.remove()
        self._session = self._copy = self._timer = None

    def copy_now(self) -> None:
        """Keep a copy of the regions as they are, to be recovered after a crash.

        Raises:
            InputError: the disk refuses.
        """
        if self._session is not None and self._copy is not None:
            self._copy.write(segments.layers_of(self._session.regions, self._session.grid), self._texts())
            self._copied = self._session.state()

    def _copy_changes(self) -> bool:
        if self._session is not None and self._copy is not None:
            with told():
                if self._session.state() != self._copied:
                    self.copy_now()
                else:
                    self._copy.touch()
        return True

    def _texts(self) -> DraftTexts:
        assert self._session is not None
        overlay = self._session.overlay_path
        texts = self._parameters
        return DraftTexts(
            parent=self._session.parent,
            overlay="" if overlay is None else str(overlay),
            author="" if texts is None else texts.author,
            name="" if texts is None else texts.atlasName,
            version="" if texts is None else texts.version,
            note="" if texts is None else texts.note,
        )

    def _save_draft(self, *_args: object) -> None:
        folder = self._ui.draftFolder.currentPath
        if self._session is None:
            return
        if not folder:
            slicer.util.errorDisplay(_("Choose a folder for the draft."))
            return
        with told(), busy():
            save_draft(Path(folder), segments.layers_of(self._session.regions, self._session.grid), self._texts())
            self._keep(_("Draft saved in {folder}.").format(folder=folder))

    def _publish(self, *_args: object) -> None:
        texts = self._parameters
        if self._session is None or texts is None:
            return
        try:
            with busy():
                folder = self._logic.publish(self._session, texts.atlasName, texts.version, texts.author, texts.note)
        except DeepStrokeError as error:
            tell(error)
            return
        name = f"{texts.atlasName}-{texts.version}"
        self._keep(_("Published {name} in {folder}.").format(name=name, folder=folder))
        self._on_published()

    def _keep(self, text: str) -> None:
        assert self._session is not None
        self._kept = self._session.state()
        if self._copy is not None:
            self._copy.remove()
        self._copied = self._session.state()
        self._ui.publishLabel.text = text

"""The part of the panel where an atlas version and the overlay are chosen and loaded, or unfinished work is resumed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from DeepStrokeAtlasRefineLib.autosave import Unfinished, unfinished
from DeepStrokeAtlasRefineLib.drafts import DraftTexts, read_draft
from DeepStrokeAtlasRefineLib.messages import tell, told
from DeepStrokeAtlasRefineLib.session import Session, begin
from DeepStrokeSlicerLib.requirements import install, load_requirements, missing_packages, size_mb
from DeepStrokeSlicerLib.timers import Stepwise


class LoadPanel:
    """Joins the widgets of the sections Unfinished work and Atlas.

    Args:
        ui: the panel's widgets.
        requirements: the module's requirements.txt.
        may_replace: asked before a loaded session is replaced.
        on_loaded: called with the session and the texts of the draft that it comes from, or None.
    """

    def __init__(
        self,
        ui: Any,
        requirements: Path,
        may_replace: Callable[[], bool],
        on_loaded: Callable[[Session, DraftTexts | None], None],
    ) -> None:
        self._ui, self._requirements = ui, load_requirements(requirements)
        self._may_replace, self._on_loaded = may_replace, on_loaded
        self._loading: Stepwise[Session] | None = None
        self._listing: Stepwise[None] | None = None
        self._found: list[Unfinished] = []
        ui.recoverySection.visible = False
        ui.loadButton.connect("clicked(bool)", self._load)
        ui.openDraftButton.connect("clicked(bool)", self._open_draft)
        ui.recoverButton.connect("clicked(bool)", self._recover)
        ui.discardButton.connect("clicked(bool)", self._discard)
        ui.installButton.connect("clicked(bool)", self._install)

    def refresh(self) -> None:
        """List the atlases and the unfinished work that are here; ask for packages where they are missing."""
        missing = missing_packages(self._requirements)
        self._ui.installButton.visible = bool(missing)
        self._ui.loadButton.enabled = self._ui.openDraftButton.enabled = not missing
        if missing:
            names = ", ".join(package.requirement for package in missing)
            self._ui.loadLabel.text = _("Missing in Slicer's Python: {names}").format(names=names)
        elif "deepstroke.atlas" in sys.modules:
            self._list()
        elif self._listing is None:
            self._listing = Stepwise(_imported(), self._list, self._fail)

    def _list(self, *_args: object) -> None:
        self._listing = None
        with told():
            self._fill_lists()

    def _fill_lists(self) -> None:
        from deepstroke.atlas import available

        for box in (self._ui.atlasComboBox, self._ui.otherComboBox):
            chosen = box.currentText
            box.clear()
            for entry in available():
                if entry.state in ("embedded", "installed"):
                    box.addItem(entry.name)
            box.currentIndex = max(box.findText(chosen), 0)
        self._found = unfinished()
        self._ui.recoverySection.visible = bool(self._found)
        if self._found:
            work = self._found[0]
            self._ui.recoveryLabel.text = _("Regions of {parent}, last changed {saved}.").format(
                parent=work.texts.parent, saved=work.saved
            )

    def _install(self, *_args: object) -> None:
        missing = missing_packages(self._requirements)
        names = "\n".join(package.requirement for package in missing)
        question = _("Install into Slicer's Python, about {size} MB?\n\n{names}")
        if not missing or not slicer.util.confirmOkCancelDisplay(
            question.format(size=size_mb(missing, "cpu"), names=names)
        ):
            return
        try:
            install(missing)
        except (DeepStrokeError, CalledProcessError, RuntimeError, ImportError) as error:
            tell(error)
        self.refresh()

    def _load(self, *_args: object) -> None:
        name, path = self._ui.atlasComboBox.currentText, self._ui.overlayPath.currentPath
        if name and self._may_replace():
            self._begin(name, path, None, None)

    def _open_draft(self, *_args: object) -> None:
        if self._ui.draftPath.currentPath and self._may_replace():
            with told():
                self._resume(Path(self._ui.draftPath.currentPath))

    def _recover(self, *_args: object) -> None:
        if self._found and self._may_replace():
            with told():
                self._resume(self._found[0].folder, recovered=True)

    def _resume(self, folder: Path, *, recovered: bool = False) -> None:
        draft = read_draft(folder)
        work = self._found[0] if recovered else None
        self._begin(draft.texts.parent, draft.texts.overlay, draft, work)

    def _discard(self, *_args: object) -> None:
        question = _("Delete the unfinished regions for good?")
        if self._found and slicer.util.confirmYesNoDisplay(question):
            remove(self._found[0])
            self.refresh()

    def _begin(self, name: str, overlay: str, draft: Any, work: Unfinished | None) -> None:
        self.close()
        self._ui.loadButton.enabled = False
        self._ui.loadLabel.text = _("Loading {name} ...").format(name=name)

        def done(session: Session) -> None:
            self._finish(_summary(session))
            self._on_loaded(session, None if draft is None else draft.texts)
            if work is not None:
                remove(work)
            self.refresh()

        layers = None if draft is None else draft.layers
        self._loading = Stepwise(begin(name, Path(overlay) if overlay else None, layers), done, self._fail)

    def _fail(self, error: Exception) -> None:
        self._finish("")
        if not isinstance(error, DeepStrokeError):
            raise error
        tell(error)

    def _finish(self, text: str) -> None:
        self._loading = None
        self._ui.loadLabel.text = text
        self._ui.loadButton.enabled = True

    def close(self) -> None:
        """Load no further."""
        if self._listing is not None:
            self._listing.stop()
            self._listing = None
        if self._loading is not None:
            self._loading.stop()
            self._finish("")


def _imported() -> Generator[None, None, None]:
    """Import what lists atlases, which takes some tenths of a second: after the panel is there."""
    yield
    import scipy.ndimage  # noqa: F401

    yield
    import deepstroke.atlas  # noqa: F401

    yield


def remove(work: Unfinished) -> None:
    """Delete a copy of unfinished work."""
    import shutil

    shutil.rmtree(work.folder, ignore_errors=True)


def _summary(session: Session) -> str:
    overlay = _("no overlay") if session.overlay_path is None else session.overlay_path.name
    return _("Loaded {parent}; {overlay}.").format(parent=session.parent, overlay=overlay)

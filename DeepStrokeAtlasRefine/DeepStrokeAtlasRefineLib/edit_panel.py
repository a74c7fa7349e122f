"""The part of the panel where regions are edited: the embedded Segment Editor, its masks and the tools."""

from __future__ import annotations

from functools import partial
from typing import Any

from slicer.i18n import tr as _

from DeepStrokeAtlasRefineLib import views
from DeepStrokeAtlasRefineLib.editor import RegionEditor
from DeepStrokeAtlasRefineLib.messages import told
from DeepStrokeAtlasRefineLib.parameters import Parameters
from DeepStrokeAtlasRefineLib.session import Session
from DeepStrokeAtlasRefineLib.tools import Tool, edit_of
from DeepStrokeSlicerLib.busy import busy

_PERCENT = 100


class EditPanel:
    """Joins the widgets of the section Regions.

    Args:
        ui: the panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self.editor = RegionEditor(ui.segmentEditor)
        self._parameters: Parameters | None = None
        self._session: Session | None = None
        self._masked: tuple[object, ...] | None = None
        buttons = {
            Tool.MIRROR: ui.mirrorButton,
            Tool.FILL: ui.fillButton,
            Tool.SMOOTH: ui.smoothButton,
            Tool.LARGEST: ui.largestButton,
            Tool.SPLIT: ui.splitButton,
        }
        for tool, button in buttons.items():
            button.connect("clicked(bool)", partial(self._use, tool))
        ui.overlayCheckBox.connect("toggled(bool)", self._show_overlay)
        ui.filledCheckBox.connect("toggled(bool)", self._show_filled)
        self.show(None)

    def follow(self, parameters: Parameters | None) -> None:
        """Take the choices from a parameter node; None while the scene is closed."""
        self._parameters = parameters
        self.refresh()

    def show(self, session: Session | None) -> None:
        """Edit a session's regions, or none."""
        self._session = session
        self.editor.show(session)
        self._ui.editSection.enabled = session is not None
        self._ui.editLabel.text = ""
        with_overlay = session is not None and session.overlay is not None
        for widget in (self._ui.maskOverlayCheckBox, self._ui.overlayShareSpinBox, self._ui.overlayCheckBox):
            widget.enabled = with_overlay
        self._ui.overlayCheckBox.checked = with_overlay
        if session is not None:
            self._ui.levelSpinBox.value = session.split_mm
        self.refresh()

    def refresh(self) -> None:
        """Set the masks as they are chosen."""
        if self._session is None or self._parameters is None:
            return
        share = self._parameters.overlayShare / _PERCENT
        overlay_share = share if self._parameters.maskToOverlay and self._session.overlay is not None else None
        wanted = (id(self._session), self._parameters.maskToBrain, overlay_share)
        if wanted != self._masked:  # The brain is written anew: not for every other choice.
            self._masked = wanted
            self.editor.mask(to_brain=self._parameters.maskToBrain, overlay_share=overlay_share)

    def _use(self, tool: Tool, *_args: object) -> None:
        if self._session is None or self._parameters is None:
            return
        with told(), busy():
            edit = edit_of(
                tool,
                self._session,
                self._parameters.scope,
                self.editor.selected,
                self._parameters.smoothing,
                self._ui.levelSpinBox.value,
            )
            self._tell(self.editor.apply(edit))

    def _tell(self, count: int) -> None:
        text = _("{count} voxels changed; undo takes it back.").format(count=count)
        self._ui.editLabel.text = text if count else _("Nothing to change.")

    def _show_overlay(self, on: bool) -> None:
        if self._session is not None:
            views.show_overlay(self._session.overlay if on else None)

    def _show_filled(self, on: bool) -> None:
        if self._session is not None:
            self._session.regions.GetDisplayNode().SetVisibility2DFill(on)

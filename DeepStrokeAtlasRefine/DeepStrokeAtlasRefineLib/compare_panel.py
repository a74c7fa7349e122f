"""The part of the panel that compares the regions with another version or another annotator's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

import slicer
from deepstroke.errors import DeepStrokeError
from deepstroke.regions import region_of
from DeepStrokeAtlasRefineLib import views
from DeepStrokeAtlasRefineLib.figures import Comparison, compare, read_other
from DeepStrokeAtlasRefineLib.messages import tell
from DeepStrokeAtlasRefineLib.session import Session
from DeepStrokeSlicerLib.busy import busy
from DeepStrokeSlicerLib.nodes import node_from_volume
from DeepStrokeSlicerLib.segmentations import segment_name
from DeepStrokeSlicerLib.timers import Stepwise

#: Colours of what is here alone, there alone, and in another region: as `deepstroke.atlas`'s difference map.
_COLOURS = {1: ("only here", 0.2, 0.8, 0.3), 2: ("only there", 0.9, 0.2, 0.2), 3: ("another region", 1.0, 0.8, 0.1)}


class ComparePanel:
    """Joins the widgets of the section Compare.

    Args:
        ui: the panel's widgets.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._session: Session | None = None
        self._work: Stepwise[Comparison] | None = None
        self._difference: Any = None
        self._colours: Any = None
        ui.compareButton.connect("clicked(bool)", self.compare)
        ui.differenceCheckBox.connect("toggled(bool)", self._show_difference)
        ui.compareTable.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        ui.compareTable.verticalHeader().setVisible(False)
        header = ui.compareTable.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.show(None)

    @property
    def busy(self) -> bool:
        """Whether a comparison is under way."""
        return self._work is not None

    def show(self, session: Session | None) -> None:
        """Compare a session's regions from now on, or none."""
        self.close()
        self._session = session
        self._drop_difference()
        self._ui.compareSection.enabled = session is not None
        self._ui.compareTable.setRowCount(0)

    def close(self) -> None:
        """Compare no further."""
        if self._work is not None:
            self._work.stop()
            self._work = None

    def compare(self, *_args: object) -> None:
        """Compare with the chosen version."""
        if self._session is None:
            return
        self.close()
        path = self._ui.otherPath.currentPath
        try:
            with busy():
                other = read_other(self._ui.otherComboBox.currentText, Path(path) if path else None)
        except DeepStrokeError as error:
            tell(error)
            return
        self._work = Stepwise(compare(self._session, other), self._show, self._fail)

    def _fail(self, error: Exception) -> None:
        self._work = None
        if not isinstance(error, DeepStrokeError):
            raise error
        tell(error)

    def _show(self, found: Comparison) -> None:
        self._work = None
        table = self._ui.compareTable
        table.setRowCount(len(found.regions))
        for row, region in enumerate(found.regions):
            cells = (
                segment_name(*region_of(region.label)),
                _number(region.dice, 3),
                _number(region.mean_mm, 2),
                _number(region.hausdorff95_mm, 1),
                f"{region.volume_ml:.2f}",
                f"{region.other_ml:.2f}",
            )
            for column, text in enumerate(cells):
                table.setItem(row, column, qt.QTableWidgetItem(text))
        self._drop_difference()
        self._difference = node_from_volume(found.difference, _("Difference"), "vtkMRMLLabelMapVolumeNode")
        self._difference.GetDisplayNode().SetAndObserveColorNodeID(self._colour_table().GetID())
        self._ui.differenceCheckBox.enabled = True
        self._ui.differenceCheckBox.checked = True

    def _colour_table(self) -> Any:
        if self._colours is None or not slicer.mrmlScene.IsNodePresent(self._colours):
            table = slicer.vtkMRMLColorTableNode()
            table.SetTypeToUser()
            table.SetName(_("Difference of versions"))
            table.SetNumberOfColors(4)
            table.SetColor(0, "same", 0.0, 0.0, 0.0, 0.0)
            for value, (name, *colour) in _COLOURS.items():
                table.SetColor(value, name, *colour, 1.0)
            self._colours = slicer.mrmlScene.AddNode(table)
        return self._colours

    def _show_difference(self, on: bool) -> None:
        views.show_difference(self._difference if on else None)

    def _drop_difference(self) -> None:
        self._ui.differenceCheckBox.checked = False
        self._ui.differenceCheckBox.enabled = False
        for node in (self._difference, self._colours):
            if node is not None and slicer.mrmlScene.IsNodePresent(node):
                slicer.mrmlScene.RemoveNode(node)
        self._difference = self._colours = None


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"

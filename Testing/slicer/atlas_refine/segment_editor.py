"""Stand-in of the Segment Editor's widget over its real logic: masks, overwriting, undo; effects don't exist here."""
# ruff: noqa: N801, N802, N815 - Slicer's own names

from __future__ import annotations

from typing import Any

from host.widgets import qMRMLWidget, stand_in
from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

import slicer

_VISIBLE = (
    "segmentationNodeSelectorVisible",
    "sourceVolumeNodeSelectorVisible",
    "addRemoveSegmentButtonsVisible",
    "switchToSegmentationsButtonVisible",
    "specifyGeometryButtonVisible",
    "maskingSectionVisible",
    "autoShowSourceVolumeNode",
)


def _flag(name: str) -> Any:
    return Property(bool, lambda self: self._flags[name], lambda self, value: self._flags.update({name: bool(value)}))


@stand_in
class qMRMLSegmentEditorWidget(qMRMLWidget):
    """The list of segments, and what stands behind the buttons of effects."""

    currentSegmentIDChanged = Signal(str)
    signal_signatures = (*qMRMLWidget.signal_signatures, "currentSegmentIDChanged(QString)")
    (
        segmentationNodeSelectorVisible,
        sourceVolumeNodeSelectorVisible,
        addRemoveSegmentButtonsVisible,
        switchToSegmentationsButtonVisible,
        specifyGeometryButtonVisible,
        maskingSectionVisible,
        autoShowSourceVolumeNode,
    ) = (_flag(name) for name in _VISIBLE)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._flags = dict.fromkeys(_VISIBLE, True)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._shortcuts = False
        self._node: Any = None
        self._list, layout = QtWidgets.QListWidget(), QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QtWidgets.QLabel("Segment Editor (stand-in without effects)"))
        layout.addWidget(self._list)
        self._list.setMaximumHeight(110)

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        self._node = node
        self._logic.SetSegmentEditorNode(node)

    def mrmlSegmentEditorNode(self) -> Any:
        return self._node

    def setMRMLScene(self, scene: Any) -> None:
        if self._node is None:
            raise RuntimeError("the editor's node is set before the scene")
        super().setMRMLScene(scene)
        self._logic.SetMRMLScene(scene)
        self._logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())

    def setSegmentationNode(self, node: Any) -> None:
        self._logic.SetSegmentationNode(node)
        self.updateWidgetFromMRML()

    def segmentationNode(self) -> Any:
        return self._logic.GetSegmentationNode()

    def setSourceVolumeNode(self, node: Any) -> None:
        self._logic.SetSourceVolumeNode(node)

    def sourceVolumeNode(self) -> Any:
        return self._logic.GetSourceVolumeNode()

    def setCurrentSegmentID(self, identity: str) -> None:
        self._logic.SetCurrentSegmentID(identity)
        self.updateWidgetFromMRML()
        self.currentSegmentIDChanged.emit(identity)

    def currentSegmentID(self) -> str:
        return self._logic.GetCurrentSegmentID()

    def updateWidgetFromMRML(self) -> None:
        self._list.clear()
        node = self._logic.GetSegmentationNode() if self._node is not None else None
        for identity in () if node is None else self._logic.GetSegmentIDs():
            segment = node.GetSegmentation().GetSegment(identity)
            item = QtWidgets.QListWidgetItem(segment.GetName())
            pixels = QtGui.QPixmap(12, 12)
            pixels.fill(QtGui.QColor.fromRgbF(*segment.GetColor()))
            item.setIcon(QtGui.QIcon(pixels))
            self._list.addItem(item)
            item.setSelected(identity == self.currentSegmentID())

    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        self._logic.SetMaximumNumberOfUndoStates(count)

    def saveStateForUndo(self) -> None:
        self._logic.SaveStateForUndo()

    def undo(self) -> None:
        self._logic.Undo()

    def redo(self) -> None:
        self._logic.Redo()

    def setActiveEffect(self, effect: Any) -> None:
        if effect is not None:
            raise NotImplementedError("effects don't exist here")

    def installKeyboardShortcuts(self, parent: Any = None) -> None:
        self._shortcuts = True

    def uninstallKeyboardShortcuts(self) -> None:
        self._shortcuts = False

    def removeViewObservations(self) -> None:
        """Views of the host send no events."""

"""Stand-ins of the qMRML and ctk widgets that the modules use; each has the members listed in names.tsv, no other."""
# ruff: noqa: N801, N802, N815 - Slicer's own names

from __future__ import annotations

import contextlib
from typing import Any, TypeVar

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal
from shiboken6 import isValid

from host.pythonqt import add_properties

WidgetT = TypeVar("WidgetT", bound=type)
STAND_INS: dict[str, type] = {}


def stand_in(cls: WidgetT) -> WidgetT:
    """Register a stand-in; attributes that it doesn't have can't be set on it."""
    add_properties(cls)
    original = cls.__setattr__

    def set_known(self: Any, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        original(self, name, value)

    cls.__setattr__ = set_known
    STAND_INS[cls.__name__] = cls
    return cls


@stand_in
class qMRMLWidget(QtWidgets.QWidget):
    """The top of a module's panel; a .ui file connects its signal with the widgets in it."""

    mrmlSceneChanged = Signal(object)
    signal_signatures = ("mrmlSceneChanged(vtkMRMLScene*)",)
    isEntered = False
    _scene: Any = None

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene


@stand_in
class ctkCollapsibleButton(QtWidgets.QWidget):
    """A titled section that folds."""

    contentsCollapsed = Signal(bool)
    signal_signatures = ("contentsCollapsed(bool)",)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._text, self._collapsed = "", False
        self.setContentsMargins(4, 24, 4, 4)

    def _collapse(self, collapsed: bool) -> None:
        self._collapsed = bool(collapsed)
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.setVisible(not self._collapsed)
        self.setMaximumHeight(26 if self._collapsed else 16777215)
        self.contentsCollapsed.emit(self._collapsed)

    text = Property(str, lambda self: self._text, lambda self, value: setattr(self, "_text", value))
    collapsed = Property(bool, lambda self: self._collapsed, _collapse)

    def showEvent(self, event: Any) -> None:
        self._collapse(self._collapsed)  # A .ui file may fold it before its children are there.

    def paintEvent(self, event: Any) -> None:
        with contextlib.closing(_Painter(self)) as painter:
            bar = QtCore.QRect(0, 0, self.width, 22)
            painter.fillRect(bar, QtGui.QColor("#d0d8e0"))
            mark = "▸ " if self._collapsed else "▾ "
            painter.drawText(bar.adjusted(6, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, mark + self._text)


class _Painter(QtGui.QPainter):
    def close(self) -> None:
        self.end()


@stand_in
class ctkPathLineEdit(QtWidgets.QWidget):
    """A line that holds a path."""

    currentPathChanged = Signal(str)
    signal_signatures = ("currentPathChanged(QString)",)
    # ctkPathLineEdit::Filter
    Dirs, Drives, Files, Readable, Writable, Executable = 0x001, 0x004, 0x002, 0x010, 0x020, 0x040

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._filters, self._settingKey = 0, ""
        self._line, layout = QtWidgets.QLineEdit(), QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._line)
        self._line.textChanged.connect(self.currentPathChanged)

    currentPath = Property(str, lambda self: self._line.text, lambda self, value: self._line.setText(value))
    filters = Property(int, lambda self: self._filters, lambda self, value: setattr(self, "_filters", value))
    settingKey = Property(str, lambda self: self._settingKey, lambda self, value: setattr(self, "_settingKey", value))


@stand_in
class qMRMLNodeComboBox(QtWidgets.QWidget):
    """Selects a node of the scene; the list follows the scene."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    signal_signatures = ("currentNodeChanged(vtkMRMLNode*)", "currentNodeIDChanged(QString)")

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._combo, layout = QtWidgets.QComboBox(), QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self._scene: Any = None
        self._observers: list[int] = []
        self._flags = {"none": False, "add": True, "remove": True, "rename": False, "hidden": False, "children": True}
        self._types: list[str] = []
        self._identities: list[str] = []
        self._current = ""
        self._combo.activated.connect(lambda index: self._select(self._identities[index]))

    def _flag(name: str) -> Any:  # noqa: N805 - makes properties of the class
        def write(self: Any, value: bool) -> None:
            self._flags[name] = value
            self._refresh()

        return Property(bool, lambda self: self._flags[name], write)

    noneEnabled, addEnabled, removeEnabled = _flag("none"), _flag("add"), _flag("remove")
    renameEnabled, showHidden, showChildNodeTypes = _flag("rename"), _flag("hidden"), _flag("children")

    def _set_types(self, types: list[str]) -> None:
        self._types = list(types)
        self._refresh()

    nodeTypes = Property("QStringList", lambda self: self._types, _set_types)
    currentNodeID = Property(str, lambda self: self._current, lambda self, value: self._select(value))

    def setMRMLScene(self, scene: Any) -> None:
        self._ignore_scene()
        self._scene = scene
        events = () if scene is None else (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent)
        self._observers = [scene.AddObserver(event, self._scene_changed) for event in events]
        self._refresh()

    def mrmlScene(self) -> Any:
        return self._scene

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._current) if self._scene is not None and self._current else None

    def setCurrentNode(self, node: Any) -> None:
        self._select(node.GetID() if node is not None else "")

    def _ignore_scene(self) -> None:
        for tag in self._observers:
            self._scene.RemoveObserver(tag)
        self._observers = []

    def _scene_changed(self, *_: Any) -> None:
        if isValid(self):
            self._refresh()
        else:  # Qt has deleted the widget together with its panel.
            self._ignore_scene()

    def _offers(self, node: Any) -> bool:
        if node.GetHideFromEditors() and not self._flags["hidden"]:
            return False
        children = self._flags["children"]
        return any(node.IsA(name) if children else node.GetClassName() == name for name in self._types)

    def _refresh(self) -> None:
        nodes = [node for node in (self._scene.GetNodes() if self._scene else ()) if self._offers(node)]
        none = self._flags["none"]
        self._identities = [*([""] if none else []), *(node.GetID() for node in nodes)]
        blocked = self._combo.blockSignals(True)
        self._combo.clear()
        self._combo.addItems([*(["None"] if none else []), *(node.GetName() for node in nodes)])
        self._combo.blockSignals(blocked)
        fallback = "" if none or not nodes else nodes[0].GetID()
        self._select(self._current if self._current in self._identities else fallback)

    def _select(self, identity: str) -> None:
        known = identity in self._identities
        self._combo.setCurrentIndex(self._identities.index(identity) if known else -1)
        if identity != self._current:
            self._current = identity
            self.currentNodeIDChanged.emit(identity)
            self.currentNodeChanged.emit(self.currentNode())


@stand_in
class ctkComboBox(QtWidgets.QComboBox):
    """A list whose wheel can be switched off."""

    NeverScroll, AlwaysScroll, ScrollWithFocus, ScrollWithNoVScrollBar = range(4)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._effect = self.AlwaysScroll

    scrollWheelEffect = Property(int, lambda self: self._effect, lambda self, value: setattr(self, "_effect", value))

    def wheelEvent(self, event: Any) -> None:
        if self._effect == self.NeverScroll:
            event.ignore()
        else:
            super().wheelEvent(event)


#: Classes that Slicer's parameterNodeWrapper compares types with; no module of ours uses them.
for _name, _base in {
    "ctkCheckBox": QtWidgets.QCheckBox,
    "ctkCheckablePushButton": QtWidgets.QPushButton,
    "ctkSliderWidget": QtWidgets.QWidget,
    "ctkDoubleSlider": QtWidgets.QWidget,
    "ctkDoubleSpinBox": QtWidgets.QDoubleSpinBox,
    "ctkRangeWidget": QtWidgets.QWidget,
    "ctkDoubleRangeSlider": QtWidgets.QWidget,
    "ctkDirectoryButton": QtWidgets.QPushButton,
    "ctkColorPickerButton": QtWidgets.QPushButton,
    "qMRMLSliderWidget": QtWidgets.QWidget,
    "qMRMLSpinBox": QtWidgets.QDoubleSpinBox,
    "qMRMLRangeWidget": QtWidgets.QWidget,
}.items():
    stand_in(type(_name, (_base,), {"__doc__": "Bare: only its type is asked for."}))

"""Stand-in of slicer.parameterNodeWrapper for the types that the modules use: nodes, Enum, bool, int, float, str.

A float may be ``Annotated[float, WithinRange(0, 1)]``; as in Slicer the range is the widget's too, not that of its .ui.
"""
# ruff: noqa: N802 - Slicer's own names

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from typing import Any

import qt
import vtk

import slicer

__all__ = ["WithinRange", "parameterNodeWrapper"]

PROPERTY = "SlicerParameterName"


class WithinRange:
    """The validator of a number: from minimum to maximum."""

    def __init__(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: float) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"Value must be within range [{self.minimum}, {self.maximum}], is {value}")


def _plain(hint: Any) -> Any:
    """The type without ``Annotated`` and ``| None``."""
    if typing.get_origin(hint) is typing.Annotated:
        return _plain(typing.get_args(hint)[0])
    arguments = [part for part in typing.get_args(hint) if part is not type(None)]
    return arguments[0] if arguments else hint


def _range(hint: Any) -> WithinRange | None:
    """The range that a type is annotated with."""
    return next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, WithinRange)), None)


def parameterNodeWrapper(cls: type) -> type:
    """Typed properties over the node's strings and references, and their connection with widgets."""
    hints = typing.get_type_hints(cls, include_extras=True)
    cls.allParameters = {name: _plain(hint) for name, hint in hints.items()}
    cls.ranges = {name: _range(hint) for name, hint in hints.items()}
    for name, kind in cls.allParameters.items():
        default = getattr(cls, name, None)
        value = _reference(name, kind) if _is_node(kind) else _value(name, kind, default, cls.ranges[name])
        setattr(cls, name, value)
    for method in (_init, _connect_gui, _disconnect_gui, _get, _set):
        setattr(cls, method.__doc__.split(":")[0], method)
    for name in ("AddObserver", "RemoveObserver", "StartModify", "EndModify", "Modified"):
        setattr(cls, name, _forward(name))
    return cls


def _is_node(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode)


def _forward(name: str) -> Callable[..., Any]:
    return lambda self, *arguments: getattr(self.parameterNode, name)(*arguments)


def _reference(name: str, kind: type) -> property:
    def write(self: Any, node: Any) -> None:
        if node is not None and not node.IsA(kind.__name__):
            raise ValueError(f"{name}: {node.GetClassName()} is no {kind.__name__}")
        self.parameterNode.SetNodeReferenceID(name, node.GetID() if node is not None else None)

    return property(lambda self: self.parameterNode.GetNodeReference(name), write)


def _value(name: str, kind: type, default: Any, limits: WithinRange | None) -> property:
    if default is None:
        default = next(iter(kind)) if issubclass(kind, enum.Enum) else kind()

    def read(self: Any) -> Any:
        text = self.parameterNode.GetParameter(name)
        if not text and not self.parameterNode.HasParameter(name):
            return default
        if kind is bool:
            return text == "True"
        return kind[text] if issubclass(kind, enum.Enum) else kind(text)

    def write(self: Any, value: Any) -> None:
        if not isinstance(value, kind):
            raise TypeError(f"{name}: {value!r} is no {kind.__name__}")
        if limits is not None:
            limits.validate(value)
        self.parameterNode.SetParameter(name, value.name if isinstance(value, enum.Enum) else str(value))

    return property(read, write)


def _init(self: Any, parameterNode: Any) -> None:
    """__init__: keep the node."""
    self.parameterNode = parameterNode
    self._connected: dict[int, tuple[list[_Connector], int]] = {}
    self._updating = False


def _get(self: Any, name: str) -> Any:
    """getValue: by name."""
    return getattr(self, name)


def _set(self: Any, name: str, value: Any) -> None:
    """setValue: by name."""
    setattr(self, name, value)


def _connect_gui(self: Any, gui: Any) -> int:
    """connectGui: the widgets that name a parameter follow it and set it."""
    widgets = [widget for widget in vars(gui).values() if widget.property(PROPERTY)]
    connectors = [_Connector(self, widget, widget.property(PROPERTY)) for widget in widgets]

    def update(*_: Any) -> None:
        if not self._updating:
            self._updating = True
            try:
                for connector in connectors:
                    connector.show()
            finally:
                self._updating = False

    update()
    for connector in connectors:
        connector.signal.connect(connector.store)
    tag = len(self._connected)
    self._connected[tag] = (connectors, self.AddObserver(vtk.vtkCommand.ModifiedEvent, update))
    return tag


def _disconnect_gui(self: Any, tag: int) -> None:
    """disconnectGui: the reverse."""
    connectors, observer = self._connected.pop(tag, ((), None))
    for connector in connectors:
        connector.signal.disconnect(connector.store)
    if observer is not None:
        self.RemoveObserver(observer)


class _Connector:
    """Joins one widget with one parameter, by the same signals as Slicer's guiConnectors.py."""

    def __init__(self, parameters: Any, widget: Any, name: str) -> None:
        self._parameters, self._widget, self._name = parameters, widget, name
        kind = parameters.allParameters[name]
        self._choices = list(kind) if isinstance(kind, type) and issubclass(kind, enum.Enum) else []
        if self._choices:
            label = getattr(kind, "label", lambda choice: choice.name)
            widget.clear()
            for choice in self._choices:
                widget.addItem(label(choice))
        if type(widget) is qt.QDoubleSpinBox:
            limits = parameters.ranges[name] or WithinRange(float("-inf"), float("inf"))
            widget.minimum, widget.maximum = limits.minimum, limits.maximum
        self.signal = self._signal()

    def _signal(self) -> Any:
        widget = self._widget
        if type(widget) is slicer.qMRMLNodeComboBox:
            return widget.currentNodeChanged
        if type(widget) is qt.QCheckBox:
            return widget.stateChanged
        if type(widget) is qt.QComboBox and self._choices:
            return widget.currentIndexChanged
        if type(widget) is qt.QLineEdit:
            return widget.textChanged
        if type(widget) is qt.QDoubleSpinBox and self._parameters.allParameters[self._name] is float:
            return widget.valueChanged
        raise RuntimeError(f"{type(widget).__name__} can't be joined with the parameter {self._name}")

    def store(self, *_: Any) -> None:
        if not self._parameters._updating:
            self._parameters.setValue(self._name, self._read())

    def _read(self) -> Any:
        widget = self._widget
        if type(widget) is slicer.qMRMLNodeComboBox:
            return widget.currentNode()
        if type(widget) is qt.QCheckBox:
            return widget.checked
        if type(widget) is qt.QDoubleSpinBox:
            return widget.value
        return self._choices[widget.currentIndex] if self._choices else widget.text

    def show(self) -> None:
        value, widget = self._parameters.getValue(self._name), self._widget
        if type(widget) is slicer.qMRMLNodeComboBox:
            widget.setCurrentNode(value)
        elif type(widget) is qt.QCheckBox:
            widget.checked = value
        elif type(widget) is qt.QDoubleSpinBox:
            widget.value = value
        elif self._choices:
            widget.currentIndex = self._choices.index(value)
        elif value != widget.text:
            widget.text = value

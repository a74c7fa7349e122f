"""Reads .ui files itself, so that a connection that isn't declared there is missing here too."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtWidgets

from host.widgets import STAND_INS

Element = ElementTree.Element


class QUiLoader:
    """`qt.QUiLoader`: builds the widgets of a .ui file."""

    def load(self, device: Any, parent: Any = None) -> Any:
        """The top widget of an open QFile; unknown classes, properties and slots are errors."""
        root = ElementTree.fromstring(bytes(device.readAll().data()))  # noqa: S314 - the project's own files
        device.close()
        return _Builder(root).top(parent)


class _Builder:
    def __init__(self, root: Element) -> None:
        self._root = root
        self._named: dict[str, Any] = {}

    def top(self, parent: Any) -> Any:
        top = self._root.find("widget")
        if top is None:
            raise ValueError("the .ui file holds no widget")
        widget = self._widget(top, parent)
        for connection in self._root.iterfind("connections/connection"):
            self._connect(connection)
        return widget

    def _widget(self, element: Element, parent: Any) -> Any:
        class_name = element.get("class", "")
        cls = STAND_INS.get(class_name) or getattr(QtWidgets, class_name)
        widget = cls(parent) if parent is not None else cls()
        widget.setObjectName(element.get("name"))
        self._named[element.get("name", "")] = widget
        for child in element:
            if child.tag == "property":
                _set_property(widget, child)
            elif child.tag == "layout":
                self._layout(child, widget)
            elif child.tag == "widget":
                self._page(child, widget)
            elif child.tag == "item":
                widget.addItem(_text(child))
            elif child.tag == "column":
                widget.setColumnCount(widget.columnCount + 1)
                header = QtWidgets.QTableWidgetItem(_text(child))
                widget.setHorizontalHeaderItem(widget.columnCount - 1, header)
            elif child.tag != "attribute":
                raise ValueError(f"<{child.tag}> in {widget.objectName} isn't known")
        return widget

    def _page(self, element: Element, parent: Any) -> None:
        page = self._widget(element, parent)
        if isinstance(parent, QtWidgets.QTabWidget):
            title = next((a for a in element.iterfind("attribute") if a.get("name") == "title"), None)
            parent.addTab(page, "" if title is None else str(_value(title)))

    def _layout(self, element: Element, parent: Any, *, nested: bool = False) -> Any:
        """A layout whose widgets belong to ``parent``; a nested one is put into another layout by the caller."""
        layout = getattr(QtWidgets, element.get("class", ""))()
        if not nested:
            parent.setLayout(layout)
        for child in element.iterfind("property"):
            _set_layout_property(layout, child)
        for item in element.iterfind("item"):
            self._item(layout, item, parent)
        return layout

    def _item(self, layout: Any, item: Element, parent: Any) -> None:
        content = item[0]
        if content.tag == "spacer":
            layout.addItem(QtWidgets.QSpacerItem(1, 1, *_spacer_policy(content)))
            return
        nested = content.tag == "layout"
        child = self._layout(content, parent, nested=True) if nested else self._widget(content, parent)
        row, column = int(item.get("row", 0)), int(item.get("column", 0))
        spans = int(item.get("rowspan", 1)), int(item.get("colspan", 1))
        if isinstance(layout, QtWidgets.QFormLayout):
            roles = QtWidgets.QFormLayout.ItemRole
            role = roles.SpanningRole if spans[1] == 2 else (roles.LabelRole, roles.FieldRole)[column]
            (layout.setLayout if nested else layout.setWidget)(row, role, child)
        elif isinstance(layout, QtWidgets.QGridLayout):
            (layout.addLayout if nested else layout.addWidget)(child, row, column, *spans)
        else:
            (layout.addLayout if nested else layout.addWidget)(child)

    def _connect(self, element: Element) -> None:
        sender, signal, receiver, slot = (element.findtext(tag, "") for tag in ("sender", "signal", "receiver", "slot"))
        self._named[sender].connect(signal, self._named[receiver], slot)


def _text(element: Element) -> str:
    return element.findtext("property[@name='text']/string", "")


def _set_property(widget: Any, element: Element) -> None:
    name, value = element.get("name", ""), _value(element)
    if element.get("stdset") == "0":
        widget.setProperty(name, value)
        return
    if name == "geometry":
        return
    if not isinstance(getattr(type(widget), name, None), property | QtCore.Property):
        raise AttributeError(f"{type(widget).__name__} has no property {name}")
    setattr(widget, name, value)


def _set_layout_property(layout: Any, element: Element) -> None:
    name, value = element.get("name", ""), _value(element)
    sides = ("leftMargin", "topMargin", "rightMargin", "bottomMargin")
    if name in sides:
        margins = layout.contentsMargins()
        values = [margins.left(), margins.top(), margins.right(), margins.bottom()]
        values[sides.index(name)] = value
        layout.setContentsMargins(*values)
    else:
        getattr(layout, f"set{name[0].upper()}{name[1:]}")(value)


def _spacer_policy(element: Element) -> tuple[Any, Any]:
    policy = QtWidgets.QSizePolicy.Policy
    vertical = element.findtext("property[@name='orientation']/enum") == "Qt::Vertical"
    return (policy.Minimum, policy.Expanding) if vertical else (policy.Expanding, policy.Minimum)


def _value(element: Element) -> Any:
    """The value of a <property>."""
    value = element[0]
    text = value.text or ""
    simple: dict[str, Callable[[str], Any]] = {"number": int, "double": float, "string": str, "cstring": str}
    if value.tag in simple:
        return simple[value.tag](text)
    if value.tag == "bool":
        return text == "true"
    if value.tag == "stringlist":
        return [entry.text or "" for entry in value]
    if value.tag in ("enum", "set"):
        return _flags(text)
    if value.tag == "size":
        return QtCore.QSize(*(int(part.text or 0) for part in value))
    if value.tag == "rect":
        return QtCore.QRect(*(int(part.text or 0) for part in value))
    if value.tag == "sizepolicy":
        policies = QtWidgets.QSizePolicy.Policy
        names = (value.get("hsizetype", ""), value.get("vsizetype", ""))
        return QtWidgets.QSizePolicy(*(getattr(policies, name) for name in names))
    raise ValueError(f"<{value.tag}> isn't known")


def _flags(text: str) -> Any:
    """Enumerators such as ``Qt::AlignTop|Qt::AlignLeft``."""
    combined = None
    for part in text.split("|"):
        scope, _, name = part.partition("::")
        owner = QtCore.Qt if scope == "Qt" else STAND_INS.get(scope) or getattr(QtWidgets, scope)
        value = getattr(owner, name)
        combined = value if combined is None else combined | value
    return combined

"""PySide6 dressed as PythonQt: `qt.QLabel().text` is a property, and signals are connected by their signatures."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, QObject

MODULES = (QtCore, QtGui, QtWidgets)
#: Members that are methods under PythonQt too, although a property of the same name is declared.
STAY_METHODS = frozenset({"sizeHint", "minimumSizeHint", "layout", "children", "parent", "metaObject", "pos", "size"})
#: Readers that PythonQt shows as properties under another name.
RENAMED = ((QtWidgets.QPlainTextEdit, "plainText", "toPlainText"), (QtWidgets.QTextEdit, "plainText", "toPlainText"))


def dress() -> None:
    """Change PySide6's classes once for this process."""
    for module in MODULES:
        for name in dir(module):  # The types are made when first asked for: vars() wouldn't show them.
            found = getattr(module, name)
            if inspect.isclass(found) and issubclass(found, QObject):
                for base in reversed(found.__mro__):
                    if inspect.isclass(base) and issubclass(base, QObject):
                        add_properties(base)
    for widget, name, reader in RENAMED:
        setattr(widget, name, property(getattr(widget, reader), getattr(widget, f"set{name[0].upper()}{name[1:]}")))
    QObject.name = property(lambda self: self.objectName, lambda self, value: self.setObjectName(value))
    QObject.className = lambda self: self.metaObject().className()
    # shiboken answers `connect` before Python does, except to __getattribute__.
    original = QObject.__getattribute__

    def lookup(self: QObject, name: str) -> Any:
        if name == "connect":
            return functools.partial(_connect, self)
        if name == "disconnect":
            return functools.partial(_disconnect, self)
        return original(self, name)

    for owner in (QObject, QtCore.QIODevice, QtCore.QProcess):
        owner.__getattribute__ = lookup


def add_properties(owner: type) -> None:
    """Put Python properties over the getters of a class's own Qt properties."""
    if not hasattr(owner, "staticMetaObject") or "_dressed" in owner.__dict__:
        return
    meta = owner.staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        if name in STAY_METHODS or isinstance(inspect.getattr_static(owner, name, None), property | Property):
            continue
        setattr(owner, name, _property(name, getattr(owner, name, None), _setter(owner, name)))
    owner._dressed = True


def _setter(owner: type, name: str) -> Callable[..., Any] | None:
    return getattr(owner, f"set{name[0].upper()}{name[1:]}", None)


def _property(name: str, getter: Any, setter: Callable[..., Any] | None) -> property:
    def read(self: QObject) -> Any:
        return getter(self) if callable(getter) else self.property(name)

    def write(self: QObject, value: Any) -> None:
        if setter is not None:
            setter(self, value)
        elif not self.setProperty(name, value):
            raise AttributeError(f"{type(self).__name__}.{name} can't be set to {value!r}")

    return property(read, write)


def _signal(sender: QObject, signature: str) -> Any:
    """The signal of a signature such as ``"clicked(bool)"``; one that doesn't exist is refused, as by PythonQt."""
    name, _, _ = signature.partition("(")
    if signature.replace(" ", "") not in getattr(sender, "signal_signatures", ()):
        meta = sender.metaObject()
        methods = (meta.method(index) for index in range(meta.methodCount()))
        known = {bytes(m.methodSignature()).decode() for m in methods if m.methodType() == m.MethodType.Signal}
        if signature.replace(" ", "") not in known:
            raise ValueError(f"{sender.className()} has no signal {signature}")
    return getattr(sender, name)


def _connect(sender: QObject, signature: Any, *receiver: Any) -> Any:
    if not isinstance(signature, str) or signature[:1] in "12":  # Qt's own form
        return QObject.connect(signature, *receiver)
    return _signal(sender, signature).connect(_slot(receiver))


def _disconnect(sender: QObject, signature: str, *receiver: Any) -> Any:
    return _signal(sender, signature).disconnect(_slot(receiver))


def _slot(receiver: tuple[Any, ...]) -> Any:
    return receiver[0] if len(receiver) == 1 else getattr(receiver[0], receiver[1].partition("(")[0])


def qt_module(loader: type) -> types.ModuleType:
    """The module `qt`: every class of Qt's core, gui and widgets, and the given QUiLoader."""
    module = types.ModuleType("qt")
    for source in MODULES:
        for name in dir(source):
            if name.startswith("Q"):
                setattr(module, name, getattr(source, name))
    module.QUiLoader = loader
    return module

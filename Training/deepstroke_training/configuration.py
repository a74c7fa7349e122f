"""Settings from YAML and the command line: nested mappings fill nested dataclasses, and all faults are told at once."""

from __future__ import annotations

import difflib
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union

from deepstroke.errors import ConfigError
from deepstroke_training.configuration_files import read_settings

if TYPE_CHECKING:
    from deepstroke_training.training.run_settings import RunSettings

T = TypeVar("T")
#: Stands for a value that could not be made; its fault is noted.
_ABSENT: Any = object()


def load_configuration(path: str | Path, overrides: Sequence[str] = ()) -> RunSettings:
    """The settings of a run from a YAML file, with ``section.name=value`` laid over it.

    Raises:
        ConfigError: the file can't be read, or settings are unknown, of a wrong type or out of range; all faults of all
            sections at once, one a line with its dotted name.

    Example:
        >>> load_configuration("Training/configs/debug.yaml", ["optimizer.lr=3e-4"])  # doctest: +SKIP
    """
    from deepstroke_training.training.run_settings import RunSettings

    try:
        return fill(RunSettings, read_settings(path, overrides))
    except ConfigError as error:
        faults = str(error).splitlines()
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError("\n  ".join([f"{path}: {count}", *faults]), code=error.code) from error


def fill(cls: type[T], mapping: Mapping[str, Any]) -> T:
    """Make a dataclass, and the dataclasses inside it, from nested mappings as YAML gives them.

    Values are checked against the annotations: numbers, text, paths, ``Literal``, ``Enum`` (by value), tuples,
    mappings, optional values and dataclasses; a whole number will do for a fraction. Of several dataclasses in a union
    the one is taken whose ``Literal`` fields allow the mapping's values. Missing keys take their defaults. A class with
    a class method ``from_mapping`` is made by that instead.

    Args:
        cls: the dataclass; it may raise ``ConfigError`` from ``__post_init__``, one fault a line, each beginning with
            the name of the field.
        mapping: its keys are names of fields.

    Raises:
        ConfigError: one line for each fault, beginning with the dotted name of the setting.

    Example:
        >>> @dataclass(frozen=True)
        ... class Optimizer:
        ...     lr: float = 1e-3
        >>> fill(Optimizer, {"lr": 1})
        Optimizer(lr=1.0)
    """
    faults: list[str] = []
    made = _fill_dataclass(cls, mapping, "", faults)
    if faults:
        raise ConfigError("\n".join(faults), code="settings")
    return typing.cast(T, made)


def as_mapping(settings: Any) -> Any:
    """What ``fill`` would make the settings from again, in terms that YAML and JSON know."""
    if hasattr(settings, "as_mapping"):
        return settings.as_mapping()
    if is_dataclass(settings) and not isinstance(settings, type):
        return {field.name: as_mapping(getattr(settings, field.name)) for field in fields(settings) if field.init}
    if isinstance(settings, Mapping):
        return {str(key): as_mapping(value) for key, value in settings.items()}
    if isinstance(settings, (tuple, list)):
        return [as_mapping(value) for value in settings]
    if isinstance(settings, Enum):
        return settings.value
    return str(settings) if isinstance(settings, Path) else settings


def unknown_names(found: Sequence[str], known: Sequence[str], what: str = "setting") -> list[str]:
    """One fault for each name that isn't known, with the nearest that is.

    Example:
        >>> unknown_names(["epoch"], ["epochs", "seed"])
        ["epoch: no such setting; did you mean 'epochs'?"]
    """
    faults = []
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
            faults.append(f"{name}: no such {what}; {hint}")
    return faults


def prefixed(where: str, lines: str, names: Sequence[str] = ()) -> Iterator[str]:
    """Faults of one section under its dotted name; a line that begins with a setting's name continues that name.

    A setting's name is one of ``names``, or what stands before a colon.
    """
    for line in lines.splitlines():
        first = re.match(r"(\w+)[\w\[\].]*(:?)", line)
        continues = first is not None and (first.group(1) in names or first.group(2) == ":")
        joint = "." if continues else ": "
        yield f"{where}{joint}{line}" if where else line


def _fill_dataclass(cls: Any, mapping: Any, where: str, faults: list[str]) -> Any:
    if not isinstance(mapping, Mapping):
        faults.append(f"{where or 'settings'}: expected settings with names, found {_shown(mapping)}")
        return _ABSENT
    if hasattr(cls, "from_mapping"):
        return _construct(cls, cls.from_mapping, (mapping,), {}, where, faults)
    known = {field.name: field for field in fields(cls) if field.init}
    faults += prefixed(where, "\n".join(unknown_names([str(key) for key in mapping], list(known))))
    hints = typing.get_type_hints(cls)
    values, faulty = {}, []
    for name, field in known.items():
        here = f"{where}.{name}" if where else name
        if name in mapping:
            value = _convert(hints[name], mapping[name], here, faults)
            if value is _ABSENT:
                faulty.append(name)
            else:
                values[name] = value
        elif not _has_default(field):
            faults.append(f"{here}: missing")
            faulty.append(name)
    if any(not _has_default(known[name]) for name in faulty):
        return _ABSENT
    made = _construct(cls, cls, (), values, where, faults, ignoring=faulty)
    return _ABSENT if faulty else made


def _has_default(field: Field) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _construct(
    cls: type, make: Any, args: tuple, values: dict, where: str, faults: list[str], ignoring: Sequence[str] = ()
) -> Any:
    """Call the class; faults that name a setting which is faulty already (its default stands in) are left out."""
    try:
        return make(*args, **values)
    except ConfigError as error:
        names = [field.name for field in fields(cls)]
        lines = [line for line in str(error).splitlines() if not set(re.findall(r"\w+", line)) & set(ignoring)]
        faults += prefixed(where, "\n".join(lines), names)
        return _ABSENT


def _convert(hint: Any, value: Any, where: str, faults: list[str]) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(typing.get_args(hint), value, where, faults)
    if is_dataclass(hint):
        return value if isinstance(value, typing.cast(type, hint)) else _fill_dataclass(hint, value, where, faults)
    if origin is tuple and isinstance(value, (list, tuple)):
        return _convert_items(typing.get_args(hint), value, where, faults)
    if (origin or hint) in (dict, typing.get_origin(Mapping[str, Any]), Mapping) and isinstance(value, Mapping):
        return _convert_values(typing.get_args(hint), value, where, faults)
    converted = _convert_plain(hint, value)
    if converted is _ABSENT:
        faults.append(f"{where}: expected {describe(hint)}, found {_shown(value)}")
    return converted


def _convert_union(hints: tuple, value: Any, where: str, faults: list[str]) -> Any:
    classes = [hint for hint in hints if is_dataclass(hint)]
    if isinstance(value, Mapping) and classes:
        fitting = [cls for cls in classes if _literals_allow(cls, value)]
        return _fill_dataclass((fitting or classes)[0], value, where, faults)
    for hint in hints:
        attempt: list[str] = []
        converted = _convert(hint, value, where, attempt)
        if not attempt:
            return converted
    faults.append(f"{where}: expected {' or '.join(map(describe, hints))}, found {_shown(value)}")
    return _ABSENT


def _literals_allow(cls: Any, mapping: Mapping) -> bool:
    hints = typing.get_type_hints(cls)
    literals = {name: typing.get_args(hint) for name, hint in hints.items() if typing.get_origin(hint) is Literal}
    return all(mapping.get(name, allowed[0]) in allowed for name, allowed in literals.items())


def _convert_items(hints: tuple, value: Sequence, where: str, faults: list[str]) -> Any:
    repeated = len(hints) == 2 and hints[1] is Ellipsis
    if not repeated and len(value) != len(hints):
        faults.append(f"{where}: expected {len(hints)} values, found {len(value)}")
        return _ABSENT
    each = [hints[0]] * len(value) if repeated else hints
    made = [
        _convert(hint, item, f"{where}[{index}]", faults)
        for index, (hint, item) in enumerate(zip(each, value, strict=True))
    ]
    return _ABSENT if any(item is _ABSENT for item in made) else tuple(made)


def _convert_values(hints: tuple, value: Mapping, where: str, faults: list[str]) -> Any:
    hint = hints[1] if hints else Any
    made = {str(key): _convert(hint, item, f"{where}.{key}", faults) for key, item in value.items()}
    return _ABSENT if any(item is _ABSENT for item in made.values()) else made


def _convert_plain(hint: Any, value: Any) -> Any:
    if hint is Any or (hint in (None, type(None)) and value is None):
        return value
    if typing.get_origin(hint) is Literal:
        return _one_of(typing.get_args(hint), value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next((member for member in hint if value in (member, member.value)), _ABSENT)
    if hint is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else _ABSENT
    if hint is int and isinstance(value, float) and value.is_integer():
        return int(value)
    fits = isinstance(hint, type) and isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    return value if fits else _ABSENT


def _one_of(allowed: tuple, value: Any) -> Any:
    """The allowed value that equals this one and is of its type, or the text of this number (``precision: 32``)."""
    same = (choice for choice in allowed if choice == value and type(choice) is type(value))
    text = str(value) if type(value) is int and str(value) in allowed else _ABSENT
    return next(same, text)


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}


def describe(hint: Any) -> str:
    """An annotation in words."""
    if typing.get_origin(hint) is Literal:
        return "one of " + ", ".join(str(value) for value in typing.get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(str(member.value) for member in hint)
    if hint in (None, type(None)):
        return "nothing (null)"
    if typing.get_origin(hint) is tuple:
        return "a list"
    if is_dataclass(hint) or typing.get_origin(hint) in (dict, typing.get_origin(Mapping[str, Any])):
        return "settings with names"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

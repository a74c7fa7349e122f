"""Read a YAML file of settings strictly, and lay ``key.sub=value`` over it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deepstroke.errors import ConfigError


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML in which a repeated key is a fault and ``1e-3`` is a number, as in YAML 1.2."""


def _mapping(loader: _StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _ in node.value:
        if key_node.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key_node.value!r} stands twice", key_node.start_mark
            )
        seen.add(key_node.value)
    return loader.construct_mapping(node, deep=True)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_settings(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The mapping of a YAML file with overrides laid over it.

    Args:
        path: the file.
        overrides: such as ``"optimizer.lr=3e-4"``; the value is YAML, so ``[1, 2]``, ``true`` and ``null`` work.

    Raises:
        ConfigError: the file can't be read or isn't a mapping, or an override isn't ``name=value``; all faults at once.
    """
    settings, faults = _read(Path(path)), []
    for override in overrides:
        try:
            _override(settings, override)
        except ConfigError as error:
            faults.append(str(error))
    if faults:
        raise ConfigError("\n".join(faults), code="settings")
    return settings


def write_settings(settings: dict[str, Any], path: str | Path) -> None:
    """Write a mapping as YAML in the order given, complete or not at all."""
    from deepstroke.nifti import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} can't be read: {error}", code="settings") from error
    content = _parse(text, str(path))
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected settings with names, found {type(content).__name__}", code="settings")
    return content


def _parse(text: str, where: str) -> Any:
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(
            f"{where}:{place} is not YAML: {getattr(error, 'problem', error)}", code="settings"
        ) from error


def _override(settings: dict[str, Any], override: str) -> None:
    name, equals, value = override.partition("=")
    parts = name.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"{override!r}: expected name=value, such as optimizer.lr=3e-4", code="settings")
    place = settings
    for part in parts[:-1]:
        below = place.setdefault(part, {})
        if below is None:
            below = place[part] = {}
        if not isinstance(below, dict):
            raise ConfigError(f"{override!r}: {part} holds {below!r}, not settings with names", code="settings")
        place = below
    place[parts[-1]] = _parse(value, name)

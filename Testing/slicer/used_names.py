"""Which names of slicer, qt and ctk the modules use, read from their sources."""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Each module's folder; that of the first holds the library which both share.
MODULES = ("DeepStrokeASPECTS", "DeepStrokeAtlasRefine")
ROOTS = frozenset({"slicer", "qt", "ctk"})
#: Names under which more than a class or function is of interest, such as `slicer.util.loadUI`.
NAMESPACES = frozenset({"slicer.util", "slicer.app", "slicer.mrmlScene", "slicer.modules", "qt.Qt"})


def slicer_side_files(module: str) -> list[Path]:
    """Every Python file of a module that runs in Slicer's own process."""
    folder = ROOT / module
    files = [folder / f"{module}.py", *folder.glob("*Lib/*.py")]
    return sorted(path for path in files if path.is_file())


def used_names(module: str) -> set[str]:
    """Names such as ``slicer.util.loadUI``, ``slicer.vtkSegment`` or ``qt.QTimer.singleShot``."""
    found: set[str] = set()
    for path in slicer_side_files(module):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and id(node) not in inner:
                found |= _shortened(_chain(node))
            elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in ROOTS:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _chain(node: ast.expr) -> list[str]:
    """``a.b.c`` as its parts; empty where it doesn't begin with one of the roots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if isinstance(node, ast.Call):  # a().b: what a() returns isn't known here
        return _chain(node.func) if isinstance(node.func, ast.Attribute) else []
    return [node.id, *parts] if isinstance(node, ast.Name) and node.id in ROOTS else []


def _shortened(parts: list[str]) -> set[str]:
    if len(parts) < 2:
        return set()
    deep = ".".join(parts[:2]) in NAMESPACES or len(parts) > 2
    return {".".join(parts[: 3 if deep else 2])}


def used_widgets(module: str) -> dict[str, set[str]]:
    """Class to the properties that a module's .ui files set on it."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / module).glob("Resources/UI/*.ui"):
        for widget in ElementTree.parse(path).iter("widget"):  # noqa: S314 - the project's own files
            names = found.setdefault(widget.get("class", ""), set())
            names |= {p.get("name", "") for p in widget.iterfind("property") if p.get("stdset") != "0"}
    return found

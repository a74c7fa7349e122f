"""The structure that keeps the project readable: imports go one way, and CMake lists every file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "DeepStrokeASPECTS" / "deepstroke"
TRAINING = ROOT / "Training" / "deepstroke_training"

#: The rooms that may not see each other: only pipeline.py, cli.py and the report's callers join stages.
FORBIDDEN_BETWEEN_ROOMS = {
    "dicom": {"preprocess", "register", "atlas", "report", "scoring", "pipeline", "cli"},
    "preprocess": {"dicom", "register", "atlas", "report", "scoring", "pipeline", "cli"},
    "register": {"dicom", "atlas", "report", "scoring", "pipeline", "cli"},
    "atlas": {"dicom", "report", "scoring", "pipeline", "cli"},
    "scoring": {"dicom", "register", "atlas", "report", "pipeline", "cli"},
    "report": {"dicom", "register", "preprocess", "pipeline", "cli"},
}
ALLOWED_AT_TOP = {
    "CMakeLists.txt", "DeepStrokeASPECTS", "DeepStrokeAtlasRefine", "Training", "Resources", "Testing", "README.md",
    "pyproject.toml", "LICENSE", "CHANGELOG.md",
}  # fmt: skip


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("path", _python_files(LIBRARY), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_the_library_imports_neither_slicer_nor_training(path: Path) -> None:
    roots = {name.split(".")[0] for name in _imports(path)}
    assert not roots & {
        "slicer",
        "qt",
        "ctk",
        "vtk",
        "deepstroke_training",
        "DeepStrokeASPECTSLib",
        "DeepStrokeSlicerLib",
    }


@pytest.mark.parametrize("room", sorted(FORBIDDEN_BETWEEN_ROOMS))
def test_rooms_of_the_library_do_not_reach_backwards(room: str) -> None:
    seen = {
        (path.name, name.split(".")[1])
        for path in _python_files(LIBRARY / room)
        for name in _imports(path)
        if name.startswith("deepstroke.")
    }
    assert seen, f"no imports seen in {room}: was it renamed?"
    assert not {(file, target) for file, target in seen if target in FORBIDDEN_BETWEEN_ROOMS[room]}


def test_training_never_imports_slicer() -> None:
    files = _python_files(TRAINING)
    assert files
    assert not {
        (path.name, name) for path in files for name in _imports(path) if name.split(".")[0] in {"slicer", "qt"}
    }


def test_cmake_lists_every_file_of_the_library_and_no_other() -> None:
    module = ROOT / "DeepStrokeASPECTS"
    entries = r"^\s+(deepstroke/[\w/.-]+\.(?:py|html|css|js|txt|typed))$"
    listed = set(re.findall(entries, (module / "CMakeLists.txt").read_text(), re.MULTILINE))
    there = {
        str(path.relative_to(module))
        for path in LIBRARY.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "_resources" not in path.parts
    }
    assert listed == there


def test_nothing_but_the_agreed_entries_stands_at_the_top() -> None:
    ignored = {"__pycache__", "demo-output", "out", "runs", "build", "dist"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - ignored
    assert found - ALLOWED_AT_TOP == set()

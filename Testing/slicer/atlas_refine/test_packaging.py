"""What a build packages of the module, without Slicer."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="tomllib came with Python 3.11")

ROOT = Path(__file__).resolve().parents[3]
MODULE = ROOT / "DeepStrokeAtlasRefine"


def _listed(variable: str) -> set[str]:
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(rf"set\({variable}\n(.*?)\)", text, re.DOTALL)
    assert found is not None
    return set(found[1].split())


def test_every_script_is_packaged() -> None:
    there = {str(path.relative_to(MODULE)) for path in (MODULE / "DeepStrokeAtlasRefineLib").rglob("*.py")}
    assert _listed("MODULE_PYTHON_SCRIPTS") == there | {"DeepStrokeAtlasRefine.py"}


def test_every_resource_is_packaged() -> None:
    resources = [path for path in (MODULE / "Resources").rglob("*") if path.is_file() and "Docs" not in path.parts]
    assert _listed("MODULE_PYTHON_RESOURCES") == {str(path.relative_to(MODULE)) for path in resources}


def test_the_extension_builds_the_module() -> None:
    assert "add_subdirectory(DeepStrokeAtlasRefine)" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def test_the_entry_file_is_thin() -> None:
    assert len((MODULE / "DeepStrokeAtlasRefine.py").read_text(encoding="utf-8").splitlines()) < 120


def test_what_is_installed_is_part_of_what_the_library_needs() -> None:
    lines = (MODULE / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = {line for line in lines if line and not line.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert required <= set(project["dependencies"])


def test_opening_slicer_imports_no_part_of_the_library_that_needs_more_than_numpy() -> None:
    light = {"errors", "frames", "regions", "volume", "resources", "findings", "progress"}
    for path in (MODULE / "DeepStrokeAtlasRefineLib").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("deepstroke."):
                assert (node.module or "").split(".")[1] in light, f"{path.name} imports {node.module} at once"

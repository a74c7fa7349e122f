"""What a build of the extension packages, and what the Extensions Index would be given. No Slicer is needed."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="tomllib came with Python 3.11")

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "DeepStrokeASPECTS"
DOCS = (MODULE / "Resources" / "Docs", ROOT / "DeepStrokeAtlasRefine" / "Resources" / "Docs")
PAGES = sorted(path for docs in DOCS for path in docs.glob("*.md"))
LIBRARIES = ("DeepStrokeASPECTSLib", "DeepStrokeSlicerLib")


def _listed(variable: str) -> set[str]:
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    found = re.search(rf"set\({variable}\n(.*?)\)", text, re.DOTALL)
    assert found is not None
    return set(found[1].split())


def test_every_script_is_packaged() -> None:
    there = {str(path.relative_to(MODULE)) for name in LIBRARIES for path in (MODULE / name).rglob("*.py")}
    assert _listed("MODULE_PYTHON_SCRIPTS") == there | {"DeepStrokeASPECTS.py"}


def test_every_resource_but_the_manual_is_packaged() -> None:
    resources = [path for path in (MODULE / "Resources").rglob("*") if path.is_file() and "Docs" not in path.parts]
    assert _listed("MODULE_PYTHON_RESOURCES") == {str(path.relative_to(MODULE)) for path in resources}


def test_the_entry_file_is_thin() -> None:
    assert len((MODULE / "DeepStrokeASPECTS.py").read_text(encoding="utf-8").splitlines()) < 120


def test_slicer_installs_what_the_library_needs() -> None:
    lines = (MODULE / "Resources" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    required = {line for line in lines if line and not line.startswith("#")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert required == set(project["dependencies"])


def test_the_index_entry_fits_the_extension() -> None:
    entry = json.loads((MODULE / "Resources" / "Docs" / "DeepStroke.json").read_text(encoding="utf-8"))
    cmake = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    metadata = dict(re.findall(r'set\(EXTENSION_(\w+) "(.*)"\)', cmake))
    assert entry["build_dependencies"] == metadata["DEPENDS"].split()
    homepage = metadata["HOMEPAGE"].removeprefix(f"{entry['scm_url']}/blob/{entry['scm_revision']}/")
    assert (ROOT / homepage).is_file()
    assert set(entry) <= {
        "$schema", "build_dependencies", "build_subdirectory", "category", "scm_revision", "scm_url", "tier"
    }  # fmt: skip
    for url in (*metadata["ICONURL"].split(), *metadata["SCREENSHOTURLS"].split()):
        path = url.partition(f"/{entry['scm_revision']}/")[2]
        assert (ROOT / path).is_file(), f"{url} names no file of the repository"


def test_each_screenshot_is_small_and_on_a_page() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    pictures = [path for docs in DOCS for path in docs.glob("*.png")]
    assert len(pictures) == 4
    for path in pictures:
        assert path.stat().st_size < 400_000
        assert f"({path.name})" in pages, f"{path.name} stands on no page"


@pytest.mark.parametrize(
    "page", sorted(path for docs in DOCS for path in docs.glob("*.md")), ids=lambda path: path.name
)
def test_every_link_of_the_docs_resolves(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link.partition("#")[0]).is_file()]
    assert broken == []


def test_help_leads_to_pages_that_are_there() -> None:
    for name in ("DeepStrokeASPECTS", "DeepStrokeAtlasRefine"):
        text = (ROOT / name / f"{name}.py").read_text(encoding="utf-8")
        (page,) = re.findall(r'PAGE = "https://github\.com/DeepStroke/DeepStroke/blob/main/(.*)"', text)
        assert (ROOT / page).is_file()


def test_modules_import_nothing_heavy_into_slicer() -> None:
    """Only parts of the library that need numpy alone may be imported where Slicer's panel runs."""
    light = {"asymmetry_maps", "errors", "frames", "regions", "volume", "resources", "findings", "progress"}
    heavy = {"torch", "scipy", "nibabel", "highdicom", "SimpleITK", "ants", "matplotlib"}
    for path in (path for name in LIBRARIES for path in (MODULE / name).rglob("*.py")):
        if path.name == "child.py":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:  # what an import of the module imports
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                root, _, rest = name.partition(".")
                assert root not in heavy, f"{path.name} imports {name}"
                assert root != "deepstroke" or rest.split(".")[0] in light, f"{path.name} imports {name}"


def test_the_terminology_is_the_librarys_table() -> None:
    from deepstroke.regions import REGIONS, SIDE_CODE

    content = json.loads((MODULE / "Resources" / "DeepStrokeASPECTS.term.json").read_text(encoding="utf-8"))
    assert content["SegmentationCategoryTypeContextName"] == "DeepStroke ASPECTS regions"
    (category,) = content["SegmentationCodes"]["Category"]
    for entry, region in zip(category["Type"], REGIONS, strict=True):
        code = (entry["CodeValue"], entry["CodingSchemeDesignator"], entry["CodeMeaning"])
        assert code == (region.code.value, region.code.scheme, region.code.meaning)
        assert tuple(entry["recommendedDisplayRGBValue"]) == region.colour
        assert [side["CodeValue"] for side in entry["Modifier"]] == [code.value for code in SIDE_CODE.values()]

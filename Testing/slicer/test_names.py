"""Every name of slicer, qt and ctk that the modules use, or that the host stands in for, has its line in Slicer."""

from __future__ import annotations

import csv
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from used_names import MODULES, used_names, used_widgets

if TYPE_CHECKING:
    from host import Host

HERE = Path(__file__).parent
#: Each module's list; names of the host and of what both modules share stand in the first.
LISTS = dict(zip(MODULES, (HERE / "host" / "names.tsv", HERE / "atlas_refine" / "names.tsv"), strict=True))
#: The commits that the lines are counted in.
COMMITS = {
    "Slicer": "583e9b37d50ead7daf7b783dce465ccaecec8809",
    "CTK": "868d56c72d2899f0f5595745c7c39765fed80eef",
}
#: Environment variables that name a git directory of each repository.
CHECKOUTS = {"Slicer": "DEEPSTROKE_SLICER_GIT", "CTK": "DEEPSTROKE_CTK_GIT"}


def rows(*modules: str) -> list[dict[str, str]]:
    found = []
    for path in (LISTS[module] for module in modules or MODULES if LISTS[module].is_file()):
        with path.open(encoding="utf-8", newline="") as stream:
            found += list(csv.DictReader(stream, delimiter="\t"))
    return found


@pytest.fixture(params=MODULES)
def module(request: pytest.FixtureRequest) -> str:
    if not LISTS[request.param].is_file():
        pytest.skip(f"{request.param} has no list {LISTS[request.param].relative_to(HERE)}")
    return request.param


def test_every_used_name_is_listed(module: str) -> None:
    assert len(rows(module)) > 10
    assert used_names(module) - {row["name"] for row in rows()} == set()


def test_nothing_is_listed_that_nobody_uses(module: str) -> None:
    names = {row["name"] for row in rows(module) if row["name"].partition(".")[0] in ("slicer", "qt", "ctk")}
    assert names - used_names(module) == set()


def test_every_property_in_a_ui_file_of_a_stand_in_is_listed(module: str) -> None:
    listed = {row["name"] for row in rows()}
    own = {f"{cls}.{name}" for cls, names in used_widgets(module).items() if not cls.startswith("Q") for name in names}
    from_qt = {"toolTip"}
    assert {name for name in own - listed if name.rpartition(".")[2] not in from_qt} == set()


def test_stand_ins_have_only_listed_members(host: Host) -> None:
    from host import application, widgets

    listed = {row["name"] for row in rows()}
    stand_ins = [cls for cls in widgets.STAND_INS.values() if cls.__module__ == widgets.__name__]
    classes = [cls for cls in stand_ins if not (cls.__doc__ or "").startswith("Bare")]
    classes += [application.Application, application.ModuleManager]
    inherited = {"signal_signatures", "staticMetaObject", "paintEvent", "showEvent", "wheelEvent", "begin"}
    members = {
        f"{cls.__name__}.{name}"
        for cls in classes
        for name in vars(cls)
        if not name.startswith("_") and name not in inherited
    }
    assert members - listed == set()
    assert len(members) > 20


def test_real_classes_have_the_used_members(host: Host, module: str) -> None:
    import slicer

    for name in used_names(module):
        parts = name.split(".")
        if parts[0] == "slicer" and parts[1].startswith("vtk"):
            target = getattr(slicer, parts[1])
            assert len(parts) == 2 or hasattr(target, parts[2]), name
        elif parts[:2] == ["slicer", "mrmlScene"] and len(parts) == 3:
            assert hasattr(slicer.mrmlScene, parts[2]), name


@pytest.mark.parametrize("repository", sorted(CHECKOUTS))
def test_each_line_says_the_name(repository: str) -> None:
    git = os.environ.get(CHECKOUTS[repository])
    if not git:
        pytest.skip(f"no checkout of {repository}: set {CHECKOUTS[repository]} to its git directory")
    wrong = [row["name"] for row in rows() if row["repository"] == repository and not _says(git, repository, row)]
    assert wrong == []


def _says(git: str, repository: str, row: dict[str, str]) -> bool:
    path, _, number = row["source"].rpartition(":")
    command = ["git", "--git-dir", git, "show", f"{COMMITS[repository]}:{path}"]
    text = subprocess.run(command, capture_output=True, check=True).stdout.decode("utf-8", errors="replace")
    line = text.splitlines()[int(number) - 1]
    parts = row["name"].split(".")
    # An enumerator of Qt stands for its class, a module for the functions in it.
    return any(part in line for part in parts[1:]) or parts[1] in path

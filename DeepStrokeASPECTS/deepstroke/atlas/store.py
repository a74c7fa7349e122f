"""Atlases on this machine: the embedded one, installed ones, and folders that a user names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deepstroke.atlas.catalogue import CATALOGUE
from deepstroke.atlas.checks import check_labels
from deepstroke.atlas.manifest import MANIFEST_NAME, read_manifest, verified_files
from deepstroke.atlas.model import Atlas
from deepstroke.errors import DeepStrokeError, InputError
from deepstroke.nifti import read_label_map, read_volume
from deepstroke.resources import resources_folder, user_folder
from deepstroke.volume import LabelMap, Volume

#: The atlas that ships with DeepStroke and is used where none is named.
DEFAULT_NAME = "deepstroke-mni152"
State = Literal["embedded", "installed", "damaged", "can be installed"]


@dataclass(frozen=True)
class AtlasEntry:
    """One atlas that is here or can be installed.

    Attributes:
        name: what ``load`` and ``install`` take.
        state: where it is.
        version: of its manifest or its catalogue entry.
        summary: one line about it.
        folder: where its files lie; None where it is not installed.
    """

    name: str
    state: State
    version: str
    summary: str
    folder: Path | None

    def describe(self) -> str:
        """One line for a list."""
        return f"{self.name} {self.version} ({self.state}): {self.summary}"


def load(name: str | Path | None = None) -> Atlas:
    """Read an atlas and check that its files are the ones its manifest states.

    Args:
        name: of an embedded or installed atlas, or the path of an atlas folder; the embedded default without one.

    Raises:
        InputError: no such atlas; or files are missing, altered or not a sound atlas (all faults are named).

    Example:
        >>> load().labels.present() == list(range(1, 21))
        True
    """
    folder = folder_of(name)
    manifest = read_manifest(folder)
    files = verified_files(folder, manifest)
    template, labels, brain = read_volume(files["template"]), *map(read_label_map, (files["labels"], files["brain"]))
    check = check_labels(labels)
    faults = [f"{files['labels'].name}: {fault.message}" for fault in check.faults]
    faults += _grid_faults(template, {files["labels"].name: labels, files["brain"].name: brain})
    if faults:
        raise InputError(f"{folder} is no sound atlas: {'; '.join(faults)}", code="unsound-atlas")
    return Atlas(manifest["name"], template, labels, brain, manifest, check.warnings)


def info(name: str | Path | None = None) -> dict[str, Any]:
    """The manifest of an atlas that is here, or the catalogue's entry of one that can be installed.

    Raises:
        InputError: no such atlas, or its manifest is damaged.
    """
    if isinstance(name, str) and name in CATALOGUE and not (installed_folder(name) / MANIFEST_NAME).is_file():
        return CATALOGUE[name].as_dict()
    return read_manifest(folder_of(name))


def available() -> list[AtlasEntry]:
    """Every atlas that is embedded, installed or can be installed, the default first."""
    entries = list(_present(resources_folder() / "Atlas", "embedded"))
    entries += _present(user_folder() / "atlases", "installed")
    names = {entry.name for entry in entries}
    offered = [
        AtlasEntry(remote.name, "can be installed", remote.version, remote.summary, None)
        for remote in CATALOGUE.values()
        if remote.name not in names
    ]
    return sorted(entries, key=lambda entry: entry.name != DEFAULT_NAME) + offered


def folder_of(name: str | Path | None) -> Path:
    """The folder of an atlas by name or path.

    Raises:
        InputError: there is none; the message lists the names that are known.
    """
    wanted = DEFAULT_NAME if name is None else str(name)
    named = [resources_folder() / "Atlas" / wanted, installed_folder(wanted)] if _is_name(wanted) else []
    for folder in named:
        if (folder / MANIFEST_NAME).is_file():
            return folder
    path = Path(wanted).expanduser()
    if path.is_dir():
        return path
    if wanted in CATALOGUE:
        raise InputError(
            f"atlas {wanted} is not installed: run `deepstroke atlas install {wanted}`", code="atlas-not-installed"
        )
    known = ", ".join(entry.name for entry in available())
    raise InputError(f"no atlas named {wanted!r} and no such folder; known are: {known}", code="no-atlas")


def installed_folder(name: str) -> Path:
    """Where an atlas of this name is installed for the user."""
    return user_folder() / "atlases" / name


def _grid_faults(template: Volume, others: dict[str, LabelMap]) -> list[str]:
    """What keeps labels and brain from lying on the template."""
    faults = [] if template.is_orthogonal else ["the template's voxel axes are not at right angles"]
    for name, other in others.items():
        if not template.same_grid(other):
            faults.append(f"{name} lies on another grid than the template")
        if not other.mask.any():
            faults.append(f"{name} is empty")
    return faults


def _is_name(text: str) -> bool:
    return Path(text).name == text and text not in {"", ".", ".."}


def _present(root: Path, state: State) -> Iterator[AtlasEntry]:
    """Every atlas folder below ``root``; one whose manifest can't be read is listed as damaged."""
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if not (folder / MANIFEST_NAME).is_file():
            continue
        try:
            manifest = read_manifest(folder)
        except DeepStrokeError as error:
            yield AtlasEntry(folder.name, "damaged", "unknown", str(error), folder)
            continue
        yield AtlasEntry(folder.name, state, manifest["version"], str(manifest.get("summary", "")), folder)

"""Drafts: the regions as they are drawn, with their parent and the texts of a version to be, in a folder.

A draft is written so that it is the old one or the new one at any moment: label maps get new names, then the
description that names them is replaced. `labels-*.nrrd` of a draft without overlaps can be published as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from deepstroke.errors import InputError
from deepstroke.resources import require_sha256, sha256_of
from deepstroke.volume import LabelMap
from DeepStrokeSlicerLib.nodes import read_volume_file, write_nrrd

DESCRIPTION = "draft.json"
FORMAT = 1


@dataclass(frozen=True)
class DraftTexts:
    """What belongs to a draft besides its voxels.

    Attributes:
        parent: name of the atlas that is refined.
        overlay: file of the aggregated overlay; empty without one.
        author, name, version, note: of the version to be.
    """

    parent: str
    overlay: str = ""
    author: str = ""
    name: str = ""
    version: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Draft:
    """A draft that was read.

    Attributes:
        texts: what belongs to it.
        layers: the regions, one map for each layer.
        saved: when, ISO 8601 with the time zone.
    """

    texts: DraftTexts
    layers: list[LabelMap]
    saved: str


def save_draft(folder: Path, layers: Sequence[LabelMap], texts: DraftTexts) -> None:
    """Write a draft, in place of an older one.

    Raises:
        InputError: the folder holds something else than a draft, or the disk refuses.
    """
    from deepstroke.nifti import write_json

    _require_own_folder(folder)
    now = datetime.now(timezone.utc)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} can't be made: {error.strerror or error}", code="write") from error
    names = [f"labels-{now:%Y%m%dT%H%M%S%f}-{number}.nrrd" for number in range(1, len(layers) + 1)]
    for name, layer in zip(names, layers, strict=True):
        write_nrrd(layer, folder / name)
    files = [{"name": name, "sha256": sha256_of(folder / name)} for name in names]
    saved = now.isoformat(timespec="seconds")
    write_json({"format": FORMAT, "saved": saved, "texts": vars(texts), "files": files}, folder / DESCRIPTION)
    for path in folder.glob("labels-*.nrrd"):
        if path.name not in names:
            path.unlink()


def read_draft(folder: Path) -> Draft:
    """Read a draft.

    Raises:
        InputError: it is no draft, damaged, or its files are altered.
    """
    content = read_description(folder)
    layers = []
    for entry in content["files"]:
        path = folder / str(entry["name"])
        require_sha256(path, str(entry["sha256"]))
        volume = read_volume_file(path)
        layers.append(volume.with_labels(volume.data))
    return Draft(DraftTexts(**content["texts"]), layers, str(content["saved"]))


def read_description(folder: Path) -> dict[str, Any]:
    """What `draft.json` says.

    Raises:
        InputError: it is missing or damaged.
    """
    path = folder / DESCRIPTION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        DraftTexts(**content["texts"])
        sound = content["format"] == FORMAT and all(Path(f["name"]).name == f["name"] for f in content["files"])
    except FileNotFoundError as error:
        raise InputError(f"{folder} is no draft: {DESCRIPTION} is missing there", code="missing-file") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error})", code="damaged-file") from error
    if not sound or not content["files"]:
        raise InputError(f"{path} is no description of a draft that this version knows", code="damaged-file")
    return dict(content)


def _require_own_folder(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / DESCRIPTION).is_file():
        raise InputError(f"{folder} holds other files; choose a new or an empty folder for the draft", code="write")

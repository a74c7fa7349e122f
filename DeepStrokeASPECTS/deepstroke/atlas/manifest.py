"""The manifest of an atlas folder: which files belong to it, and that they are the ones meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from deepstroke.errors import DeepStrokeError, InputError
from deepstroke.resources import require_sha256

MANIFEST_NAME = "manifest.json"
Part = Literal["template", "labels", "brain"]
PARTS: tuple[Part, ...] = get_args(Part)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of an atlas folder.

    Raises:
        InputError: it is missing, not JSON, or names no template, labels and brain; all faults are named.
    """
    path = folder / MANIFEST_NAME
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: no such file; an atlas folder holds a manifest with name, version and files", code="missing-file"
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: damaged or not JSON ({error})", code="damaged-file") from error
    faults = _faults_of(manifest)
    if faults:
        raise InputError(f"{path}: {'; '.join(faults)}", code="manifest")
    return manifest


def verified_files(folder: Path, manifest: Mapping[str, Any]) -> dict[Part, Path]:
    """The paths of template, labels and brain, each with the SHA-256 that the manifest states (where it states one).

    Raises:
        InputError: files are missing or altered; every one is named.
    """
    paths = {part: folder / manifest["files"][part]["name"] for part in PARTS}
    faults = []
    for part, path in paths.items():
        expected = manifest["files"][part].get("sha256")
        try:
            if not path.is_file():
                raise InputError(f"{path}: no such file", code="missing-file")
            if expected:
                require_sha256(path, expected)
        except DeepStrokeError as error:
            faults.append(error)
    if faults:
        raise InputError("; ".join(str(fault) for fault in faults), code=faults[0].code)
    return paths


def _faults_of(manifest: object) -> list[str]:
    """What the manifest lacks."""
    if not isinstance(manifest, dict):
        return ["expected an object with name, version and files"]
    faults = [f"without {key!r}" for key in ("name", "version") if not isinstance(manifest.get(key), str)]
    files = manifest.get("files")
    for part in PARTS:
        entry = files.get(part) if isinstance(files, dict) else None
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or Path(name).name != name:
            faults.append(f"files.{part}.name is no plain file name")
    return faults

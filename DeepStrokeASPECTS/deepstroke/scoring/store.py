"""The shipped score models: JSON files of plain numbers, and a manifest with their sha256."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from deepstroke.errors import ConfigError, WeightsError
from deepstroke.resources import resources_folder
from deepstroke.scoring.model import ScoreModel, read_model
from deepstroke.scoring.result import SCORE_METHODS, ScoreMethod

FOLDER, MANIFEST = "Scores", "manifest.json"


@dataclass(frozen=True)
class StoredModel:
    """A model and what identifies it."""

    model: ScoreModel
    sha256: str


def load_score_model(method: ScoreMethod | Literal["auto"] = "auto", path: str | Path | None = None) -> StoredModel:
    """The shipped model of a method, or one from a file.

    Args:
        method: ``"auto"`` takes what the manifest names as default.
        path: of a model that ``deepstroke-train fit-score`` wrote; ``method`` then doesn't count.

    Raises:
        ConfigError: there is no such method.
        WeightsError: the file is missing, was altered, or can't be used; the message names it.
    """
    if path is not None:
        content = _bytes(Path(path))
        return StoredModel(read_model(content, Path(path)), hashlib.sha256(content).hexdigest())
    if method not in ("auto", *SCORE_METHODS):
        raise ConfigError(f"a score's method is auto, {', '.join(SCORE_METHODS)}; found {method!r}", code="method")
    return _shipped(resources_folder() / FOLDER, method)


@lru_cache(maxsize=8)
def _shipped(folder: Path, method: str) -> StoredModel:
    manifest = _manifest(folder / MANIFEST)
    try:
        entry = manifest["models"][manifest["default"] if method == "auto" else method]
        path, expected = folder / Path(entry["file"]).name, str(entry["sha256"])
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{folder / MANIFEST} doesn't name the score model {method!r}", code="manifest") from error
    content = _bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise WeightsError(
            f"{path} was altered: its sha256 is {found[:16]}..., the manifest says {expected[:16]}...; install again",
            code="sha256",
        )
    return StoredModel(read_model(content, path), found)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(_bytes(path)))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{path} can't be used: {error}; install again", code="manifest") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} can't be read: {error.strerror or error}", code="missing-file") from error

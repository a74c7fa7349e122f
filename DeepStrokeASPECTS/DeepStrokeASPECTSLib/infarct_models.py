"""Weights of networks that find infarcts: where they are, and why a file is none."""

from __future__ import annotations

import json
from pathlib import Path

from slicer.i18n import tr as _

from deepstroke.resources import resources_folder, user_folder

#: The kind of network that finds infarcts, as its manifest calls it.
KIND = "adn"
SUFFIX = ".safetensors"


def infarct_models() -> list[Path]:
    """Installed weights that find infarcts, the shipped ones first."""
    folders = (resources_folder() / "Models", user_folder() / "models")
    found = [path for folder in folders for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return [path for path in found if model_obstacle(path) is None]


def model_obstacle(path: Path | None) -> str | None:
    """Why no infarct can be looked for by these weights, and what to do; None where it can."""
    if path is None:
        return _(
            "No weights that find infarcts come with DeepStroke: none that could be trained here is fit for patients. "
            "Choose the .safetensors file of a network that you trained (deepstroke-train asymmetry export) or were "
            "given."
        )
    if path.suffix != SUFFIX or not path.is_file():
        return _("{name} is no file of weights; choose a .safetensors file.").format(name=path.name)
    kind = _kind(path.with_suffix(".json"))
    if kind is None:
        name = path.with_suffix(".json").name
        return _("{name}, which says what the weights are, is missing beside them or damaged.").format(name=name)
    if kind != KIND:
        text = _(
            "{name} holds weights of {kind}, which finds no infarcts; choose those of an asymmetry network ({adn})."
        )
        return text.format(name=path.name, kind=kind, adn=KIND)
    return None


def _kind(manifest: Path) -> str | None:
    try:
        return str(json.loads(manifest.read_text(encoding="utf-8"))["network"]["name"])
    except (OSError, ValueError, KeyError, TypeError):  # `deepstroke doctor` says more of damaged ones.
        return None

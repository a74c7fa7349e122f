"""ADN of a comparison as files that ``deepstroke segment --model`` reads."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch

from deepstroke.errors import ConfigError, WeightsError
from deepstroke.inference.weights import (
    MANIFEST_FORMAT,
    WeightsInput,
    WeightsManifest,
    WeightsNetwork,
    WeightsOutput,
    manifest_path,
)
from deepstroke.nifti import atomic_path, write_json
from deepstroke_training.asymmetry.cases import WINDOW_HU
from deepstroke_training.asymmetry.comparing import FIGURES, WEIGHTS

_SUFFIX = ".safetensors"


def export(run: Path, target: Path) -> WeightsManifest:
    """Write the ADN of a comparison on synthetic strokes as safetensors, with a manifest beside it.

    Args:
        run: folder of the comparison.
        target: the ``.safetensors`` file.

    Raises:
        ConfigError: the target has another suffix, or the run was on AISD, whose grid isn't of cubes.
        WeightsError: the run has no ADN.
    """
    from safetensors.torch import save_file

    if target.suffix != _SUFFIX:
        raise ConfigError(f"{target}: weights are exported to a {_SUFFIX} file", code="export")
    figures, weights = _read(run)
    settings = figures["settings"]
    if settings["aisd"] is not None:
        raise ConfigError(f"{run}: AISD has another grid; deepstroke-train asymmetry maps applies it", code="export")
    with atomic_path(target) as temporary:
        save_file({name: each.contiguous() for name, each in weights.items()}, temporary)
    manifest = WeightsManifest(
        name=target.stem,
        sha256=hashlib.sha256(target.read_bytes()).hexdigest(),
        network=WeightsNetwork("adn", {"preset": settings["preset"], "base_channels": settings["base_channels"]}),
        input=WeightsInput(settings["spacing_mm"], tuple(settings["shape"]), WINDOW_HU, ("stripped",), None, 0.0),
        output=WeightsOutput(("background", "infarct"), None),
        licence="Apache-2.0",
    )
    making = {"training": settings, "measures": {key: value[:] for key, value in figures["scores"]["adn"].items()}}
    write_json({"format": MANIFEST_FORMAT, **asdict(manifest), **making}, manifest_path(target))
    return manifest


def _read(run: Path) -> tuple[dict, dict[str, torch.Tensor]]:
    try:
        figures = json.loads((run / FIGURES).read_text(encoding="utf-8"))
        return figures, torch.load(run / WEIGHTS.format("adn"), weights_only=True)
    except OSError as error:
        raise WeightsError(f"{run} holds no ADN of a comparison: {error.strerror or error}") from error
    except ValueError as error:
        raise WeightsError(f"{run / FIGURES} can't be read as JSON: {error}") from error

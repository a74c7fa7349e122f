"""A run's best weights as files that inference reads: safetensors, manifest and model card."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from deepstroke.errors import ConfigError
from deepstroke.inference.weights import (
    MANIFEST_FORMAT,
    WeightsInput,
    WeightsManifest,
    WeightsNetwork,
    WeightsOutput,
    manifest_path,
)
from deepstroke.nifti import atomic_path, write_json
from deepstroke.regions import REGIONS, SIDED_REGIONS
from deepstroke_training.configuration import as_mapping
from deepstroke_training.losses import UNIT_MM
from deepstroke_training.training.model_card import write_model_card
from deepstroke_training.training.run_folder import RECORD, SUMMARY, read_record
from deepstroke_training.training.run_settings import RunSettings
from deepstroke_training.training.trained import TrainedRun, read_trained

#: Of weights that were trained on this project's own synthetic heads.
DEFAULT_LICENCE = "Apache-2.0"


def export(run: Path, target: Path, name: str | None = None, licence: str = DEFAULT_LICENCE) -> WeightsManifest:
    """Write the best weights of a run, beside them a manifest (``.json``) and a model card (``.md``).

    Args:
        run: folder of the run.
        target: the ``.safetensors`` file.
        name: of the weights; the run's name by default.
        licence: of the weights; weights trained on patients may need another one.

    Raises:
        ConfigError: the target has another suffix.
        CheckpointError: the run has no validated weights, or they are damaged.
        InputError: the disk refuses.

    Example:
        >>> export(Path("runs/small-cpu"), Path("deepstroke-small.safetensors"))  # doctest: +SKIP
    """
    from safetensors.torch import save_file

    if target.suffix != ".safetensors":
        raise ConfigError(f"{target}: weights are exported to a .safetensors file", code="export")
    trained = read_trained(run)
    weights = {key: tensor.contiguous() for key, tensor in trained.weights.items()}
    with atomic_path(target) as temporary:
        save_file(weights, temporary, {"network": trained.settings.network.name, "step": str(trained.step)})
    sha256 = hashlib.sha256(target.read_bytes()).hexdigest()
    manifest = _manifest(trained, name or trained.settings.name, sha256, licence)
    content = {**asdict(manifest), **_making(run, trained, target)}
    write_json({"format": MANIFEST_FORMAT, **content}, manifest_path(target))
    write_model_card(content, target.with_suffix(".md"))
    return manifest


def _manifest(trained: TrainedRun, name: str, sha256: str, licence: str) -> WeightsManifest:
    settings = trained.settings
    data, window = settings.data, settings.trainer.window
    return WeightsManifest(
        name=name,
        sha256=sha256,
        network=WeightsNetwork(settings.network.name, _plain(settings.network_arguments)),
        input=WeightsInput(
            spacing_mm=data.spacing_mm,
            shape=data.shape,
            hu_range=data.hu_range,
            stages=_stages(settings),
            window=window.roi or data.patch,
            overlap=window.overlap,
            centre=data.centre,
        ),
        output=WeightsOutput(label_names(data.sided), UNIT_MM if data.coordinates else None),
        licence=licence,
    )


def _making(run: Path, trained: TrainedRun, target: Path) -> dict[str, Any]:
    """How the weights came about."""
    summary = read_record(run, SUMMARY) if (run / SUMMARY).exists() else {}
    starts = read_record(run, RECORD)["starts"] if (run / RECORD).exists() else []
    return {
        "file": target.name,
        "created": datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
        "parameters": sum(tensor.numel() for tensor in trained.weights.values()),
        "measures": {key: value if math.isfinite(value) else None for key, value in trained.measures.items()},
        "training": {
            "step": trained.step,
            "minutes": summary.get("minutes"),
            "stopped": summary.get("stopped", "not finished when it was exported"),
            "starts": [{**start, "command": [_without_folder(word) for word in start["command"]]} for start in starts],
            "settings": _without_folders(as_mapping(trained.settings)),
        },
    }


def _stages(settings: RunSettings) -> tuple[str, ...]:
    """What training saw: whole heads, brains, brains on the template."""
    synthetic = settings.data.synthetic
    mixtures = [synthetic.stages] if synthetic is not None and synthetic.weight > 0 else []
    mixtures += [curated.stages for curated in settings.data.curated if curated.weight > 0]
    seen = {stage for stages in mixtures for stage, weight in stages.items() if weight > 0}
    return tuple(stage for stage in ("raw", "stripped", "registered") if stage in seen)


def label_names(sided: bool) -> tuple[str, ...]:
    """The names of the classes in the order of the channels, the background first."""
    if sided:
        return ("background", *(f"{region.abbreviation} {side}" for region, side in SIDED_REGIONS))
    return ("background", *(region.abbreviation for region in REGIONS))


def _without_folders(values: Any) -> Any:
    """Settings without the folders of the machine that trained: they say nothing elsewhere, and may name people."""
    if isinstance(values, dict):
        return {key: _without_folders(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_without_folders(value) for value in values]
    return _without_folder(values) if isinstance(values, str) else values


def _without_folder(word: str) -> str:
    """``folder=/a/b`` to ``folder=b``; relative paths stay."""
    return re.sub(r"(?<![\w.~/-])[/~][\w.~/ -]*/([^/]+)", r"\1", word)


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}

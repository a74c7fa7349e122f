"""Begin a run with weights that were trained and exported before, to go on with other data or to fine-tune."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from deepstroke.errors import ConfigError, WeightsError
from deepstroke.inference.weights import load_network
from deepstroke_training.training.export import label_names
from deepstroke_training.training.run_settings import RunSettings


def take_weights(network: nn.Module, start: Path, settings: RunSettings) -> None:
    """Copy exported weights into a network, in place.

    Args:
        network: as the settings build it.
        start: a ``.safetensors`` file with its manifest beside it.
        settings: of the run that begins; its classes and its voxels must be those of the weights.

    Raises:
        ConfigError: the weights can't be used, or are of another network, other classes or other voxels.
    """
    try:
        trained, manifest = load_network(start)
    except WeightsError as error:
        raise ConfigError(f"start: {error}", code="start") from error
    expected, found = label_names(settings.data.sided), manifest.output.labels
    if found != expected:
        raise ConfigError(f"start: {start} has the classes {', '.join(found)}, expected {', '.join(expected)}")
    if manifest.input.spacing_mm != settings.data.spacing_mm:
        raise ConfigError(
            f"start: {start} is for voxels of {manifest.input.spacing_mm:g} mm, data.spacing_mm is "
            f"{settings.data.spacing_mm:g}"
        )
    try:
        network.load_state_dict(trained.state_dict())
    except RuntimeError as error:
        raise ConfigError(f"start: {start} is of another network than the run's: {error}", code="start") from error

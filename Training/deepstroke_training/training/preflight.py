"""What is checked before any long work: folder, disk, memory."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from deepstroke.errors import ConfigError, InputError
from deepstroke.networks import build
from deepstroke_training.training.checkpoint_files import has_checkpoint
from deepstroke_training.training.memory import (
    GIB,
    available_bytes,
    estimate_need,
    parameter_bytes,
    settings_that_fit,
    traced_shape,
)
from deepstroke_training.training.placement import Placement
from deepstroke_training.training.run_settings import RunSettings


def check_folder(run: Path, resume: bool) -> None:
    """See that no other run is overwritten.

    Raises:
        ConfigError: the folder holds a run and this isn't to go on with it.
    """
    if not resume and has_checkpoint(run):
        raise ConfigError(
            f"{run} holds a run already: go on with it by --resume, or take another folder by -o or name=", code="run"
        )


def check_disk(settings: RunSettings, run: Path) -> None:
    """See that checkpoints will find room.

    Raises:
        InputError: they won't; the message says how much is missing.
    """
    with torch.device("meta"):
        weights = parameter_bytes(build(settings.network.name, **settings.network_arguments))
    # Two states of weights, moments and average, a third while it is written, and the best weights twice alike.
    needed_mb = weights * (3 * (3 + (settings.trainer.ema is not None)) + 2) / 1e6 + settings.output.reserve_mb
    run.mkdir(parents=True, exist_ok=True)
    free_mb = shutil.disk_usage(run).free / 1e6
    if free_mb < needed_mb:
        raise InputError(
            f"{run}: checkpoints and logs need {needed_mb:.0f} MB (output.reserve_mb={settings.output.reserve_mb:.0f} "
            f"of them in reserve), {free_mb:.0f} MB are free: make space or take another disk by -o",
            code="disk-full",
        )


def check_sizes(settings: RunSettings) -> None:
    """See that the network takes training samples and validation windows of these sizes.

    Raises:
        ConfigError: it doesn't; the message names the least size or the divisor.
    """
    sizes = {"data.patch" if settings.data.patch else "data.shape": settings.data.sample_shape}
    if settings.trainer.window.roi is not None:
        sizes["trainer.window.roi"] = settings.trainer.window.roi
    for name, size in sizes.items():
        try:
            traced_shape(settings, size)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}", code="settings") from error


def check_memory(settings: RunSettings, placement: Placement) -> None:
    """See that a training step will probably fit.

    Raises:
        ConfigError: it won't; the message names settings that would.
    """
    need, available = estimate_need(settings, placement), available_bytes(placement)
    if need is not None and need.total > available:
        raise ConfigError(memory_message(settings, placement, f"a training step needs {need}"), code="memory")


def memory_message(settings: RunSettings, placement: Placement, cause: str) -> str:
    """Why memory is not enough and what would fit."""
    available = available_bytes(placement)
    where = "the GPU has" if placement.accelerator == "cuda" else "each process can have"
    fitting = settings_that_fit(settings, placement, available)
    advice = (
        f"these settings would fit: {' '.join(fitting)}"
        if fitting
        else "use a smaller data.patch or network, or a larger machine"
    )
    patch = "x".join(str(size) for size in settings.data.sample_shape)
    return (
        f"not enough memory for batches of {settings.data.batch_size} samples of {patch} voxels: {cause}, {where} "
        f"{available / GIB:.1f} GiB; {advice}"
    )

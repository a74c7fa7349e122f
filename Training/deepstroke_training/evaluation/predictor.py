"""A trained run as something that predicts: its settings and its best weights on a device."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepstroke.devices import Device, choose_device
from deepstroke.errors import ConfigError
from deepstroke.resources import sha256_of
from deepstroke_training.training.checkpoint_files import BEST, FOLDER
from deepstroke_training.training.inference import VolumeInferer
from deepstroke_training.training.placement import LightningPrecision, choose_placement
from deepstroke_training.training.run_folder import SPLIT
from deepstroke_training.training.run_settings import RunSettings
from deepstroke_training.training.settings import TrainerSettings
from deepstroke_training.training.trained import TrainedRun, read_trained

_AUTOCAST: dict[LightningPrecision, torch.dtype] = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class RunPredictor:
    """The best weights of a run, applied as its validation applies them: same windows, same precision.

    Args:
        run: folder of the run.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Attributes:
        settings: of the run; curated data are split as they were when it was trained.
        device: where it predicts.
        step: at which the weights were reached.

    Raises:
        ConfigError: the folder holds no run, its settings can't be used any more, or the device isn't there.
        CheckpointError: its weights are missing or damaged.

    Example:
        >>> predictor = RunPredictor(Path("runs/small-cpu"))  # doctest: +SKIP
        >>> predictor.logits(image).shape  # doctest: +SKIP
        torch.Size([11, 80, 96, 80])
    """

    def __init__(self, run: Path, device: str = "auto") -> None:
        trained = read_trained(run)
        self.run, self.step = run, trained.step
        self.settings = _as_trained(trained.settings, run)
        self.device: Device = choose_device(device)
        trainer = self.settings.trainer
        network = _network(trained, self.checkpoint).to(self.device.name)
        self._infer = VolumeInferer(network, trainer.window, trainer.channels_last)
        self._precision = _precision(trainer, self.device)

    @property
    def checkpoint(self) -> Path:
        """The file of the weights."""
        return self.run / FOLDER / BEST

    def logits(self, image: Tensor) -> Tensor:
        """What the network says of a volume, window by window where it is large.

        Args:
            image: (1, 1, i, j, k) float32, normalised.

        Returns:
            (K, i, j, k) float32 on the device, without coordinate channels.
        """
        kind = self.device.name.split(":")[0]
        dtype = _AUTOCAST.get(self._precision)
        with torch.autocast(kind, dtype=dtype) if dtype is not None else nullcontext():
            return self._infer(image.to(self.device.name))[0, : self.settings.classes]

    def describe(self) -> dict[str, Any]:
        """What predicts, for ``summary.json``."""
        return {
            "run": str(self.run),
            "name": self.settings.name,
            "network": self.settings.network.name,
            "step": self.step,
            "weights": self.checkpoint.name,
            "weights_sha256": sha256_of(self.checkpoint),
            "device": self.device.description,
            "precision": self._precision,
        }


def _as_trained(settings: RunSettings, run: Path) -> RunSettings:
    """The settings with the split that the run was trained on, for a data set that grew would be split otherwise."""
    if not settings.data.curated or not (run / SPLIT).is_file():
        return settings
    curated = tuple(replace(one, split_file=run / SPLIT, folds=0, fold=0) for one in settings.data.curated)
    return replace(settings, data=replace(settings.data, curated=curated))


def _network(trained: TrainedRun, path: Path) -> nn.Module:
    try:
        return trained.network()
    except RuntimeError as error:
        name = trained.settings.network.name
        raise ConfigError(
            f"{path}: the weights don't fit the network {name} of the run: {error}", code="weights"
        ) from error


def _precision(trainer: TrainerSettings, device: Device) -> LightningPrecision:
    """That of the run, if the device has it."""
    on_cpu = device.name == "cpu"
    here = replace(
        trainer,
        accelerator="cpu" if on_cpu else "gpu",
        precision="auto" if on_cpu and trainer.precision == "fp16" else trainer.precision,
        strategy="single",
        devices=1,
        num_nodes=1,
    )
    return choose_placement(here).precision

"""Where a run computes: which processors, how many processes, which strategy and precision."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import torch
from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy, Strategy

from deepstroke.errors import ConfigError
from deepstroke_training.training.settings import TrainerSettings

#: While one process makes synthetic cases the others wait.
_PATIENCE = timedelta(hours=3)

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class Placement:
    """Where a run computes.

    Attributes:
        accelerator: ``"cpu"`` or ``"cuda"``.
        devices: processes on each machine.
        num_nodes: machines.
        strategy: one process, a copy in each or a share in each.
        precision: in Lightning's words.
        notes: what was decided otherwise than the settings say.
    """

    accelerator: Literal["cpu", "cuda"]
    devices: int
    num_nodes: int
    strategy: Literal["single", "ddp", "fsdp"]
    precision: LightningPrecision
    notes: tuple[str, ...] = ()

    @property
    def processes(self) -> int:
        """Processes on all machines."""
        return self.devices * self.num_nodes

    def make_strategy(self) -> Strategy | Literal["auto"]:
        """Lightning's strategy for it."""
        backend = "gloo" if self.accelerator == "cpu" else "nccl"
        if self.strategy == "ddp":
            return DDPStrategy(process_group_backend=backend, gradient_as_bucket_view=True, timeout=_PATIENCE)
        if self.strategy == "fsdp":
            return ModelParallelStrategy(
                data_parallel_size=self.processes,
                tensor_parallel_size=1,
                process_group_backend=backend,
                timeout=_PATIENCE,
            )
        return "auto"


def choose_placement(settings: TrainerSettings) -> Placement:
    """Settle what the settings leave open; processes started by torchrun or SLURM are counted as they are.

    Raises:
        ConfigError: the GPUs or processes asked for aren't there; the message says what is and what would work.
    """
    accelerator = _accelerator(settings)
    launched = launched_processes()
    devices, num_nodes, notes = _devices(settings, accelerator), settings.num_nodes, []
    if launched is not None and launched != (devices, num_nodes):
        if settings.devices != "auto":
            notes.append(
                f"trainer.devices {settings.devices} and num_nodes {num_nodes} of the settings gave way to the "
                f"launcher's {launched[0]} and {launched[1]}"
            )
        devices, num_nodes = launched
    if accelerator == "cuda" and devices > torch.cuda.device_count():
        raise ConfigError(
            f"trainer.devices: {devices} GPUs are asked for, {torch.cuda.device_count()} are there; "
            f"set trainer.devices={torch.cuda.device_count()}",
            code="device",
        )
    strategy = settings.strategy
    if strategy == "auto":
        strategy = "single" if devices * num_nodes == 1 else "ddp"
    if strategy == "single" and devices * num_nodes > 1:
        raise ConfigError(
            f"trainer.strategy: single is one process, {devices * num_nodes} were started; use ddp or fsdp",
            code="device",
        )
    return Placement(accelerator, devices, num_nodes, strategy, _precision(settings, accelerator), tuple(notes))


def launched_processes() -> tuple[int, int] | None:
    """Processes a machine and machines, where torchrun started this one; None where nobody did."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return None
    local, world = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    return local, world // local


def is_first_process() -> bool:
    """Whether this process is the one that writes."""
    return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0


def _accelerator(settings: TrainerSettings) -> Literal["cpu", "cuda"]:
    there = torch.cuda.is_available()
    if settings.accelerator == "gpu" and not there:
        build = "without CUDA" if torch.version.cuda is None else f"for CUDA {torch.version.cuda}"
        raise ConfigError(
            f"trainer.accelerator: a GPU is asked for, but PyTorch {torch.__version__} ({build}) sees none; install a "
            "driver and a PyTorch that fits it, or run on the CPU: trainer.accelerator=cpu trainer.devices=1 "
            "trainer.strategy=auto (see Training/configs/small-cpu.yaml for settings that a CPU bears)",
            code="device",
        )
    return "cuda" if there and settings.accelerator != "cpu" else "cpu"


def _devices(settings: TrainerSettings, accelerator: str) -> int:
    if settings.devices != "auto":
        return settings.devices
    return torch.cuda.device_count() if accelerator == "cuda" and settings.strategy != "single" else 1


def _precision(settings: TrainerSettings, accelerator: str) -> LightningPrecision:
    wanted = settings.precision
    if wanted == "auto":
        wanted = "32" if accelerator == "cpu" else "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    if wanted == "fp16" and accelerator == "cpu":
        raise ConfigError("trainer.precision: fp16 needs a GPU; use bf16 or 32 on a CPU", code="device")
    words: dict[str, LightningPrecision] = {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
    return words[wanted]

"""What a trainer is measured on: the same network, volumes and batch for all, one batch after another on demand."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal, get_args

import psutil
import torch
from torch import Tensor

from deepstroke.errors import ConfigError
from deepstroke.networks import least_size
from deepstroke.regions import REGIONS

TrainerName = Literal["deepstroke", "plain", "nnunet"]
CLASSES = 1 + len(REGIONS)
#: The published depth; smaller volumes have fewer levels.
_MOST_LEVELS = 7


@dataclass(frozen=True)
class Work:
    """One contender and its work.

    Attributes:
        trainer: our Lightning trainer, a loop of plain PyTorch with the same network, or nnU-Net's trainer.
        size: voxels along each axis.
        batch: volumes of a step.
        base_channels: of the finest level.
        device: ``"cpu"`` or ``"cuda"``.
        precision: of the arithmetic; nnU-Net always takes 32 bits on a CPU and fp16 on a GPU.
        threads: of PyTorch on a CPU.
        chunked: the loss by chunks.
        checkpointed: activations computed again in the backward pass.
        compiled: by ``torch.compile``.

    Raises:
        ConfigError: a value is out of range; one fault a line.
    """

    trainer: TrainerName = "plain"
    size: int = 64
    batch: int = 2
    base_channels: int = 8
    device: Literal["cpu", "cuda"] = "cpu"
    precision: Literal["32", "bf16"] = "32"
    threads: int = 1
    chunked: bool = False
    checkpointed: bool = False
    compiled: bool = False

    def __post_init__(self) -> None:
        counts = {"batch": self.batch, "base_channels": self.base_channels, "threads": self.threads}
        faults = [f"{name}: 1 or more is expected, found {value}" for name, value in counts.items() if value < 1]
        if self.size < least_size(1):
            faults.append(f"size: {least_size(1)} or more is expected, found {self.size}")
        elif self.size % (divisor := 1 << self.depth - 1):
            faults.append(f"size: a multiple of {divisor} is expected for {self.depth} levels, found {self.size}")
        if self.trainer not in get_args(TrainerName):
            faults.append(f"trainer: one of {', '.join(get_args(TrainerName))} is expected, found {self.trainer!r}")
        if faults:
            raise ConfigError("\n".join(faults), code="benchmark-settings")

    @property
    def depth(self) -> int:
        """The most levels, up to the published seven, that the volume allows."""
        return max(depth for depth in range(1, _MOST_LEVELS + 1) if least_size(depth) <= self.size)

    @property
    def name(self) -> str:
        """As it stands in the table."""
        traits = {"chunked loss": self.chunked, "checkpointed": self.checkpointed, "compiled": self.compiled}
        return ", ".join([self.trainer, *(trait for trait, there in traits.items() if there)])

    @property
    def network_settings(self) -> dict[str, Any]:
        """Of ``UNet3D``."""
        return {
            "base_channels": self.base_channels,
            "depth": self.depth,
            "checkpoint_activations": self.checkpointed,
        }

    def make_batch(self) -> dict[str, Any]:
        """Noise and cubes of labels, in a batch as the data module gives it."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.batch, 1, self.size, self.size, self.size)
        coarse = torch.randint(0, CLASSES, (self.batch, 1, 4, 4, 4), generator=generator, dtype=torch.uint8)
        each = -(-self.size // 4)
        for axis in (2, 3, 4):
            coarse = coarse.repeat_interleave(each, dim=axis)
        label = coarse[:, :, : self.size, : self.size, : self.size].contiguous()
        return {
            "image": torch.rand(shape, generator=generator),
            "label": label,
            "case": [f"case{number}" for number in range(self.batch)],
            "stage": ["raw"] * self.batch,
        }


@dataclass(frozen=True)
class StepTimes:
    """Of some steps in a row.

    Attributes:
        wall_s, cpu_s: each step's, by the clock and by all processors of the process.
        peak_mb: most memory: of the process so far on a CPU, of PyTorch's allocations in these steps on a GPU.
        rest_mb: memory before the first step.
    """

    wall_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    peak_mb: float
    rest_mb: float


class NoMoreOrdersError(Exception):
    """Ends a trainer that would otherwise begin its next epoch."""


class GatedBatches:
    """The same batch again and again, as many times as are asked for; the time between two is that of a step.

    A line with a number on ``orders`` asks for so many steps; their times come back on ``answers`` as a line of JSON.
    The end of ``orders`` raises ``NoMoreOrdersError``. So a trainer that takes batches from here is measured as it is,
    with all it does between batches, and several in processes of their own can take turns.

    Args:
        work: gives batch and device.
        orders, answers: lines.
        length: what ``len`` says, so that trainers don't fetch a batch ahead.
    """

    def __init__(self, work: Work, orders: IO[str], answers: IO[str], length: int = 1_000_000) -> None:
        self._work, self._orders, self._answers, self._length = work, orders, answers, length
        self._batch = work.make_batch()

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[dict[str, Any]]:
        rest_mb = self._memory_mb(peak=False)
        self._answer("ready")
        for order in self._orders:
            if self._work.device == "cuda":  # memory was given back, and fetching it again isn't part of a step
                yield dict(self._batch)
                torch.cuda.reset_peak_memory_stats()
            wall, cpu = [], []
            for _ in range(int(order)):
                self._finish()
                began = time.perf_counter(), time.process_time()
                yield dict(self._batch)
                self._finish()
                wall.append(time.perf_counter() - began[0])
                cpu.append(time.process_time() - began[1])
            times = StepTimes(tuple(wall), tuple(cpu), self._memory_mb(peak=True), rest_mb)
            if self._work.device == "cuda":
                torch.cuda.empty_cache()  # for the others
            self._answer(json.dumps(asdict(times)))
        raise NoMoreOrdersError

    def _answer(self, text: str) -> None:
        self._answers.write(f"{text}\n")
        self._answers.flush()

    def _finish(self) -> None:
        if self._work.device == "cuda":
            torch.cuda.synchronize()

    def _memory_mb(self, peak: bool) -> float:
        if self._work.device == "cuda":
            return (torch.cuda.max_memory_allocated() if peak else torch.cuda.memory_allocated()) / 1e6
        return peak_memory_mb() if peak else psutil.Process().memory_info().rss / 1e6


def peak_memory_mb() -> float:
    """Most resident memory of this process so far."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would also count what the parent held when it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def to_device(batch: dict[str, Any], device: str) -> dict[str, Any]:
    """A batch with its tensors on a device."""
    return {key: each.to(device) if isinstance(each, Tensor) else each for key, each in batch.items()}

"""How long a piece of work takes, by the clock and by the processors."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

Value = TypeVar("Value")


@dataclass(frozen=True)
class Lap:
    """One run of a piece of work.

    Attributes:
        wall_s: by the clock.
        cpu_s: of all threads of this process.
    """

    wall_s: float
    cpu_s: float


def timed(work: Callable[[], Value]) -> tuple[Value, Lap]:
    """What a piece of work gives and how long it took; work that a GPU still does is waited for."""
    _settle()
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    _settle()
    return value, Lap(round(time.perf_counter() - wall, 4), round(time.process_time() - cpu, 4))


def _settle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()

"""Which processor does the work, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deepstroke.errors import ConfigError

#: Free GPU memory in MB with which registration and networks at 2 mm run.
LEAST_FREE_MB = 2000.0


@dataclass(frozen=True)
class Device:
    """A processor that PyTorch can use.

    Attributes:
        name: ``"cpu"`` or ``"cuda:N"``.
        description: what it is, for reports.
        reason: why it was chosen.
    """

    name: str
    description: str
    reason: str


def choose_device(wanted: str = "auto", needs_mb: float = LEAST_FREE_MB) -> Device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    ``auto`` takes the GPU with the most free memory if that is enough, else the processor; ``cuda`` takes the same GPU.

    Args:
        wanted: name of the device.
        needs_mb: free GPU memory that the work needs.

    Raises:
        ConfigError: the name isn't one of these, or the GPU asked for isn't there or has too little free memory; the
            message says what is.
    """
    import torch

    if wanted == "cpu":
        return Device("cpu", _describe_cpu(), "asked for")
    kind, _, number = wanted.partition(":")
    if wanted != "auto" and (kind != "cuda" or not (number == "" or number.isdigit())):
        raise ConfigError(f"device {wanted!r}: expected auto, cpu, cuda or cuda:N", code="device")
    if not torch.cuda.is_available() or int(number or 0) >= torch.cuda.device_count():
        if wanted == "auto":
            return Device("cpu", _describe_cpu(), "no CUDA device was found")
        raise ConfigError(_absent(wanted), code="device")
    index = int(number) if number else max(range(torch.cuda.device_count()), key=_free_mb)
    free_mb = _free_mb(index)
    if free_mb >= needs_mb:
        reason = "asked for" if wanted != "auto" else f"a CUDA device with {free_mb:.0f} MB of free memory was found"
        return Device(f"cuda:{index}", torch.cuda.get_device_name(index), reason)
    short = f"cuda:{index} has {free_mb:.0f} MB of free memory, {needs_mb:.0f} MB are needed"
    if wanted == "auto":
        return Device("cpu", _describe_cpu(), short)
    raise ConfigError(f"{short}; end other programs on it, name another one, or use --device cpu", code="device-memory")


@contextmanager
def threads_shared_by(parts: int) -> Iterator[None]:
    """Work that runs side by side gets an equal share of PyTorch's threads each; more than the cores only wait."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(before // parts, 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _absent(wanted: str) -> str:
    import torch

    return (
        f"device {wanted!r} was asked for, but PyTorch {torch.__version__} sees {torch.cuda.device_count()} CUDA "
        "devices; use --device cpu, or install a CUDA build of PyTorch and a driver that fits it"
    )


def _free_mb(index: int) -> float:
    """Free memory of a GPU in MB."""
    import torch

    return float(torch.cuda.mem_get_info(index)[0] / 1e6)


def _describe_cpu() -> str:
    import os
    import platform

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()} CPU, {cores} cores"

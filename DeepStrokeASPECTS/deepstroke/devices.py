"""Which processor does the work, and why."""

from __future__ import annotations

from dataclasses import dataclass

from deepstroke.errors import ConfigError


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


def choose_device(wanted: str = "auto") -> Device:
    """The device for ``auto``, ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` takes a GPU where there is one.

    Raises:
        ConfigError: the name isn't one of these, or the GPU asked for isn't there; the message says what is.
    """
    import torch

    if wanted == "cpu":
        return Device("cpu", _describe_cpu(), "asked for")
    if wanted == "auto" and not torch.cuda.is_available():
        return Device("cpu", _describe_cpu(), "no CUDA device was found")
    kind, _, number = wanted.partition(":")
    if wanted != "auto" and (kind != "cuda" or not (number == "" or number.isdigit())):
        raise ConfigError(f"device {wanted!r}: expected auto, cpu, cuda or cuda:N", code="device")
    index = int(number or 0)
    if index >= torch.cuda.device_count():
        build = f"PyTorch {torch.__version__}"
        raise ConfigError(
            f"device {wanted!r} was asked for, but {build} sees {torch.cuda.device_count()} CUDA devices; "
            "use --device cpu, or install a CUDA build of PyTorch and a driver that fits it",
            code="device",
        )
    return Device(
        f"cuda:{index}",
        torch.cuda.get_device_name(index),
        "asked for" if wanted != "auto" else "a CUDA device was found",
    )


def _describe_cpu() -> str:
    import os
    import platform

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()} CPU, {cores} cores"

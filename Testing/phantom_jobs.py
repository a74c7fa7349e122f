"""Jobs for worker processes, which import them by name; what they do is known by hand."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from deepstroke.errors import InputError


def work(job: tuple[str, str]) -> int:
    """Count the attempts in a file; then do what the job says."""
    kind, counter = job
    with Path(counter).open("a") as stream:
        stream.write("x")
    if kind == "die" or (kind == "die once" and Path(counter).stat().st_size == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "refuse":
        raise InputError("too small", code="made-up")
    if kind == "fail":
        raise KeyError("secret of a patient")
    return Path(counter).stat().st_size

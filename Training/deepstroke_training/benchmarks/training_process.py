"""Contenders in processes of their own, which take steps in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO

from deepstroke.errors import DeepStrokeError, MissingDependencyError
from deepstroke_training.benchmarks.training_work import StepTimes, Work

_WORKER = "deepstroke_training.benchmarks.training_worker"
#: With this glibc gives large blocks back at once, so that the peak is that of what was in use.
_EXACT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000"}


class Contender:
    """A trainer in a process of its own; use it in a ``with`` statement.

    Args:
        work: what it trains.
        exact_memory: whether its peak memory should leave out what the allocator hoards, which takes time.

    Raises:
        MissingDependencyError: a package that it needs isn't installed.
        DeepStrokeError: it failed; the message ends with what it wrote.
    """

    def __init__(self, work: Work, exact_memory: bool = False) -> None:
        self.work = work
        self._errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        threads = {name: str(work.threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
        extra: Mapping[str, str] = _EXACT_MEMORY if exact_memory else {}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", _WORKER, json.dumps(asdict(work))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={**os.environ, **threads, **extra},
        )
        self._ready = False

    def __enter__(self) -> Contender:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def take(self, steps: int) -> StepTimes:
        """Train for so many steps and say how long each took."""
        if not self._ready:
            self._answer()
            self._ready = True
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        times = json.loads(self._answer())
        return StepTimes(tuple(times["wall_s"]), tuple(times["cpu_s"]), times["peak_mb"], times["rest_mb"])

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.startswith("refused "):
            raise MissingDependencyError(json.loads(line.removeprefix("refused ")))
        if not line:
            self._errors.seek(0)
            written = self._errors.read().strip().splitlines()
            raise DeepStrokeError(f"{self.work.name} failed: {' | '.join(written[-3:])}", code="benchmark")
        return line.strip()

"""A whole run with its data loader: how long steps wait for data, and how busy the GPU is.

``python -m deepstroke_training.benchmarks.training_loading WORK FOLDER`` is the run's process.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from deepstroke.errors import DeepStrokeError
from deepstroke.progress import Progress, silent
from deepstroke_training.benchmarks.training_work import Work

#: The first part of the run, in which workers start and memory is fetched, doesn't count.
_STEPS, _LOG_EVERY, _IGNORED_ROWS = 60, 10, 1
_CASES = 8
_HEAD_MM = 230.0
_COARSEST_MM = 4.0
TARGET_WAITING = 0.05


@dataclass(frozen=True)
class LoadingFigures:
    """Of a run on synthetic cases, augmented as by default.

    Attributes:
        samples_per_s: volumes a second, waiting for data included.
        waiting: share of the time in which the data loader held up training, 0..1.
        memory_gb: most GPU memory allocated; NaN on a CPU.
        utilization: share of time in which the GPU computed, 0..1; None where ``nvidia-smi`` doesn't tell.
        workers: processes of the loader.
    """

    samples_per_s: float
    waiting: float
    memory_gb: float
    utilization: float | None
    workers: int

    def describe(self) -> str:
        """In a sentence."""
        busy = "unknown" if self.utilization is None else f"{self.utilization:.0%}"
        workers = f"{self.workers} workers" if self.workers else "no workers"
        return (
            f"a run with a data loader of {workers}: {self.samples_per_s:.2f} samples/s, {self.memory_gb:.1f} GB, "
            f"GPU busy {busy}, waiting for data {self.waiting:.1%} (target: at most {TARGET_WAITING:.0%})"
        )


def measure_loading(work: Work, progress: Progress = silent, steps: int = _STEPS) -> LoadingFigures:
    """Train so many steps on synthetic cases in a process of its own.

    Args:
        work: network, volume, batch, device and precision.
        progress: told how far it is.
        steps: of the run.

    Raises:
        DeepStrokeError: the run failed; the message ends with what it wrote.
    """
    with tempfile.TemporaryDirectory(prefix="deepstroke-bench-") as name, tempfile.TemporaryFile("w+") as errors:
        progress(0.0, "making cases for a whole run")
        command = [sys.executable, "-W", "ignore", "-m", __name__, json.dumps(asdict(work)), name, str(steps)]
        process = subprocess.Popen(command, stdout=errors, stderr=errors)
        utilization = _watch(process, Path(name) / "run" / "steps.csv", steps // _LOG_EVERY, progress)
        if process.wait() != 0:
            errors.seek(0)
            raise DeepStrokeError(f"the run failed: {errors.read().strip()[-500:]}", code="benchmark")
        return read_figures(Path(name) / "run" / "steps.csv", utilization, _workers(work))


def read_figures(steps: Path, utilization: Sequence[float], workers: int) -> LoadingFigures:
    """Figures of a run from its table of steps, without the rows of its start.

    Args:
        steps: ``steps.csv`` of the run.
        utilization: of the GPU, 0..1, looked at again and again.
        workers: of the loader.
    """
    with steps.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[_IGNORED_ROWS:]
    each = {
        name: [float(row[name] or "nan") for row in rows] for name in ("samples_per_second", "waiting", "memory_gb")
    }
    return LoadingFigures(
        samples_per_s=1 / fmean(1 / rate for rate in each["samples_per_second"]),
        waiting=fmean(each["waiting"]),
        memory_gb=max(each["memory_gb"]),
        utilization=fmean(utilization) if utilization else None,
        workers=workers,
    )


def _watch(process: subprocess.Popen, steps: Path, rows: int, progress: Progress) -> list[float]:
    """Look at the GPU while steps are done, until the process ends."""
    seen = []
    while process.poll() is None:
        written = len(steps.read_text(encoding="utf-8").splitlines()) - 1 if steps.exists() else 0
        if _IGNORED_ROWS <= written < rows:
            seen += _gpu_utilization()
        progress(max(written, 0) / (rows + 1), "training with the data loader")
        time.sleep(0.5)
    return seen


def _gpu_utilization() -> list[float]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False).stdout.strip()
    return [int(answer) / 100] if answer.isdigit() else []


def _workers(work: Work) -> int:
    return min(8, (os.cpu_count() or 1) - 1) if work.device == "cuda" else 0


def main(arguments: Sequence[str]) -> int:
    """Do the run."""
    from deepstroke_training.benchmarks.training_ours import run_settings
    from deepstroke_training.data import DataSettings, SyntheticSettings
    from deepstroke_training.training.fit import fit

    work, folder, steps = Work(**json.loads(arguments[0])), Path(arguments[1]), int(arguments[2])
    data = DataSettings(
        synthetic=SyntheticSettings(cases=_CASES, validation_cases=1, test_cases=0, device=work.device),
        spacing_mm=min(_HEAD_MM / work.size, _COARSEST_MM),
        shape=(work.size,) * 3,
        batch_size=work.batch,
        samples_per_epoch=steps * work.batch,
        workers=_workers(work),
        cache=folder / "cache",
    )
    fit(run_settings(work, data, steps), folder / "run")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

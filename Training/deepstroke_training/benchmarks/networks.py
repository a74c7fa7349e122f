"""``deepstroke-train bench networks``: UNet3D, DynUNet and SwinUNETR on the same heads, loss and budget."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from deepstroke import __version__
from deepstroke.commands.console import table
from deepstroke.errors import DeepStrokeError
from deepstroke.evaluation import PairedDifference, paired_bootstrap
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent, within
from deepstroke_training.benchmarks.networks_errors import errors_table
from deepstroke_training.benchmarks.networks_work import HeadFacts, NetworksWork, make_cases, read_case
from deepstroke_training.benchmarks.networks_worker import NetworkFigures
from deepstroke_training.configuration import as_mapping

_WORKER = "deepstroke_training.benchmarks.networks_worker"
#: With this glibc gives large blocks back at once, so that the peak is that of what was in use.
_EXACT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000"}


@dataclass(frozen=True)
class NetworksBenchmark:
    """Everything that was measured.

    Attributes:
        work: of all.
        figures: of each network, in the work's order.
        facts: of the held-out heads.
        machine: processor and versions.
    """

    work: NetworksWork
    figures: tuple[NetworkFigures, ...]
    facts: tuple[HeadFacts, ...]
    machine: str

    def dice(self, number: int) -> NDArray[np.float64]:
        """(cases, 10) of a network; nan where a case lacks the region."""
        return np.array(self.figures[number].dice, dtype=np.float64)

    def beside_first(self, number: int) -> PairedDifference:
        """A network's mean Dice of each case minus the first network's."""
        theirs, first = (np.nanmean(self.dice(each), axis=1) for each in (number, 0))
        return paired_bootstrap(theirs, first, [str(case) for case in range(len(first))])

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "benchmark": "networks",
            "version": __version__,
            "machine": self.machine,
            "work": as_mapping(self.work),
            "figures": [asdict(each) for each in self.figures],
            "facts": [asdict(each) for each in self.facts],
            "differences": [
                {"mean": float(pair.difference), "low": pair.difference.low, "high": pair.difference.high}
                for pair in map(self.beside_first, range(1, len(self.figures)))
            ],
        }

    def table(self) -> str:
        """The figures as text, and where the networks err."""
        clock = "s" if self.work.device == "cuda" else "CPU s"
        header = ["network", "parameters", "steps", f"{clock} a step", f"{clock} a head", "train MB", "mean Dice"]
        rows = [self._row(number) for number in range(len(self.figures))]
        i, j, k = self.work.shape
        remark = (
            f"{self.work.training_cases} training and {self.work.held_out_cases} held-out synthetic heads of "
            f"{i} x {j} x {k} voxels of {self.work.spacing_mm:g} mm, batch {self.work.batch}, "
            f"{self.work.precision} in training, {self.machine}"
        )
        names = [choice.name for choice in self.work.networks]
        errors = errors_table(names, [self.dice(number) for number in range(len(names))], self.facts)
        return f"{table([*header, 'beside the first (95 %)'], rows)}\n{remark}\n\n{errors}"

    def _row(self, number: int) -> list[str]:
        each, choice = self.figures[number], self.work.networks[number]
        found = [f"{each.parameters:,}", str(each.steps), f"{each.step_s:.2f}", f"{each.infer_s:.2f}"]
        found += [f"{each.train_mb:.0f}", f"{np.nanmean(np.nanmean(self.dice(number), axis=1)):.3f}"]
        if number == 0:
            return [choice.name, *found, ""]
        d = self.beside_first(number).difference
        return [choice.name, *found, f"{d:+.3f} ({d.low:+.3f} to {d.high:+.3f})"]


def run(work: NetworksWork, output: Path | None = None, progress: Progress = silent) -> NetworksBenchmark:
    """Train and test all networks, one process after the other.

    Args:
        work: of all.
        output: a JSON file for the figures; the table is written beside it (``.md``).
        progress: told what runs.

    Raises:
        DeepStrokeError: a network failed; the message ends with what it wrote.
    """
    with tempfile.TemporaryDirectory(prefix="networks-") as name:
        folder = Path(name)
        make_cases(work, folder, within(progress, 0.0, 0.2))
        write_json(as_mapping(work), folder / "work.json")
        figures = []
        for number, choice in enumerate(work.networks):
            progress(0.2 + 0.8 * number / len(work.networks), f"training {choice.name}")
            figures.append(_in_process(folder, number, choice.name))
        facts = [read_case(folder, work.training_cases + number).facts for number in range(work.held_out_cases)]
    result = NetworksBenchmark(work, tuple(figures), tuple(facts), _machine(work.device))
    if output is not None:
        write_json(result.as_dict(), output)
        output.with_suffix(".md").write_text(f"```\n{result.table()}\n```\n", encoding="utf-8")
    progress(1.0, "done")
    return result


def _in_process(folder: Path, number: int, name: str) -> NetworkFigures:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", _WORKER, str(folder / "work.json"), str(folder), str(number)],
        capture_output=True,
        text=True,
        env={**os.environ, **_EXACT_MEMORY},
        check=False,
    )
    if done.returncode:
        last = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise DeepStrokeError(f"{name} failed: {last}", code="benchmark")
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    return NetworkFigures(**{**figures, "dice": tuple(map(tuple, figures["dice"]))})


def _machine(device: str) -> str:
    processor = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()} CPU"
    return f"{processor}, Python {platform.python_version()}, PyTorch {torch.__version__}"

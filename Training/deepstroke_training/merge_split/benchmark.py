"""``deepstroke-train bench merge-split``: one network trained on all labels and on merged ones, in one run."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal

import torch

from deepstroke import __version__
from deepstroke.commands.console import table
from deepstroke.errors import DeepStrokeError
from deepstroke.evaluation import PairedDifference, paired_bootstrap
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent
from deepstroke_training.merge_split.benchmark_work import MergeWork, Phase, make_cases, make_slide_case
from deepstroke_training.merge_split.benchmark_worker import PhaseTimes

_WORKER = "deepstroke_training.merge_split.benchmark_worker"
#: With this glibc gives large blocks back at once, so that the peak is that of what was in use.
_EXACT_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
#: The paper's: 250 batches are an epoch.
_BATCHES_AN_EPOCH = 250
#: Steps and volumes with which memory is measured.
_MEMORY_STEPS = 2
#: At most this much of the unmerged model's (the paper has 0.49, 0.54, 0.78 and 0.5).
TARGETS: Mapping[str, float] = {
    "training memory": 0.5,
    "epoch time": 0.57,
    "inference memory": 0.8,
    "inference time": 0.5,
}


@dataclass(frozen=True)
class ContenderFigures:
    """What one contender took.

    Attributes:
        name: unmerged or merged.
        channels: of the network's output, background included.
        train, infer: times; and Dice of held-out cases.
        train_mb, infer_mb: memory of a step and of a volume, beyond what lay there before.
        slid: times of larger volumes, through which windows slid, where that was asked for; ``infer_mb`` is theirs.
    """

    name: str
    channels: int
    train: PhaseTimes
    infer: PhaseTimes
    train_mb: float
    infer_mb: float
    slid: PhaseTimes | None = None

    def measures(self, device: str) -> dict[str, float]:
        """What the targets are about, by name: MB and seconds."""
        clock = "wall_s" if device == "cuda" else "cpu_s"
        return {
            "training memory": self.train_mb,
            "epoch time": median(getattr(self.train, clock)) * _BATCHES_AN_EPOCH,
            "inference memory": self.infer_mb,
            "inference time": median(getattr(self.slid or self.infer, clock)),
        }


@dataclass(frozen=True)
class MergeBenchmark:
    """Everything that was measured.

    Attributes:
        work: of the unmerged contender.
        unmerged, merged: figures.
        dice: merged beside unmerged on the same held-out cases.
        machine: processor and versions.
    """

    work: MergeWork
    unmerged: ContenderFigures
    merged: ContenderFigures
    dice: PairedDifference
    machine: str

    def ratios(self) -> dict[str, float]:
        """The merged contender's measures as shares of the other's."""
        whole, part = self.unmerged.measures(self.work.device), self.merged.measures(self.work.device)
        return {name: part[name] / whole[name] for name in TARGETS}

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "benchmark": "merge-split",
            "version": __version__,
            "machine": self.machine,
            "work": asdict(self.work),
            "ratios": self.ratios(),
            "targets": dict(TARGETS),
            "dice_difference": {
                "mean": float(self.dice.difference),
                "low": self.dice.difference.low,
                "high": self.dice.difference.high,
                "p_value": self.dice.p_value,
            },
            "contenders": [asdict(each) for each in (self.unmerged, self.merged)],
        }

    def table(self) -> str:
        """The figures as text."""
        rows = [self._row(each) for each in (self.unmerged, self.merged)]
        ratios = [f"{self.ratios()[name]:.2f}" for name in TARGETS]
        targets = [f"<= {target:g}" for target in TARGETS.values()]
        share = f"{self.merged.channels / self.unmerged.channels:.2f}"
        rows += [["merged / unmerged", share, *ratios, ""], ["wanted", "", *targets, "not worse"]]
        difference = self.dice.difference
        remarks = [
            f"Dice merged - unmerged: {difference:+.4f} ({difference.low:+.4f} to {difference.high:+.4f}), "
            f"p {self.dice.p_value:.3f}, {self.dice.cases} held-out cases, {self.work.steps} steps of training",
            f"{self.work.size}^3 voxels, batch {self.work.batch}, {self.work.base_channels} channels, "
            f"{'loss by chunks, ' if self.work.chunked else ''}{self.machine}",
        ]
        if self.work.slide_size:
            remarks.append(f"inference: windows of {self.work.size}^3 through {self.work.slide_size}^3 voxels")
        return "\n".join([table(self._header(), rows), *remarks])

    def _header(self) -> list[str]:
        clock = "" if self.work.device == "cuda" else "CPU "
        return ["model", "labels", "train MB", f"epoch {clock}s", "infer MB", f"infer {clock}s", "mean Dice"]

    def _row(self, figures: ContenderFigures) -> list[str]:
        memory, epoch, infer_memory, infer = figures.measures(self.work.device).values()
        numbers = [f"{memory:.0f}", f"{epoch:.0f}", f"{infer_memory:.0f}", f"{infer:.2f}"]
        return [figures.name, str(figures.channels), *numbers, f"{fmean(figures.infer.dice):.3f}"]


def run(work: MergeWork, output: Path | None = None, progress: Progress = silent) -> MergeBenchmark:
    """Train and apply both contenders, one process after the other.

    Args:
        work: of the unmerged contender.
        output: a JSON file for the figures; the table is written beside it (``.md``).
        progress: told what runs.

    Raises:
        DeepStrokeError: a contender failed; the message ends with what it wrote.
    """
    with tempfile.TemporaryDirectory(prefix="merge-split-") as name:
        folder = Path(name)
        progress(0.0, "making cases and plan")
        plan = make_cases(work, folder)
        if work.slide_size:
            make_slide_case(work, folder)
        unmerged = _measure(replace(work, merged=False), plan.n_labels, folder, progress, 0.1)
        merged = _measure(replace(work, merged=True), plan.n_merged, folder, progress, 0.6)
    cases = [str(number) for number in range(work.held_out_cases)]
    dice = paired_bootstrap(merged.infer.dice, unmerged.infer.dice, cases)
    result = MergeBenchmark(work, unmerged, merged, dice, _machine(work.device))
    if output is not None:
        write_json(result.as_dict(), output)
        output.with_suffix(".md").write_text(f"```\n{result.table()}\n```\n", encoding="utf-8")
    progress(1.0, "done")
    return result


def choose_device(wanted: str) -> Literal["cpu", "cuda"]:
    """``cuda`` where it is asked for or there; else ``cpu``."""
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return "cuda" if wanted.startswith("cuda") else "cpu"


def _measure(work: MergeWork, channels: int, folder: Path, progress: Progress, start: float) -> ContenderFigures:
    progress(start, f"training, {work.name}")
    train = _in_process(work, folder, "train")
    progress(start + 0.25, f"inference, {work.name}")
    infer = _in_process(work, folder, "infer")
    slid = _in_process(work, folder, "slide") if work.slide_size else None
    applied = slid or infer
    train_mb, infer_mb = train.peak_mb - train.rest_mb, applied.peak_mb - applied.rest_mb
    if work.device == "cpu":  # another two processes, whose allocator hoards nothing, which takes time
        short = replace(work, steps=_MEMORY_STEPS, held_out_cases=_MEMORY_STEPS)
        phases: tuple[Phase, Phase] = ("slide" if work.slide_size else "infer", "train")
        again = [_in_process(short, folder, phase, exact=True) for phase in phases]
        infer_mb, train_mb = (each.peak_mb - each.rest_mb for each in again)
    return ContenderFigures(work.name, channels, train, infer, train_mb, infer_mb, slid)


def _in_process(work: MergeWork, folder: Path, phase: Phase, exact: bool = False) -> PhaseTimes:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", _WORKER, json.dumps(asdict(work)), str(folder), phase],
        capture_output=True,
        text=True,
        env={**os.environ, **(_EXACT_MEMORY if exact else {})},
        check=False,
    )
    if done.returncode:
        last = " | ".join(done.stderr.strip().splitlines()[-3:])
        raise DeepStrokeError(f"{phase} of {work.name} failed: {last}", code="benchmark")
    return PhaseTimes(**json.loads(done.stdout.strip().splitlines()[-1]))


def _machine(device: str) -> str:
    processor = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()} CPU"
    return f"{processor}, Python {platform.python_version()}, PyTorch {torch.__version__}"

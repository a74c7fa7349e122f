"""The benchmark ``training``: our trainer against a plain loop with the same network, and against nnU-Net's step.

Each contender trains on the same volumes in a process of its own; they take turns, so that a busy machine slows all of
them alike. Overheads are medians over the rounds of turns.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any, Literal

import torch

from deepstroke import __version__
from deepstroke.commands.console import table
from deepstroke.errors import MissingDependencyError
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent, within
from deepstroke_training.benchmarks.training_loading import LoadingFigures, measure_loading
from deepstroke_training.benchmarks.training_process import Contender
from deepstroke_training.benchmarks.training_work import StepTimes, Work

#: What our trainer may take beyond the plain loop, and the data loader of a run's time.
TARGET_OVERHEAD = 0.05
#: Steps of each contender before those that count: kernels are chosen, memory is fetched, networks are compiled.
_WARM_UP = 2
_TURN = 2


@dataclass(frozen=True)
class ContenderFigures:
    """One contender.

    Attributes:
        name: of the trainer and what it does otherwise.
        rounds: its turns, in order.
        peak_mb: most memory: of the process on a CPU, of PyTorch's allocations on a GPU.
        step_mb: the same beyond what was in use before the first step.
    """

    name: str
    rounds: tuple[StepTimes, ...]
    peak_mb: float
    step_mb: float

    @property
    def wall_s(self) -> float:
        """Median of a step by the clock."""
        return median(second for turn in self.rounds for second in turn.wall_s)

    @property
    def cpu_s(self) -> float:
        """Mean of a step by the processors."""
        return fmean(second for turn in self.rounds for second in turn.cpu_s)

    def beyond(self, other: ContenderFigures, clock: Literal["wall_s", "cpu_s"]) -> float:
        """How much longer its steps take than another's, as a fraction: the median over the rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return median(fmean(getattr(own, clock)) / fmean(getattr(its, clock)) for own, its in pairs) - 1

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        return {
            "name": self.name,
            "wall_s": self.wall_s,
            "cpu_s": self.cpu_s,
            "peak_mb": self.peak_mb,
            "step_mb": self.step_mb,
            "rounds": [{"wall_s": turn.wall_s, "cpu_s": turn.cpu_s} for turn in self.rounds],
        }


@dataclass(frozen=True)
class TrainingBenchmark:
    """Everything that was measured.

    Attributes:
        machine: processor, versions.
        work: of the plain loop.
        contenders: the plain loop first.
        skipped: why a contender or figure is missing, by name.
        loading: of a whole run with its data loader, on a GPU.
        load: the machine's load average before.
    """

    machine: str
    work: Work
    contenders: tuple[ContenderFigures, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)
    loading: LoadingFigures | None = None
    load: float = 0.0

    def of(self, name: str) -> ContenderFigures:
        """One contender's figures."""
        return next(figures for figures in self.contenders if figures.name == name)

    @property
    def overhead(self) -> float:
        """What our trainer takes beyond the plain loop, of wall time on a GPU and of processor time on a CPU."""
        clock: Literal["wall_s", "cpu_s"] = "wall_s" if self.work.device == "cuda" else "cpu_s"
        return self.of("deepstroke").beyond(self.of("plain"), clock)

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        plain = self.of("plain")
        rows = [
            {
                **each.as_dict(),
                "samples_per_s": self.work.batch / each.wall_s,
                "wall_beyond_plain": each.beyond(plain, "wall_s"),
                "cpu_beyond_plain": each.beyond(plain, "cpu_s"),
                "memory_gain": 1 - each.step_mb / plain.step_mb,
            }
            for each in self.contenders
        ]
        return {
            "benchmark": "training",
            "version": __version__,
            "machine": self.machine,
            "load_before": self.load,
            "work": {**asdict(self.work), "depth": self.work.depth},
            "overhead": self.overhead,
            "target_overhead": TARGET_OVERHEAD,
            "contenders": rows,
            "loading": None if self.loading is None else asdict(self.loading),
            "skipped": dict(self.skipped),
        }

    def table(self) -> str:
        """The figures as text."""
        rows = [_header(), *(self._row(each) for each in self.contenders)]
        return "\n".join([table(rows[0], rows[1:]), "", *self._remarks()])

    def markdown(self) -> str:
        """The same for a page."""
        rows = [_header(), ["---"] * len(_header()), *(self._row(each) for each in self.contenders)]
        return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", *(f"- {text}" for text in self._remarks())])

    def _row(self, each: ContenderFigures) -> list[str]:
        plain = self.of("plain")
        times = [f"{each.wall_s:.3f}", f"{each.cpu_s:.3f}", f"{self.work.batch / each.wall_s:.2f}"]
        memory = [f"{each.step_mb:.0f}", f"{each.peak_mb:.0f}"]
        if each is plain:
            return [each.name, *times, "-", "-", *memory, "-"]
        beyond = [f"{each.beyond(plain, clock):+.1%}" for clock in ("wall_s", "cpu_s")]
        return [each.name, *times, *beyond, *memory, f"{each.step_mb / plain.step_mb - 1:+.0%}"]

    def _remarks(self) -> list[str]:
        work = self.work
        clock = "wall" if work.device == "cuda" else "processor"
        threads = "" if work.device == "cuda" else f"{work.threads} thread{'s' * (work.threads > 1)} each, "
        texts = [
            f"overhead of our trainer over the plain loop: {self.overhead:+.1%} of {clock} time "
            f"(target: at most {TARGET_OVERHEAD:.0%})",
            f"volumes of {work.size}^3, batch {work.batch}, {work.base_channels} channels, {work.depth} levels, "
            f"precision {work.precision}; nnU-Net: as many levels and channels, the finest at the volume's size",
            f"{self.machine}, {threads}load before: {self.load:.1f}",
        ]
        if self.loading is not None:
            texts.append(self.loading.describe())
        return [*texts, *(f"not measured: {name}: {why}" for name, why in self.skipped.items())]


def run(
    size: int = 64,
    batch: int = 2,
    base_channels: int = 8,
    steps: int = 20,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    threads: int = 1,
    output: Path | None = None,
    progress: Progress = silent,
) -> TrainingBenchmark:
    """Measure training steps.

    Args:
        size: voxels along each axis of a volume; 256 is the published one.
        batch: volumes of a step.
        base_channels: of the network.
        steps: of each contender, that count.
        device: ``"auto"``: a GPU where there is one. On a GPU the network computes in bf16, on a CPU in 32 bits.
        threads: of PyTorch on a CPU.
        output: a JSON file for the figures; a page with the table is written beside it (``.md``).
        progress: told how far it is.

    Raises:
        ConfigError: a value is out of range.
        DeepStrokeError: a contender failed.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    precision: Literal["32", "bf16"] = "bf16" if device == "cuda" else "32"
    plain = Work("plain", size, batch, base_channels, device, precision, threads)
    load = os.getloadavg()[0]
    found, skipped = _take_turns(_contenders(plain), -(-steps // _TURN), within(progress, 0.0, 0.7))
    if device == "cpu":
        found = [_with_exact_memory(each, plain, within(progress, 0.7, 1.0)) for each in found]
    loading = measure_loading(plain, within(progress, 0.7, 1.0)) if device == "cuda" else None
    skipped |= _skipped_on(device)
    result = TrainingBenchmark(_machine(device), plain, tuple(found), skipped, loading, load)
    if output is not None:
        write_json(result.as_dict(), output)
        options = f"--size {size} --batch {batch} --base-channels {base_channels} --steps {steps} --device {device}"
        page = f"`deepstroke-train bench training {options}`\n\n{result.markdown()}\n"
        output.with_suffix(".md").write_text(page, encoding="utf-8")
    progress(1.0, "done")
    return result


def _contenders(plain: Work) -> list[Work]:
    changes: list[dict[str, Any]] = [
        {},
        {"trainer": "deepstroke"},
        {"trainer": "nnunet"},
        {"chunked": True},
        {"checkpointed": True},
        {"chunked": True, "checkpointed": True},
    ]
    if plain.device == "cuda":
        changes.append({"compiled": True})
    return [replace(plain, **change) for change in changes]


def _skipped_on(device: str) -> dict[str, str]:
    if device == "cuda":
        return {}
    why = "there is no CUDA device, or it wasn't asked for"
    return dict.fromkeys(("compiled", "GPU utilisation", "share of time the data loader blocks"), why)


def _take_turns(
    works: Sequence[Work], rounds: int, progress: Progress
) -> tuple[list[ContenderFigures], dict[str, str]]:
    """Each contender trains a few steps, then the next, so many times around."""
    turns: dict[str, list[StepTimes]] = {}
    skipped = {}
    with ExitStack() as stack:
        running = []
        for work in works:
            progress(0.0, f"starting {work.name}")
            contender = stack.enter_context(Contender(work))
            try:
                contender.take(_WARM_UP)
                running.append(contender)
            except MissingDependencyError as error:
                skipped[work.name] = str(error)
        for number in range(rounds):
            for contender in running:
                progress(number / rounds, f"round {number + 1} of {rounds}: {contender.work.name}")
                turns.setdefault(contender.work.name, []).append(contender.take(_TURN))
    found = [
        ContenderFigures(name, tuple(own), own[-1].peak_mb, own[-1].peak_mb - own[-1].rest_mb)
        for name, own in turns.items()
    ]
    return found, skipped


def _with_exact_memory(figures: ContenderFigures, plain: Work, progress: Progress) -> ContenderFigures:
    """The same figures with the peak memory of a process whose allocator hoards nothing."""
    progress(0.0, f"memory of {figures.name}")
    work = next(work for work in _contenders(plain) if work.name == figures.name)
    with Contender(work, exact_memory=True) as contender:
        last = contender.take(_WARM_UP)
    return replace(figures, peak_mb=last.peak_mb, step_mb=last.peak_mb - last.rest_mb)


def _header() -> list[str]:
    beside = ["wall beside plain", "CPU beside plain", "step MB", "peak MB", "memory beside plain"]
    return ["trainer", "wall s a step", "CPU s a step", "samples/s", *beside]


def _machine(device: str) -> str:
    processor = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()} CPU"
    return f"{processor}, Python {platform.python_version()}, PyTorch {torch.__version__}"

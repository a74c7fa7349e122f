"""Curation measured: indexing a DICOMDIR against pydicom's FileSet, two workers against one, and what a cohort takes.

Every figure comes from this run on this machine; estimates are scaled from them and say so.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deepstroke.commands.console import table
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent, within
from deepstroke_training.benchmarks.curation_truth import TruthFigures
from deepstroke_training.benchmarks.curation_truth import measure as measure_truth
from deepstroke_training.benchmarks.media import make_dicomdir
from deepstroke_training.synthesis import synthesize

#: What the index is measured on, and what it must not exceed.
RECORDS = 55_000
TARGET_SECONDS, TARGET_MB, TARGET_SPEEDUP = 2.0, 200.0, 1.7
#: Cohorts and machines of the estimate: series, and cores of one node.
COHORTS = (1_700, 50_000)
NODE_CORES, NODES = 24, (1, 20)
#: Of the synthetic media.
SEED = 3


@dataclass(frozen=True)
class IndexFigures:
    """One way of indexing a DICOMDIR, in a process of its own.

    Attributes:
        name: of the way.
        files, series: how many it found.
        seconds: wall time without the start of Python.
        cpu_seconds: processor time of the same, which a crowded machine changes less.
        peak_mb: most resident memory of the process.
    """

    name: str
    files: int
    series: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


@dataclass(frozen=True)
class ThroughputFigures:
    """The same cases by different numbers of workers.

    Attributes:
        cases: how many.
        coarse: whether registration ran at reduced settings.
        seconds: wall time of curating them, by number of workers.
        load: the machine's load average over the last minute before each run, beside this benchmark.
    """

    cases: int
    coarse: bool
    seconds: Mapping[int, float]
    load: Mapping[int, float]

    @property
    def speedup(self) -> float:
        """How many times faster two workers are than one."""
        return self.seconds[1] / self.seconds[2]


@dataclass(frozen=True)
class CurationFigures:
    """Everything that was measured.

    Attributes:
        machine: processor and cores.
        indexing: this project's index first, then its peer.
        throughput: two workers against one.
        stage_seconds: mean wall seconds of each stage of a case with one worker, at full settings.
        judge_seconds: mean wall seconds of judging one series.
        truth: synthetic media against their truth.
    """

    machine: str
    indexing: Sequence[IndexFigures]
    throughput: ThroughputFigures
    stage_seconds: Mapping[str, float]
    judge_seconds: float
    truth: TruthFigures

    def estimate_hours(self, series: int, nodes: int) -> float:
        """Hours to judge and curate so many series, all usable, on nodes of ``NODE_CORES`` cores like this one's."""
        efficiency = min(self.throughput.speedup / 2, 1.0)
        each = self.judge_seconds + sum(self.stage_seconds.values())
        return series * each / (NODE_CORES * nodes * efficiency) / 3600

    def table(self) -> str:
        """The figures as text."""
        parts = [f"machine: {self.machine}", self._index_table(), self._throughput_text(), self._stage_table()]
        return "\n\n".join([*parts, self._estimate_table(), self.truth.table()])

    def as_dict(self) -> dict[str, Any]:
        """The figures for JSON."""
        estimates = {f"{series} series, {nodes} nodes": self.estimate_hours(series, nodes) for series, nodes in _PLANS}
        measured = {**asdict(self), "truth": self.truth.as_dict()}
        return {**measured, "speedup": self.throughput.speedup, "estimate_hours": estimates}

    def _index_table(self) -> str:
        rows = [
            [f.name, str(f.files), str(f.series), f"{f.seconds:.2f}", f"{f.cpu_seconds:.2f}", f"{f.peak_mb:.0f}"]
            for f in self.indexing
        ]
        target = f"(target: {TARGET_SECONDS:g} s and {TARGET_MB:g} MB)"
        return table(["index of a DICOMDIR", "files", "series", "seconds", "CPU s", "peak MB"], rows) + f"\n{target}"

    def _throughput_text(self) -> str:
        figures = self.throughput
        kind = "registered coarsely" if figures.coarse else "at full settings"
        times = ", ".join(
            f"{n} worker{'s' if n > 1 else ''} {figures.seconds[n]:.1f} s (load before: {figures.load[n]:.1f})"
            for n in sorted(figures.seconds)
        )
        return f"{figures.cases} cases {kind}: {times}: {figures.speedup:.2f} times as fast (target {TARGET_SPEEDUP:g})"

    def _stage_table(self) -> str:
        rows = [["judge", f"{self.judge_seconds:.2f}"]]
        rows += [[stage, f"{seconds:.2f}"] for stage, seconds in self.stage_seconds.items()]
        rows.append(["all", f"{self.judge_seconds + sum(self.stage_seconds.values()):.2f}"])
        return table(["stage of a case, one thread", "seconds"], rows)

    def _estimate_table(self) -> str:
        rows = [
            [f"{series:,} series", f"{nodes} x {NODE_CORES} cores", _duration(self.estimate_hours(series, nodes))]
            for series, nodes in _PLANS
        ]
        return table(["estimate (scaled from the above)", "nodes", "time"], rows)


_PLANS = [(series, nodes) for series in COHORTS for nodes in NODES]


def run(
    cases: int = 4,
    coarse: bool = False,
    patients: int = 4,
    cohort: Path | None = None,
    output: Path | None = None,
    progress: Progress = silent,
) -> CurationFigures:
    """Measure curation.

    Args:
        cases: synthetic cases for throughput and stage times.
        patients: of the synthetic media that are held against their truth.
        cohort: such media with their truth, made by ``synthesize`` with overlays; made for the run without one.
        coarse: register the throughput's cases at reduced settings; stage times are at full ones all the same.
        output: JSON file to write.
        progress: told how far it is.

    Raises:
        InputError: the disk refuses.
    """
    with tempfile.TemporaryDirectory(prefix="deepstroke-bench-") as name:
        folder = Path(name)
        progress(0.0, f"indexing {RECORDS} records")
        indexing = measure_indexing(folder / "medium", RECORDS)
        progress(0.05, "making synthetic media")
        media = _synthetic_media(folder / "media", cases, within(progress, 0.05, 0.1))
        throughput, stages, judging = _measure_cases(media, folder, cases, coarse, within(progress, 0.1, 0.4))
        if cohort is None:
            cohort = folder / "cohort"
            synthesize(cohort, patients, SEED, overlays=True, progress=within(progress, 0.4, 0.6))
        truth = measure_truth(cohort, folder / "truth", progress=within(progress, 0.6, 1.0))
    figures = CurationFigures(_machine(), indexing, throughput, stages, judging, truth)
    if output is not None:
        write_json(figures.as_dict(), output)
    return figures


def measure_indexing(medium: Path, records: int) -> tuple[IndexFigures, IndexFigures]:
    """Index one made DICOMDIR by this project and by pydicom, each in a fresh process."""
    make_dicomdir(medium, records)
    return _in_process("DeepStroke", _OURS, medium), _in_process("pydicom FileSet", _PEER, medium)


_MEASURE = """
import re, sys, time
from pathlib import Path
medium = Path(sys.argv[1])
{imports}
began, began_cpu = time.perf_counter(), time.process_time()
{work}
seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
# Not getrusage, which counts what the process that started this one held.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1e3
print(files, series, seconds, cpu, peak)
"""
_OURS = _MEASURE.format(
    imports="""
from deepstroke_training.curation.file_index import FileIndex
from deepstroke_training.curation.identities import Salt
from deepstroke_training.curation.media import walk
""",
    work="""
index = FileIndex(medium.with_name("index.sqlite"))
unknown = list(walk([medium], index, Salt(b"benchmark-salt-0")))
index.finish_walk()
files, series = index.count_files(), index.count_series()
assert not unknown
""",
)
_PEER = _MEASURE.format(
    imports="from pydicom.fileset import FileSet",
    work="""
media = FileSet(medium / "DICOMDIR")
found = [instance.SeriesInstanceUID for instance in media]
files, series = len(found), len(set(found))
""",
)


def _in_process(name: str, program: str, medium: Path) -> IndexFigures:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(medium)], check=True, capture_output=True, text=True
    )
    files, series, *figures = done.stdout.split()
    seconds, cpu_seconds, peak_mb = map(float, figures)
    return IndexFigures(name, int(files), int(series), seconds, cpu_seconds, peak_mb)


def _synthetic_media(folder: Path, cases: int, progress: Progress) -> Path:
    from deepstroke_training.synthesis import SeriesTags, SyntheticHead, write_series

    maker = SyntheticHead()
    for number in range(cases):
        tags = SeriesTags(f"BENCHMARK-{number}")
        write_series(maker.generate(number), folder / f"PATIENT{number:03d}" / "SERIES001", tags)
        progress((number + 1) / cases, f"{number + 1} of {cases} synthetic heads")
    return folder


def _measure_cases(
    media: Path, folder: Path, cases: int, coarse: bool, progress: Progress
) -> tuple[ThroughputFigures, dict[str, float], float]:
    """Throughput by workers; mean seconds of each stage at full settings; and of judging a series."""
    from deepstroke_training.curation import CurationReport, CurationSettings, coarse_registration, curate_media

    quick = CurationSettings(registration=coarse_registration()) if coarse else CurationSettings()
    plans = [(1, quick), (2, quick), *([(1, CurationSettings())] if coarse else [])]
    reports: list[CurationReport] = []
    load: dict[int, float] = {}
    for number, (workers, settings) in enumerate(plans):
        load.setdefault(workers, os.getloadavg()[0])
        stage = within(progress, number / len(plans), (number + 1) / len(plans))
        reports.append(curate_media([media], folder / f"dataset{number}", settings, workers=workers, progress=stage))
    seconds = {workers: reports[number].phases_s["cases"] for number, workers in enumerate((1, 2))}
    full = reports[-1] if coarse else reports[0]
    stages = {name: sum(times) / len(times) for name, times in full.seconds.items()}
    return ThroughputFigures(cases, coarse, seconds, load), stages, reports[0].phases_s["judge"] / reports[0].series


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"


def _duration(hours: float) -> str:
    return (
        f"{hours * 60:.0f} minutes" if hours < 2 else f"{hours:.1f} hours" if hours < 48 else f"{hours / 24:.1f} days"
    )

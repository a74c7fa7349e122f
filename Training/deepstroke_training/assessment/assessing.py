"""The routes of ``deepstroke segment`` on a cohort of whole scans with known regions."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from deepstroke.commands.console import table
from deepstroke.errors import ConfigError
from deepstroke.inference import find_weights, read_manifest
from deepstroke.nifti import atomic_path, read_label_map, read_volume, write_json
from deepstroke.progress import Progress, silent
from deepstroke_training.assessment.case_routes import ROUTES, AssessmentJob, CaseOutcome, RouteName, assess_case
from deepstroke_training.assessment.reliability import Counts, Reliability
from deepstroke_training.data.making import use_one_thread
from deepstroke_training.evaluation.evaluating import CasePrediction, Evaluation, EvaluationSettings, EvaluationStream
from deepstroke_training.evaluation.folders import pair_files, read_patients
from deepstroke_training.evaluation.records import CaseName

#: Folders of a cohort, as ``synthesize`` and ``curate`` write them.
SCANS, TRUTHS = "raw_volumes", "raw_segmentation"
#: Files of an assessment.
CASES_FILE, SUMMARY_FILE = "cases.csv", "assessment.json"


@dataclass(frozen=True, eq=False)
class Assessment:
    """What was found.

    Attributes:
        folder: holds a folder for each route, ``cases.csv``, ``assessment.json`` and ``reliability.json``.
        cases: how many were tried.
        routes: the evaluation of each route over the cases that it segmented; None where it failed on all.
        failures: of each route, how many cases it refused.
        residual_mm: median over the cases of the network's pose's residual; None without a network.
        reliability: of the network's probabilities; None likewise.
    """

    folder: Path
    cases: int
    routes: Mapping[RouteName, Evaluation | None]
    failures: Mapping[RouteName, int]
    residual_mm: float | None
    reliability: Reliability | None

    def table(self) -> str:
        """Mean Dice of every region on each route, as text."""
        header = ["route", "cases", "failed", "Dice", "side errors"]
        names: list[str] = []
        rows = []
        for route, evaluation in self.routes.items():
            if evaluation is None:
                rows.append([route, "0", str(self.failures[route]), "-", "-"])
                continue
            summary = evaluation.summary
            pooled = [region for region in summary.regions if region.side == "both"]
            names = [region.region for region in pooled]
            figures = [region.figures["dice"] for region in pooled]
            rows.append(
                [
                    route,
                    str(summary.cases),
                    str(self.failures[route]),
                    _text(summary.mean["dice"]),
                    str(sum(region.side_errors for region in pooled)),
                    *(_text(figure) for figure in figures),
                ]
            )
        width = len(header) + len(names)
        text = table([*header, *names], [row + ["-"] * (width - len(row)) for row in rows])
        if self.reliability is not None:
            found = self.reliability
            text += (
                f"\ncalibration error {found.ece_at(found.used):.4f} at temperature {found.used:g}; "
                f"least nll at {found.best:g}, where it is {found.ece_at(found.best):.4f}"
            )
        return text


def assess(
    cohort: Path,
    output: Path,
    routes: Sequence[RouteName] = ("unet",),
    weights: str | Path | None = None,
    device: str = "cpu",
    flips: bool = True,
    workers: int = 1,
    most: int | None = None,
    progress: Progress = silent,
) -> Assessment:
    """Segment every scan of a cohort as ``deepstroke segment`` does, brain extraction included, and compare.

    Args:
        cohort: folder with ``raw_volumes/`` and ``raw_segmentation/`` (1..20), as ``synthesize`` and ``curate`` make.
        output: folder for the results; see ``Assessment``.
        routes: to take.
        weights: name or file of the network's weights; those used by default without one.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        flips: whether the network also sees the mirrored head.
        workers: processes, of one thread each.
        most: so many cases at most.
        progress: told after each case.

    Raises:
        ConfigError: a route isn't known.
        InputError: files are missing, damaged, or don't fit together.
        WeightsError: the weights are missing or can't be used.
    """
    unknown = [route for route in routes if route not in ROUTES]
    if unknown or not routes:
        raise ConfigError(f"routes are {', '.join(ROUTES)}; found {', '.join(unknown) or 'none'}", code="routes")
    path = None if set(routes) == {"atlas"} else find_weights(weights)
    pairs = pair_files(cohort / SCANS, cohort / TRUTHS)
    jobs = [
        AssessmentJob(name, scan, truth, tuple(routes), path, device, flips)
        for name, (scan, truth) in list(pairs.items())[:most]
    ]
    run = _Run(cohort, output, jobs, path)
    with run:
        for done, (job, outcome) in enumerate(_outcomes(jobs, workers), start=1):
            run.add(job, outcome)
            progress(done / len(jobs), f"case {done} of {len(jobs)}")
    return run.result()


def _outcomes(jobs: Sequence[AssessmentJob], workers: int) -> Iterator[tuple[AssessmentJob, CaseOutcome]]:
    if workers <= 1:
        yield from ((job, assess_case(job)) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, use_one_thread) as pool:
        yield from zip(jobs, pool.map(assess_case, jobs), strict=True)


class _Run:
    """Takes the outcomes of the cases in turn; a context manager, since the tables are complete when it ends well."""

    def __init__(self, cohort: Path, output: Path, jobs: Sequence[AssessmentJob], weights: Path | None) -> None:
        self.output, self.jobs, self.weights = output, jobs, weights
        self.patients = read_patients(None, cohort / TRUTHS)
        self.rows: list[dict[str, Any]] = []
        self.counts: Counts | None = None
        self.residuals: list[float] = []
        self.streams: dict[RouteName, EvaluationStream] = {}
        self._stack = ExitStack()

    def __enter__(self) -> _Run:
        settings = EvaluationSettings("sided")
        for route in self.jobs[0].routes:
            stream = EvaluationStream(self.output / route, settings, {"route": route, "weights": self._weights()})
            self.streams[route] = self._stack.enter_context(stream)
        return self

    def __exit__(self, *failure: Any) -> None:
        self._stack.__exit__(*failure)

    def add(self, job: AssessmentJob, outcome: CaseOutcome) -> None:
        """Measure what the routes gave."""
        truth = read_label_map(job.truth).reoriented_to_ras()
        image = read_volume(job.scan).reoriented_to_ras()
        name = CaseName(job.name, self.patients.get(job.name, job.name))
        for route, labels in outcome.labels.items():
            self.streams[route].add(CasePrediction(name, truth.with_labels(labels), truth, image))
        for route in job.routes:
            self.rows.append(
                {
                    "case": job.name,
                    "route": route,
                    "seconds": outcome.seconds.get(route),
                    "brain_seconds": outcome.seconds.get("brain"),
                    "residual_mm": outcome.residual_mm if route == "unet" else None,
                    "failure": outcome.failures.get(route, ""),
                }
            )
        if outcome.residual_mm is not None:
            self.residuals.append(outcome.residual_mm)
        if outcome.counts is not None:
            self.counts = outcome.counts if self.counts is None else self.counts + outcome.counts

    def result(self) -> Assessment:
        """Sum up and write."""
        self._write_rows()
        failures = {r: sum(row["route"] == r and bool(row["failure"]) for row in self.rows) for r in self.streams}
        routes = {route: stream.result() if stream.cases else None for route, stream in self.streams.items()}
        reliability = None if self.counts is None else Reliability.of(self.counts, self._temperature())
        if reliability is not None:
            reliability.write(self.output)
        residual = round(median(self.residuals), 4) if self.residuals else None
        content = {
            "cases": len(self.jobs),
            "weights": self._weights(),
            "flips": self.jobs[0].flips,
            "failures": failures,
            "residual_mm": residual,
            "dice": {
                route: None if one is None else one.summary.mean["dice"].mean  # type: ignore[union-attr]
                for route, one in routes.items()
            },
        }
        write_json(content, self.output / SUMMARY_FILE)
        return Assessment(self.output, len(self.jobs), routes, failures, residual, reliability)

    def _weights(self) -> dict[str, str] | None:
        if self.weights is None:
            return None
        manifest = read_manifest(self.weights)
        return {"name": manifest.name, "sha256": manifest.sha256}

    def _temperature(self) -> float:
        assert self.weights is not None
        return read_manifest(self.weights).output.temperature

    def _write_rows(self) -> None:
        with atomic_path(self.output / CASES_FILE) as temporary, temporary.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(self.rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)


def _text(figure: Any) -> str:
    return "-" if figure is None else f"{figure.mean:.3f}"

"""Evaluate cases as they stream by: records, summary, plots, and pictures of the worst."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from deepstroke.errors import ConfigError, InputError
from deepstroke.evaluation.bootstrap import DRAWS
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.storage import write_table
from deepstroke_training.evaluation.plots import draw_plots
from deepstroke_training.evaluation.record_table import COLUMNS, RECORDS_FILE, RecordTable, read_records
from deepstroke_training.evaluation.records import CaseName, RegionRecord, has_sides, measure_case, without_sides
from deepstroke_training.evaluation.summary import SUMMARY_FILE, Summary, summarize
from deepstroke_training.evaluation.worst import WorstCases

#: Whether regions are told apart by side; ``auto`` looks at the first case.
Sides = Literal["auto", "sided", "unsided"]


@dataclass(frozen=True)
class EvaluationSettings:
    """How an evaluation is made.

    Attributes:
        sides: whether regions are told apart by side; ``unsided`` drops the sides of labels that have them.
        worst: how many of the worst cases are drawn.
        plots: whether plots are drawn.
        draws: resamples of the patients for intervals.
        seed: of the resamples.

    Raises:
        ConfigError: values that are not possible.
    """

    sides: Sides = "auto"
    worst: int = 6
    plots: bool = True
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        faults = []
        if self.sides not in get_args(Sides):
            faults.append(f"sides: one of {', '.join(get_args(Sides))}, found {self.sides!r}")
        if self.worst < 0:
            faults.append(f"worst: at least 0, found {self.worst}")
        if self.draws < 100:
            faults.append(f"draws: at least 100, found {self.draws}")
        if faults:
            raise ConfigError("\n".join(faults), code="settings")


@dataclass(frozen=True, eq=False)
class CasePrediction:
    """A case to be evaluated.

    Attributes:
        name: of the case.
        prediction, truth: labels on one grid, 1..10, or 1..20 with sides.
        image: the scan on that grid, for pictures.
    """

    name: CaseName
    prediction: LabelMap
    truth: LabelMap
    image: Volume | None = None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An evaluation and the folder that holds it.

    Attributes:
        folder: holds ``regions.csv``, ``summary.json``, ``worst.csv`` with ``worst/``, and plots.
        records: of all cases.
        summary: what they come to.
    """

    folder: Path
    records: RecordTable
    summary: Summary


def evaluate_cases(
    cases: Iterable[CasePrediction],
    output: Path,
    settings: EvaluationSettings | None = None,
    source: Mapping[str, Any] | None = None,
    total: int | None = None,
    progress: Progress = silent,
) -> Evaluation:
    """Compare predictions with the truth, one case in memory at a time.

    Args:
        cases: made or read as they are asked for.
        output: folder for the results.
        settings: how.
        source: what is evaluated, for ``summary.json``.
        total: number of cases, for the progress.
        progress: told after each case.

    Raises:
        GeometryError: prediction and truth of a case lie on different grids.
        InputError: there is no case, one is empty or holds other labels, or the disk refuses.
    """
    settings = settings or EvaluationSettings()
    worst = WorstCases(output, settings.worst)
    rows = _records(cases, settings, worst, total, progress)
    write_table(output / RECORDS_FILE, COLUMNS, (record.as_row() for record in rows))
    worst.finish()
    records = read_records(output / RECORDS_FILE)
    summary = summarize(records, settings.draws, settings.seed)
    write_json({**summary.as_dict(), "source": dict(source or {})}, output / SUMMARY_FILE)
    if settings.plots:
        draw_plots(records, output)
    progress(1.0, "evaluated")
    return Evaluation(output, records, summary)


_HINT = "compare without sides (--sides unsided), or say that labels have sides (--sides sided)"


@dataclass
class _Sidedness:
    """Whether labels have sides, settled by the first case."""

    settings: EvaluationSettings
    sided: bool | None = field(default=None)

    def fit(self, name: CaseName, prediction: LabelMap, truth: LabelMap) -> tuple[LabelMap, LabelMap]:
        """Both maps as they are to be compared."""
        if self.settings.sides == "unsided":
            self.sided = False
            return without_sides(prediction), without_sides(truth)
        found = has_sides(prediction), has_sides(truth)
        if self.sided is None:
            self.sided = self.settings.sides == "sided" or all(found)
            if self.settings.sides == "auto" and any(found) and not all(found):
                raise InputError(f"{name}: only one of prediction and truth has labels 11..20; {_HINT}", code="sides")
        if any(found) and not self.sided:
            raise InputError(f"{name}: labels 11..20 occur, the cases before had none; {_HINT}", code="sides")
        return prediction, truth


def _records(
    cases: Iterable[CasePrediction],
    settings: EvaluationSettings,
    worst: WorstCases,
    total: int | None,
    progress: Progress,
) -> Iterator[RegionRecord]:
    sidedness, number = _Sidedness(settings), 0
    for number, case in enumerate(cases, start=1):
        prediction, truth = sidedness.fit(case.name, case.prediction, case.truth)
        records = list(measure_case(case.name, prediction, truth, bool(sidedness.sided)))
        worst.offer(case.name, records, prediction, truth, case.image)
        yield from records
        if total:
            progress(0.95 * min(number / total, 1.0), f"case {number} of {total}")
    if not number:
        raise InputError("there is no case to evaluate", code="no-cases")

"""Evaluate cases as they stream by: records, summary, plots, and pictures of the worst."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from deepstroke.errors import ConfigError, InputError
from deepstroke.evaluation.bootstrap import DRAWS
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.evaluation.plots import PLOTS, draw_plots
from deepstroke_training.evaluation.record_table import RECORDS_FILE, RecordTable, read_records, writing_records
from deepstroke_training.evaluation.records import CaseName, has_sides, measure_case, without_sides
from deepstroke_training.evaluation.summary import SUMMARY_FILE, Summary, summarize
from deepstroke_training.evaluation.worst import WORST_FILE, WorstCases

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


class EvaluationStream:
    """Takes cases one after the other; a context manager, for the table is complete when the block ends well.

    Args:
        output: folder for the results.
        settings: how.
        source: what is evaluated, for ``summary.json``.

    Example:
        >>> with EvaluationStream(Path("evaluation")) as stream:  # doctest: +SKIP
        ...     stream.add(case)
        >>> stream.result().summary.mean["dice"]  # doctest: +SKIP
    """

    def __init__(
        self, output: Path, settings: EvaluationSettings | None = None, source: Mapping[str, Any] | None = None
    ) -> None:
        self.output, self.settings, self.source = output, settings or EvaluationSettings(), dict(source or {})
        self.cases = 0
        self._stack = ExitStack()

    def __enter__(self) -> EvaluationStream:
        for stale in (RECORDS_FILE, SUMMARY_FILE, WORST_FILE, *PLOTS):
            (self.output / stale).unlink(missing_ok=True)
        self._worst = WorstCases(self.output, self.settings.worst)
        self._sidedness = _Sidedness(self.settings)
        self._writer = self._stack.enter_context(writing_records(self.output / RECORDS_FILE))
        return self

    def __exit__(self, *failure: Any) -> None:
        self._stack.__exit__(*failure)

    def add(self, case: CasePrediction) -> None:
        """Measure a case.

        Raises:
            GeometryError: prediction and truth lie on different grids.
            InputError: both are empty or hold other labels, or the disk refuses.
        """
        prediction, truth, sided = self._sidedness.fit(case)
        records = list(measure_case(case.name, prediction, truth, sided))
        self._worst.offer(case.name, records, prediction, truth, case.image)
        for record in records:
            self._writer.write(record)
        self.cases += 1

    def result(self) -> Evaluation:
        """Sum up what was added, and draw it.

        Raises:
            InputError: the disk refuses.
        """
        self._worst.finish()
        records = read_records(self.output / RECORDS_FILE)
        summary = summarize(records, self.settings.draws, self.settings.seed)
        write_json({**summary.as_dict(), "source": self.source}, self.output / SUMMARY_FILE)
        if self.settings.plots:
            draw_plots(records, self.output)
        return Evaluation(self.output, records, summary)


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
    with EvaluationStream(output, settings, source) as stream:
        for case in cases:
            stream.add(case)
            if total:
                progress(0.95 * min(stream.cases / total, 1.0), f"case {stream.cases} of {total}")
        if not stream.cases:
            raise InputError("there is no case to evaluate", code="no-cases")
    evaluation = stream.result()
    progress(1.0, "evaluated")
    return evaluation


_HINT = "compare without sides (--sides unsided), or say that labels have sides (--sides sided)"


@dataclass
class _Sidedness:
    """Whether labels have sides, settled by the first case."""

    settings: EvaluationSettings
    sided: bool | None = field(default=None)

    def fit(self, case: CasePrediction) -> tuple[LabelMap, LabelMap, bool]:
        """Prediction and truth as they are to be compared, and whether they have sides."""
        name, prediction, truth = case.name, case.prediction, case.truth
        if self.settings.sides == "unsided":
            return without_sides(prediction), without_sides(truth), False
        found = has_sides(prediction), has_sides(truth)
        if self.sided is None:
            self.sided = self.settings.sides == "sided" or all(found)
            if self.settings.sides == "auto" and any(found) and not all(found):
                raise InputError(f"{name}: only one of prediction and truth has labels 11..20; {_HINT}", code="sides")
        if any(found) and not self.sided:
            raise InputError(f"{name}: labels 11..20 occur, the cases before had none; {_HINT}", code="sides")
        return prediction, truth, self.sided

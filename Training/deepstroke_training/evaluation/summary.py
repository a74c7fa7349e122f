"""What the records of an evaluation come to: distributions with intervals, per region and over all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke import __version__
from deepstroke.commands.console import table
from deepstroke.evaluation import Estimate, PatientBootstrap
from deepstroke.evaluation.bootstrap import DRAWS
from deepstroke.regions import REGIONS
from deepstroke_training.evaluation.record_table import FLAGS, RecordTable, mean_defined
from deepstroke_training.evaluation.records import RECORD_SIDES, RecordSide

#: The file of an evaluation that holds its summary.
SUMMARY_FILE = "summary.json"
#: What is summed up for each region, as it is called in ``summary.json``.
SUMMED_UP = (
    "dice",
    "hausdorff95_mm",
    "surface_distance_mm",
    "volume_error_ml",
    "volume_error_percent",
    "absolute_volume_error_ml",
)


@dataclass(frozen=True)
class Distribution:
    """One figure over the cases that have it.

    Attributes:
        n: how many cases these are (twice as many where both sides are pooled).
        mean, median, p5, p95: of them.
        sd: standard deviation (n - 1); None for one case.
        low, high: 95 % interval of the mean from resampled patients; None for one patient.
    """

    n: int
    mean: float
    sd: float | None
    median: float
    p5: float
    p95: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class RegionSummary:
    """One region over all cases.

    Attributes:
        region: its abbreviation.
        side: ``both`` where labels have no sides, or where the sides are pooled.
        missing, spurious, side_errors: in how many cases (and sides).
        figures: a distribution for each of ``SUMMED_UP``; None where no case has the figure.
    """

    region: str
    side: RecordSide
    missing: int
    spurious: int
    side_errors: int
    figures: dict[str, Distribution | None]


@dataclass(frozen=True)
class Summary:
    """An evaluation in figures.

    Attributes:
        cases, patients: how many.
        sided: whether labels have sides.
        mean: each figure's mean over the regions of a case, over the cases.
        mean_with_background: the same of Dice, with the background as one more region.
        stages: mean Dice over the regions of a case for the cases of each stage; empty where nobody named stages.
        regions: both sides together; where labels have sides then the left and then the right ones.
    """

    cases: int
    patients: int
    sided: bool
    mean: dict[str, Distribution | None]
    mean_with_background: Distribution | None
    stages: dict[str, Distribution | None]
    regions: tuple[RegionSummary, ...]

    def as_dict(self) -> dict[str, Any]:
        """The summary for JSON."""
        return {"format": "deepstroke-evaluation/1", "version": __version__, **asdict(self)}

    def table(self) -> str:
        """Means with intervals, one line a region."""
        header = [
            "region",
            "n",
            "Dice",
            "95 %",
            "median",
            "5th pct",
            "HD95 mm",
            "surface mm",
            "volume error ml",
            "missing",
        ]
        pooled = [region for region in self.regions if region.side == "both"]
        rows = [_row(r.region, r.figures, r.missing) for r in pooled]
        missing, swapped = sum(r.missing for r in pooled), sum(r.side_errors for r in pooled)
        rows.append(_row("mean", self.mean, missing))
        background = _text(self.mean_with_background, 4)
        return (
            f"{table(header, rows)}\n"
            f"{self.cases} cases of {self.patients} patients; mean Dice with background {background}"
            + (f"; {swapped} regions on the wrong side" if self.sided else "")
        )


def summarize(records: RecordTable, draws: int = DRAWS, seed: int = 0) -> Summary:
    """Sum up an evaluation.

    Args:
        records: of all cases.
        draws: resamples of the patients for the intervals.
        seed: of the resamples.

    Example:
        >>> summary = summarize(read_records(Path("evaluation/regions.csv")))  # doctest: +SKIP
        >>> summary.mean["dice"].mean  # doctest: +SKIP
    """
    patients = records.patients
    figures = {name: figures_of(records, name) for name in SUMMED_UP}
    means = np.stack([mean_defined(figures[name]) for name in SUMMED_UP], axis=1)
    with_background = mean_defined(np.column_stack([records.background_dice, records.values["dice"]]))
    *of_means, of_background = _distributions(np.column_stack([means, with_background]), patients, draws, seed)
    return Summary(
        cases=len(records.cases),
        patients=len(set(patients)),
        sided=records.sided,
        mean=dict(zip(SUMMED_UP, of_means, strict=True)),
        mean_with_background=of_background,
        stages=_by_stage(records, draws, seed),
        regions=tuple(_region_summaries(records, figures, draws, seed)),
    )


def figures_of(records: RecordTable, name: str) -> NDArray[np.float64]:
    """One of ``SUMMED_UP`` as an array (cases, regions)."""
    if name == "absolute_volume_error_ml":
        return np.abs(records.values["volume_error_ml"])
    return records.values[name]  # type: ignore[index]


def _by_stage(records: RecordTable, draws: int, seed: int) -> dict[str, Distribution | None]:
    stages = [case.stage for case in records.cases]
    names = sorted(set(stages) - {""})
    if not names:
        return {}
    of_stage = np.array(stages)[:, None] == np.array(names)[None, :]
    values = np.where(of_stage, records.case_dice()[:, None], np.nan)
    return dict(zip(names, _distributions(values, records.patients, draws, seed), strict=True))


def _region_summaries(
    records: RecordTable, figures: dict[str, NDArray[np.float64]], draws: int, seed: int
) -> Iterator[RegionSummary]:
    for side in RECORD_SIDES if records.sided else RECORD_SIDES[:1]:
        columns = [_columns(records, region.abbreviation, side) for region in REGIONS]
        pooled = np.stack([_pool(figures[name], columns) for name in SUMMED_UP], axis=2)
        patients = [patient for patient in records.patients for _ in columns[0]]
        flat = pooled.reshape(len(patients), -1)
        found = iter(_distributions(flat, patients, draws, seed))
        for region, of_region in zip(REGIONS, columns, strict=True):
            missing, spurious, side_errors = (int(records.flags[flag][:, of_region].sum()) for flag in FLAGS)
            named = {name: next(found) for name in SUMMED_UP}
            yield RegionSummary(region.abbreviation, side, missing, spurious, side_errors, named)


def _columns(records: RecordTable, region: str, side: RecordSide) -> list[int]:
    """Where a region stands in the table; ``both`` takes whatever sides there are."""
    return [n for n, (name, at) in enumerate(records.regions) if name == region and side in ("both", at)]


def _pool(values: NDArray[np.float64], columns: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """(cases * sides, regions): the sides of a case stand below each other."""
    return np.stack([values[:, of_region].ravel() for of_region in columns], axis=1)


def _distributions(
    values: NDArray[np.float64], patients: Sequence[str], draws: int, seed: int
) -> list[Distribution | None]:
    """The distribution of each column of (cases, figures)."""
    estimates = _estimates(values, patients, draws, seed)
    return [_distribution(column, estimate) for column, estimate in zip(values.T, estimates, strict=True)]


def _estimates(values: NDArray[np.float64], patients: Sequence[str], draws: int, seed: int) -> list[Estimate | None]:
    """Each column's mean with its interval; None where fewer than two patients have a value."""
    whose = np.asarray(patients)
    enough = [n for n, column in enumerate(values.T) if len(set(whose[np.isfinite(column)])) > 1]
    found: list[Estimate | None] = [None] * values.shape[1]
    if enough:
        estimates = PatientBootstrap(patients, draws, seed).means(values[:, enough])
        for n, estimate in zip(enough, estimates, strict=True):
            found[n] = estimate
    return found


def _distribution(column: NDArray[np.float64], estimate: Estimate | None) -> Distribution | None:
    known = column[np.isfinite(column)]
    if not known.size:
        return None
    p5, median, p95 = (float(value) for value in np.percentile(known, (5, 50, 95)))
    return Distribution(
        n=int(known.size),
        mean=float(known.mean()),
        sd=float(known.std(ddof=1)) if known.size > 1 else None,
        median=median,
        p5=p5,
        p95=p95,
        low=None if estimate is None else estimate.low,
        high=None if estimate is None else estimate.high,
    )


def _row(name: str, figures: dict[str, Distribution | None], missing: int) -> list[str]:
    dice = figures["dice"]
    interval = "-" if dice is None or dice.low is None else f"{dice.low:.3f}-{dice.high:.3f}"
    return [
        name,
        "0" if dice is None else str(dice.n),
        _text(dice, 4),
        interval,
        "-" if dice is None else f"{dice.median:.3f}",
        "-" if dice is None else f"{dice.p5:.3f}",
        _text(figures["hausdorff95_mm"], 2),
        _text(figures["surface_distance_mm"], 2),
        _text(figures["volume_error_ml"], 2, "+"),
        str(missing),
    ]


def _text(found: Distribution | None, digits: int, sign: str = "") -> str:
    return "-" if found is None else f"{found.mean:{sign}.{digits}f}"

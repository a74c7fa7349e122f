"""Two evaluations of the same cases: which one is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke import __version__
from deepstroke.commands.console import table
from deepstroke.errors import InputError
from deepstroke.evaluation import PairedDifference, PatientBootstrap, holm
from deepstroke.evaluation.bootstrap import DRAWS
from deepstroke.nifti import write_json
from deepstroke.regions import REGIONS
from deepstroke_training.evaluation.comparison_plot import draw_comparison
from deepstroke_training.evaluation.record_table import RECORDS_FILE, RecordTable, mean_defined, read_records
from deepstroke_training.evaluation.summary import figures_of

#: What is compared, as in ``summary.json``; of Dice more is better, of the others less.
COMPARED = ("dice", "hausdorff95_mm", "surface_distance_mm", "absolute_volume_error_ml")
#: The name of the mean over the regions of a case.
MEAN = "mean"
COMPARISON_FILE, COMPARISON_PLOT = "comparison.json", "comparison.png"
_SHOWN = 5
#: True volumes of both evaluations may differ by so much, as fraction, for they are written with six digits.
_SAME_VOLUME = 1e-4


@dataclass(frozen=True)
class ComparedRegion:
    """One figure of one region in both evaluations.

    Attributes:
        region: its abbreviation, sides together, or ``mean``.
        measure: one of ``COMPARED``.
        difference: of the means, B - A, over the cases that have the figure in both; its ``first`` is B.
        p_holm: p-value adjusted for the ten regions; that of the mean stands alone.
        difference_missing: missing regions of B - those of A, which have no distances and a Dice of 0.
    """

    region: str
    measure: str
    difference: PairedDifference
    p_holm: float
    difference_missing: int

    def as_dict(self) -> dict[str, Any]:
        """The comparison for JSON."""
        found = self.difference
        return {
            "region": self.region,
            "measure": self.measure,
            "a": found.second,
            "b": found.first,
            "difference": float(found.difference),
            "low": found.difference.low,
            "high": found.difference.high,
            "p": found.p_value,
            "p_holm": self.p_holm,
            "cases": found.cases,
            "patients": found.patients,
            "difference_missing": self.difference_missing,
        }


@dataclass(frozen=True)
class Comparison:
    """Evaluation B against evaluation A.

    Attributes:
        name_a, name_b: the folders.
        cases, patients: how many.
        draws, seed: of the bootstrap.
        regions: each of ``COMPARED`` for the mean and for each region; what no two patients have is left out.
    """

    name_a: str
    name_b: str
    cases: int
    patients: int
    draws: int
    seed: int
    regions: tuple[ComparedRegion, ...]

    def of(self, measure: str, region: str = MEAN) -> ComparedRegion:
        """One figure of one region.

        Raises:
            InputError: it was not compared.
        """
        for found in self.regions:
            if (found.measure, found.region) == (measure, region):
                return found
        raise InputError(f"{measure} of {region} was not compared: too few patients have it in both", code="no-cases")

    def as_dict(self) -> dict[str, Any]:
        """The comparison for JSON."""
        facts = {key: value for key, value in asdict(self).items() if key != "regions"}
        return {
            "format": "deepstroke-comparison/1",
            "version": __version__,
            **facts,
            "difference": "b - a",
            "regions": [region.as_dict() for region in self.regions],
        }

    def table(self) -> str:
        """Dice and HD95 of both, one line a region."""
        header = ["region", "measure", "A", "B", "B - A", "95 %", "p", "p (Holm)", "n"]
        shown = [found for found in self.regions if found.measure in COMPARED[:2]]
        return (
            f"A: {self.name_a}\nB: {self.name_b}\n{table(header, [_row(found) for found in shown])}\n"
            f"{self.cases} cases of {self.patients} patients, patients resampled {self.draws} times"
        )


def compare(
    evaluation_a: Path, evaluation_b: Path, output: Path | None = None, draws: int = DRAWS, seed: int = 0
) -> Comparison:
    """Compare two evaluations of the same cases by a paired bootstrap over patients.

    Args:
        evaluation_a, evaluation_b: folders of evaluations, or folders (such as a run's) that hold just one.
        output: folder for ``comparison.json`` and ``comparison.png``.
        draws: resamples of the patients.
        seed: of the resamples.

    Raises:
        InputError: a folder holds no evaluation or several, the cases, patients, sides or true volumes differ, or there
            is but one patient.

    Example:
        >>> compare(Path("runs/a"), Path("runs/b")).of("dice").difference  # doctest: +SKIP
    """
    folders = [find_evaluation(folder) for folder in (evaluation_a, evaluation_b)]
    a, b = (read_records(folder / RECORDS_FILE) for folder in folders)
    b = _aligned(a, b)
    bootstrap = PatientBootstrap(a.patients, draws, seed)
    patients = len(set(a.patients))
    if patients < 2:
        raise InputError("a paired comparison needs at least two patients, found 1", code="sample-size")
    compared = [found for measure in COMPARED for found in _compare(a, b, measure, bootstrap)]
    name_a, name_b = (str(folder) for folder in folders)
    comparison = Comparison(name_a, name_b, len(a.cases), patients, draws, seed, tuple(compared))
    if output is not None:
        write_json(comparison.as_dict(), output / COMPARISON_FILE)
        draw_comparison([found.as_dict() for found in compared], output / COMPARISON_PLOT)
    return comparison


def find_evaluation(folder: Path) -> Path:
    """The folder itself, or the only one below it, that holds an evaluation.

    Raises:
        InputError: there is none, or there are several.
    """
    if (folder / RECORDS_FILE).is_file():
        return folder
    found = sorted(path.parent for path in folder.rglob(RECORDS_FILE))
    if not found:
        raise InputError(
            f"{folder}: no evaluation here ({RECORDS_FILE}); make one with deepstroke-train evaluate",
            code="missing-file",
        )
    if len(found) > 1:
        raise InputError(f"{folder}: several evaluations, name one of {', '.join(map(str, found))}", code="ambiguous")
    return found[0]


def _aligned(a: RecordTable, b: RecordTable) -> RecordTable:
    """B with its cases in A's order."""
    if a.regions != b.regions:
        raise InputError(
            "one evaluation tells sides apart and the other doesn't; make both alike (--sides)", code="sides"
        )
    place = {(case.case, case.stage): n for n, case in enumerate(b.cases)}
    names = [(case.case, case.stage) for case in a.cases]
    only_a, only_b = [n for n in names if n not in place], sorted(place.keys() - set(names))
    if only_a or only_b:
        raise InputError(
            "the evaluations are of different cases, so they can't be paired: "
            f"{len(only_a)} only in A{_shown(only_a)}, {len(only_b)} only in B{_shown(only_b)}",
            code="other-cases",
        )
    order = [place[name] for name in names]
    aligned = RecordTable(
        cases=tuple(b.cases[n] for n in order),
        regions=b.regions,
        values={measure: values[order] for measure, values in b.values.items()},
        flags={flag: values[order] for flag, values in b.flags.items()},
        background_dice=b.background_dice[order],
    )
    _require_same_truth(a, aligned)
    return aligned


def _require_same_truth(a: RecordTable, b: RecordTable) -> None:
    if a.patients != b.patients:
        raise InputError("the evaluations name different patients for the same cases", code="other-cases")
    one, other = a.values["reference_ml"], b.values["reference_ml"]
    differs = np.abs(one - other) > _SAME_VOLUME * np.maximum(one, other)
    if differs.any():
        n, region = np.argwhere(differs)[0]
        raise InputError(
            f"the true volumes differ, as of {a.cases[n]}, {a.regions[region][0]}: {one[n, region]:g} and "
            f"{other[n, region]:g} ml; both evaluations must be against the same truth on the same grid",
            code="other-truth",
        )


def _compare(a: RecordTable, b: RecordTable, measure: str, bootstrap: PatientBootstrap) -> Iterator[ComparedRegion]:
    """The mean and the regions that enough patients have."""
    columns = {MEAN: list(range(len(a.regions)))}
    for region in REGIONS:
        columns[region.abbreviation] = [n for n, (name, _) in enumerate(a.regions) if name == region.abbreviation]
    pair = [figures_of(records, measure) for records in (a, b)]
    both = np.isfinite(pair[0]) & np.isfinite(pair[1])  # Means of a case are over the same regions in both.
    one, other = (_by_region(np.where(both, values, np.nan), columns) for values in pair)
    enough = [n for n in range(len(columns)) if _patients(a, one[:, n], other[:, n]) > 1]
    if not enough:
        return
    found = bootstrap.paired_all(other[:, enough], one[:, enough])
    names = [list(columns)[n] for n in enough]
    regions = [difference.p_value for name, difference in zip(names, found, strict=True) if name != MEAN]
    adjusted = iter(holm(regions))
    for name, difference in zip(names, found, strict=True):
        missing = [int(records.flags["missing"][:, columns[name]].sum()) for records in (a, b)]
        p_holm = difference.p_value if name == MEAN else next(adjusted)
        yield ComparedRegion(name, measure, difference, p_holm, missing[1] - missing[0])


def _by_region(values: NDArray[np.float64], columns: dict[str, list[int]]) -> NDArray[np.float64]:
    """(cases, names): means over the columns of each name, that is over sides or over all regions."""
    return np.stack([mean_defined(values[:, chosen]) for chosen in columns.values()], axis=1)


def _patients(records: RecordTable, one: NDArray[np.float64], other: NDArray[np.float64]) -> int:
    both = np.isfinite(one) & np.isfinite(other)
    return len({patient for patient, known in zip(records.patients, both, strict=True) if known})


def _shown(names: Sequence[tuple[str, str]]) -> str:
    first = ", ".join(f"{case} ({stage})" if stage else case for case, stage in names[:_SHOWN])
    return f" ({first}{', ...' if len(names) > _SHOWN else ''})" if names else ""


def _row(found: ComparedRegion) -> list[str]:
    d, digits = found.difference, 4 if found.measure == "dice" else 2
    name = "Dice" if found.measure == "dice" else "HD95 mm"
    p_values = [f"{p:.3f}" if p >= 0.001 else "<0.001" for p in (d.p_value, found.p_holm)]
    interval = f"{d.difference.low:+.{digits}f} to {d.difference.high:+.{digits}f}"
    means = [f"{d.second:.{digits}f}", f"{d.first:.{digits}f}", f"{float(d.difference):+.{digits}f}"]
    return [found.region, name, *means, interval, *p_values, str(d.cases)]

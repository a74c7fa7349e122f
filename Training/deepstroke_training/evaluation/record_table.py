"""The file ``regions.csv`` of an evaluation: written row by row, read as arrays."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path
from deepstroke_training.evaluation.records import BACKGROUND, CaseName, RecordSide, RegionRecord, region_sides

#: The file of an evaluation that holds one row a case and region.
RECORDS_FILE = "regions.csv"
COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(RegionRecord))

Measure = Literal[
    "dice",
    "hausdorff95_mm",
    "surface_distance_mm",
    "volume_ml",
    "reference_ml",
    "volume_error_ml",
    "volume_error_percent",
    "wrong_side_ml",
]
Flag = Literal["missing", "spurious", "side_error"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
FLAGS: tuple[Flag, ...] = get_args(Flag)


@dataclass(frozen=True, eq=False)
class RecordTable:
    """All records of an evaluation.

    Attributes:
        cases: in the order in which they were evaluated.
        regions: abbreviation and side of each region, without the background.
        values: each measure as an array (cases, regions), NaN where it is not defined.
        flags: each flag as an array (cases, regions).
        background_dice: (cases,), Dice of what is no region.
    """

    cases: tuple[CaseName, ...]
    regions: tuple[tuple[str, RecordSide], ...]
    values: dict[Measure, NDArray[np.float64]]
    flags: dict[Flag, NDArray[np.bool_]]
    background_dice: NDArray[np.float64]

    @property
    def sided(self) -> bool:
        """Whether regions are told apart by side."""
        return self.regions[0][1] != "both"

    @property
    def patients(self) -> list[str]:
        """Whose each case is."""
        return [case.patient for case in self.cases]

    def case_dice(self) -> NDArray[np.float64]:
        """Mean Dice over the regions of each case, (cases,)."""
        return mean_defined(self.values["dice"])


class RecordWriter:
    """Writes records to an open ``regions.csv``; numbers have six digits, what isn't defined is empty.

    Args:
        stream: the open file.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def write(self, record: RegionRecord) -> None:
        """Add a row."""
        self._writer.writerow([_cell(getattr(record, column)) for column in COLUMNS])


@contextmanager
def writing_records(path: Path) -> Iterator[RecordWriter]:
    """A writer of ``regions.csv``; the file is there when the block ends well, and else stays what it was.

    Raises:
        InputError: the disk refuses.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        yield RecordWriter(stream)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def mean_defined(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean along the last axis over what is defined; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def read_records(path: Path) -> RecordTable:
    """Read ``regions.csv``.

    Raises:
        InputError: the file is missing, is not such a table, or lacks rows.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; an evaluation leaves it in its folder", code="missing-file")
    cases, rows = [], []
    for number, group in enumerate(_groups(path)):
        cases.append(_case_of(group[0]))
        rows.append(_numbers(path, group))
        if len(rows[-1]) != len(rows[0]):
            raise InputError(f"{path}: case {cases[number]} has other regions than the first", code="damaged-file")
    if not cases:
        raise InputError(f"{path}: no case is listed", code="damaged-file")
    return _as_table(path, cases, np.stack(rows))


def _groups(path: Path) -> Iterator[list[dict[str, str]]]:
    """The rows of one case after the other."""
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise InputError(
                f"{path}: not the records of an evaluation; expected columns {', '.join(COLUMNS)}", code="damaged-file"
            )
        group: list[dict[str, str]] = []
        for row in reader:
            if group and _case_of(row) != _case_of(group[0]):
                yield group
                group = []
            group.append(row)
        if group:
            yield group


def _case_of(row: dict[str, str]) -> CaseName:
    return CaseName(row["case"], row["patient"], row["stage"])


def _numbers(path: Path, group: Sequence[dict[str, str]]) -> NDArray[np.float64]:
    """The figures of a case, (1 + regions, measures and flags)."""
    names = [(row["region"], row["side"]) for row in group]
    if names not in [[(BACKGROUND, "both"), *region_sides(sided)] for sided in (False, True)]:
        raise InputError(f"{path}: the rows of {_case_of(group[0])} are not those of the regions", code="damaged-file")
    try:
        return np.array(
            [[*map(_number, (row[m] for m in MEASURES)), *(row[f] == "yes" for f in FLAGS)] for row in group]
        )
    except ValueError as error:
        raise InputError(f"{path}: {_case_of(group[0])}: {error}", code="damaged-file") from error


def _number(cell: str) -> float:
    return float(cell) if cell else float("nan")


def _as_table(path: Path, cases: Sequence[CaseName], figures: NDArray[np.float64]) -> RecordTable:
    if len({(case.case, case.stage) for case in cases}) < len(cases):
        raise InputError(f"{path}: a case is listed twice", code="damaged-file")
    of_regions = figures[:, 1:]
    return RecordTable(
        cases=tuple(cases),
        regions=region_sides(sided=of_regions.shape[1] == len(region_sides(True))),
        values={measure: of_regions[:, :, n] for n, measure in enumerate(MEASURES)},
        flags={flag: of_regions[:, :, len(MEASURES) + n] > 0 for n, flag in enumerate(FLAGS)},
        background_dice=figures[:, 0, MEASURES.index("dice")],
    )

"""Names of the files in a run's folder, and its tables, which a resumed run goes on writing."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path

#: The resolved settings.
CONFIG = "config.yaml"
#: What made the run: versions, hardware, commands.
RECORD = "run.json"
#: Which cases were trained and validated on.
SPLIT = "split.json"
#: What came of it.
SUMMARY = "summary.json"
#: One row for each logged step, and for each validation.
STEPS, VALIDATIONS = "steps.csv", "validations.csv"
TENSORBOARD = "tensorboard"
OVERLAYS = "overlays"
CURVES, DICE = "curves.png", "dice.png"


class Table:
    """A CSV file that grows row by row; each row is on the disk before the next is made.

    Args:
        path: of the file.
        columns: of a new file.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path, self.columns = path, tuple(columns)

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; missing values stay empty."""
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            if new:
                writer.writerow(self.columns)
            writer.writerow([_cell(row.get(column)) for column in self.columns])

    def forget_after(self, step: int) -> None:
        """Drop the rows of later steps, which a resumed run does again, and a row cut short by a kill."""
        rows = [row for row in read_table(self.path) if row["step"] <= step]
        with atomic_path(self.path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(self.columns)
            writer.writerows([[_cell(row.get(column)) for column in self.columns] for row in rows])


def read_table(path: Path) -> list[dict[str, float]]:
    """The rows of a table with what numbers they hold; an incomplete last row is left out; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        lines = list(csv.reader(stream))
    header = lines[0] if lines else []
    rows = [dict(zip(header, line, strict=True)) for line in lines[1:] if len(line) == len(header)]
    return [{name: float(value) for name, value in row.items() if value} for row in rows if row.get("step")]


def read_record(run: Path, name: str) -> Any:
    """A JSON file of a run.

    Raises:
        InputError: it isn't there or isn't JSON.
    """
    try:
        return json.loads((run / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{run / name} can't be read: {error}; is {run} the folder of a run?", code="run") from error


def _cell(value: Any) -> str:
    if value is None or value != value:  # NaN
        return ""
    return f"{value:.7g}" if isinstance(value, float) else str(value)

"""What labels are called: ASPECTS regions, or a table that the user brings."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from deepstroke.errors import InputError
from deepstroke.regions import SIDED_REGIONS

#: Columns that may hold the number and the name, in the order in which they are looked for.
_NUMBERS, _NAMES = ("label", "index", "number", "id"), ("name", "structure", "region")

ASPECTS_NAMES: Mapping[int, str] = {
    region.label(side): f"{region.abbreviation} {side}" for region, side in SIDED_REGIONS
}


def read_names(path: Path) -> dict[int, str]:
    """Names by label from a CSV with a column ``label`` (or index, number, id) and ``name`` (or structure, region).

    Raises:
        InputError: the file can't be read or has no such columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream)
            columns = {column.strip().lower(): column for column in rows.fieldnames or ()}
            number, name = (_first(columns, wanted, path) for wanted in (_NUMBERS, _NAMES))
            return {int(row[number]): row[name].strip() for row in rows}
    except (OSError, ValueError, TypeError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is no table of labels ({error})", code="label-names") from error


def named(labels: Sequence[int], names: Mapping[int, str]) -> list[str]:
    """Names of labels; the number where there is none."""
    return [names.get(label, str(label)) for label in labels]


def _first(columns: Mapping[str, str], wanted: Sequence[str], path: Path) -> str:
    for each in wanted:
        if each in columns:
            return columns[each]
    raise InputError(f"{path} has no column {' or '.join(wanted)}; found {', '.join(columns)}", code="label-names")

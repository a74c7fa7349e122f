"""The table of cases from which a score is trained and measured: one row a scan, as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path
from deepstroke.regions import BY_ABBREVIATION, SIDES, Side

#: Columns that a table may have; all others are facts by which results can be split.
_KNOWN = ("case", "patient", "ct", "labels", "brain", "side", "involved_left", "involved_right")
_NEEDED = ("case", "ct", "labels", "involved_left", "involved_right")
#: Where a data set made by ``synthesize`` or ``curate`` keeps what its table doesn't name.
_LAYOUT = {"ct": "raw_volumes", "labels": "raw_segmentation", "brain": "truth/brain"}


@dataclass(frozen=True)
class CaseRow:
    """One scan with its reference.

    Attributes:
        case: name of the scan.
        patient: whose scans stay together in every split; the case itself where the table doesn't say.
        ct, labels, brain: files, relative to the table's folder or absolute; no brain: the labels' tissue alone.
        involved: abbreviations of the regions that the reference calls involved, by side.
        side: the affected side, where the clinic tells it; None: to be found.
        facts: further columns.
    """

    case: str
    patient: str
    ct: str
    labels: str
    brain: str | None
    involved: Mapping[Side, tuple[str, ...]]
    side: Side | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def total(self, side: Side) -> int:
        """The reference's score of a side, 0..10."""
        return 10 - len(self.involved[side])


def write_case_table(rows: Sequence[CaseRow], path: Path) -> None:
    """Write a table, complete or not at all."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=[*_KNOWN, *rows[0].facts])
        writer.writeheader()
        writer.writerows(_as_cells(row) for row in rows)


def read_case_table(path: Path | str) -> tuple[CaseRow, ...]:
    """The rows of a table with the columns case, ct, labels, involved_left and involved_right.

    ``involved_*`` hold abbreviations parted by blanks, such as ``M1 M4``, or nothing. Optional columns: patient (whose
    scans stay together), brain (a mask), side (left or right). All further columns are kept as facts. The ``cases.csv``
    of ``deepstroke-train synthesize`` serves too: its files are found by the case's name.

    Raises:
        InputError: the file can't be read, columns are missing, it has no row, or a cell can't be used; the message
            names the row.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns, lines = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} can't be read as a table: {error}", code="case-table") from error
    implied = _implied(columns, path.parent)
    missing = [name for name in _NEEDED if name not in (*columns, *implied)]
    if missing or not lines:
        fault = f"the columns {', '.join(missing)} are missing" if missing else "it holds no case"
        raise InputError(f"{path}: {fault}; a table of cases needs {', '.join(_NEEDED)}", code="case-table")
    return tuple(
        _row({**_files(line, implied), **line}, f"{path}, line {number}") for number, line in enumerate(lines, start=2)
    )


def _implied(columns: Sequence[str], folder: Path) -> dict[str, str]:
    """Folders in which files lie that the table doesn't name."""
    return {name: place for name, place in _LAYOUT.items() if name not in columns and (folder / place).is_dir()}


def _files(line: Mapping[str, str | None], implied: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{place}/{line.get('case')}.nii.gz" for name, place in implied.items()}


def _row(line: Mapping[str, str | None], place: str) -> CaseRow:
    cells = {name: (value or "").strip() for name, value in line.items() if name is not None}
    empty = [name for name in ("case", "ct", "labels") if not cells[name]]
    if empty:
        raise InputError(f"{place}: nothing stands under {', '.join(empty)}", code="case-table")
    return CaseRow(
        case=cells["case"],
        patient=cells.get("patient") or cells["case"],
        ct=cells["ct"],
        labels=cells["labels"],
        brain=cells.get("brain") or None,
        involved={side: _regions(cells[f"involved_{side}"], place) for side in SIDES},
        side=_side(cells.get("side", ""), place),
        facts={name: value for name, value in cells.items() if name not in _KNOWN},
    )


def _regions(cell: str, place: str) -> tuple[str, ...]:
    names = tuple(cell.replace(",", " ").replace(";", " ").split())
    unknown = [name for name in names if name not in BY_ABBREVIATION]
    if unknown:
        raise InputError(
            f"{place}: unknown regions {', '.join(unknown)}; known are {', '.join(BY_ABBREVIATION)}", code="case-table"
        )
    return names


def _side(cell: str, place: str) -> Side | None:
    for side in SIDES:
        if cell == side:
            return side
    if cell:
        raise InputError(f"{place}: a side is left or right, found {cell!r}", code="case-table")
    return None


def _as_cells(row: CaseRow) -> dict[str, str]:
    return {
        "case": row.case,
        "patient": row.patient,
        "ct": row.ct,
        "labels": row.labels,
        "brain": row.brain or "",
        "side": row.side or "",
        **{f"involved_{side}": " ".join(row.involved[side]) for side in SIDES},
        **row.facts,
    }

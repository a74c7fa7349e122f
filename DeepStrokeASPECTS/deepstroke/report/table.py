"""Tables of many results: one row a case and one row a region, as CSV that a spreadsheet or a script reads."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path
from deepstroke.report.review import Review, read_review

CASE_COLUMNS = (
    "case", "created", "method", "side", "score", "left", "right", "lowest", "highest", "involved", "not_assessable",
    "warnings", "reader_side", "reader_score", "reader_left", "reader_right", "reader_changes",
)  # fmt: skip
REGION_COLUMNS = (
    "case", "region", "side", "volume_ml", "mean_hu", "median_hu", "confidence", "probability", "involved",
    "assessable", "obstacles", "reader",
)  # fmt: skip
#: A reader's review beside ``report.json`` is found by this pattern; the latest counts.
REVIEW_PATTERN = "aspects-review*.json"


def write_tables(
    folders: Iterable[str | os.PathLike[str]], cases: str | os.PathLike[str], regions: str | os.PathLike[str]
) -> int:
    """Write the results of many folders of ``segment`` as two CSV files.

    A case is named by its folder. Where a reader's review lies in it, what the reader says stands beside what was
    computed, and never in its place.

    Args:
        folders: each with a ``report.json``.
        cases: the table with a row for each case.
        regions: the table with a row for each region of each case.

    Returns:
        The number of cases.

    Raises:
        InputError: a report or a review can't be read, or a review belongs to another report; the message names it.

    Example:
        >>> write_tables(Path("results").iterdir(), "cases.csv", "regions.csv")  # doctest: +SKIP
    """
    case_rows, all_rows = [], []
    for folder in sorted(map(Path, folders)):
        content = _read_report(folder / "report.json")
        review = _latest_review(folder, content)
        case_rows.append(case_row(folder.name, content, review))
        all_rows += region_rows(folder.name, content, review)
    _write(cases, CASE_COLUMNS, case_rows)
    _write(regions, REGION_COLUMNS, all_rows)
    return len(case_rows)


def case_row(case: str, content: Mapping[str, Any], review: Review | None = None) -> dict[str, Any]:
    """The row of one case; what isn't known is left empty.

    Args:
        case: its name.
        content: of ``report.json``.
        review: of a reader.
    """
    total, regions = content["aspects"], content["regions"]
    row = {
        "case": case,
        **{name: content.get(name) for name in ("created", "method")},
        **{name: total.get(name) for name in ("side", "score", "left", "right", "lowest", "highest")},
        "involved": " ".join(f"{r['side']}-{r['region']}" for r in regions if r.get("involved")),
        "not_assessable": sum(not r.get("assessable", False) for r in regions),
        "warnings": " ".join(dict.fromkeys(warning["code"] for warning in content["warnings"])),
    }
    if review is not None:
        said = {name: getattr(review, name) for name in ("side", "score", "left", "right")}
        row |= {f"reader_{name}": value for name, value in said.items()} | {"reader_changes": len(review.changes)}
    return row


def region_rows(case: str, content: Mapping[str, Any], review: Review | None = None) -> list[dict[str, Any]]:
    """The rows of one case's regions, in the order of their labels."""
    rows = []
    for region in content["regions"]:
        row = {"case": case, **{name: region.get(name) for name in REGION_COLUMNS if name in region}}
        row["obstacles"] = " ".join(region.get("obstacles") or ())
        if review is not None:
            row["reader"] = review.regions[region["side"], region["region"]]
        rows.append(row)
    return rows


def _read_report(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable report ({error})", code="report-file") from error
    if not isinstance(content, dict) or not {"aspects", "regions", "warnings"} <= set(content):
        raise InputError(f"{path}: holds no aspects, regions and warnings, so it is no report", code="report-file")
    return content


def _latest_review(folder: Path, content: Mapping[str, Any]) -> Review | None:
    reviews = [read_review(path, content) for path in folder.glob(REVIEW_PATTERN)]
    return max(reviews, key=lambda review: review.saved, default=None)


def _write(path: str | os.PathLike[str], columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """A value as a cell: truth in lower case, and no text that a spreadsheet would run as a formula."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return "" if value is None else value

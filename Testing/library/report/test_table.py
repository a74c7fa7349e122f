"""Tables of many cases: a row a case, a row a region, the reader's word beside the computed one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deepstroke.cli import main
from deepstroke.errors import InputError
from deepstroke.nifti import write_json
from deepstroke.report.contents import Report
from deepstroke.report.page_facts import result_id
from deepstroke.report.table import CASE_COLUMNS, REGION_COLUMNS, write_tables
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]
ReportOf = Callable[..., Report]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def folders(head: Head, report_of: ReportOf, scored_report_of: ReportOf, tmp_path: Path) -> list[Path]:
    """``b``, scored and reviewed, and ``a``, without a score."""
    for name, report in (("b", scored_report_of(*head)), ("a", report_of(*head))):
        (tmp_path / name).mkdir()
        write_json(report.as_dict(), tmp_path / name / "report.json")
    content = json.loads((tmp_path / "b" / "report.json").read_text(encoding="utf-8"))
    change = {"when": "2024-05-06T08:00:00Z", "who": "R", "subject": "left C", "from": "not-involved",
              "to": "involved", "why": "seen"}  # fmt: skip
    review = {"format": "deepstroke-review", "version": 1, "report": {"id": result_id(content)},
              "saved": "2024-05-06T09:00:00Z", "aspects": {"score": 7}, "audit": [change]}  # fmt: skip
    write_json(review, tmp_path / "b" / "aspects-review-x.json")
    return [tmp_path / "b", tmp_path / "a"]


def test_a_row_a_case(folders: list[Path], tmp_path: Path) -> None:
    assert write_tables(folders, tmp_path / "cases.csv", tmp_path / "regions.csv") == 2
    first, second = rows_of(tmp_path / "cases.csv")
    assert tuple(first) == CASE_COLUMNS
    assert (first["case"], first["score"], first["reader_score"], first["not_assessable"]) == ("a", "", "", "0")
    assert (second["case"], second["side"], second["score"], second["reader_score"]) == ("b", "left", "8", "7")
    assert second["involved"] == "left-I left-M2"
    assert second["warnings"] == "gantry-tilt"
    assert second["reader_changes"] == "1"


def test_a_row_a_region(folders: list[Path], tmp_path: Path) -> None:
    write_tables(folders, tmp_path / "cases.csv", tmp_path / "regions.csv")
    rows = rows_of(tmp_path / "regions.csv")
    assert tuple(rows[0]) == REGION_COLUMNS
    assert len(rows) == 40
    by_place = {(row["case"], row["side"], row["region"]): row for row in rows}
    assert by_place["b", "left", "M2"]["involved"] == "true"
    assert by_place["b", "right", "C"] | {"involved": "", "assessable": "false"} == by_place["b", "right", "C"]
    assert by_place["b", "right", "C"]["obstacles"] == "little-tissue"
    assert (by_place["b", "left", "C"]["involved"], by_place["b", "left", "C"]["reader"]) == ("false", "involved")
    assert by_place["a", "left", "M2"]["involved"] == ""  # nobody judged it


def test_no_cell_is_a_formula(folders: list[Path], tmp_path: Path) -> None:
    evil = folders[1].rename(tmp_path / "=cmd()")
    write_tables([evil], tmp_path / "cases.csv", tmp_path / "regions.csv")
    assert rows_of(tmp_path / "cases.csv")[0]["case"] == "'=cmd()"


def test_what_is_no_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.json: not a readable report"):
        write_tables([tmp_path], tmp_path / "c.csv", tmp_path / "r.csv")
    (tmp_path / "report.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="so it is no report"):
        write_tables([tmp_path], tmp_path / "c.csv", tmp_path / "r.csv")
    assert not (tmp_path / "c.csv").exists()


def test_the_command_writes_both(folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tables", *map(str, folders), "-o", str(tmp_path / "out" / "tables")]) == 0
    assert "2 cases" in capsys.readouterr().out
    assert len(rows_of(tmp_path / "out" / "tables" / "cases.csv")) == 2
    assert len(rows_of(tmp_path / "out" / "tables" / "regions.csv")) == 40

"""The table of cases: what it keeps, and what it refuses by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepstroke.errors import InputError
from deepstroke_training.scoring.table import CaseRow, read_case_table, write_case_table

ROW = CaseRow(
    "a", "p1", "ct/a.nii.gz", "labels/a.nii.gz", None, {"left": ("M1", "M4"), "right": ()}, "left", {"site": "north"}
)


def table(folder: Path, text: str) -> Path:
    path = folder / "cases.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_comes_back_as_written(tmp_path: Path) -> None:
    write_case_table([ROW], tmp_path / "cases.csv")
    assert read_case_table(tmp_path / "cases.csv") == (ROW,)
    assert (ROW.total("left"), ROW.total("right")) == (8, 10)


def test_a_users_table_with_a_byte_order_mark_and_commas(tmp_path: Path) -> None:
    text = '\ufeffcase,ct,labels,involved_left,involved_right\nx,x.nii,l.nii,"C, M6",\n'
    (row,) = read_case_table(table(tmp_path, text))
    assert (row.patient, row.brain, row.side, row.involved) == ("x", None, None, {"left": ("C", "M6"), "right": ()})


def test_a_synthetic_cohorts_own_table(tmp_path: Path) -> None:
    for place in ("raw_volumes", "raw_segmentation", "truth/brain"):
        (tmp_path / place).mkdir(parents=True)
    (row,) = read_case_table(table(tmp_path, "case,seed,involved_left,involved_right\nab,7,,M1 M4\n"))
    assert (row.ct, row.labels, row.brain) == (
        "raw_volumes/ab.nii.gz", "raw_segmentation/ab.nii.gz", "truth/brain/ab.nii.gz",
    )  # fmt: skip
    assert (row.total("right"), row.facts) == (8, {"seed": "7"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case,ct\na,b\n", "the columns labels, involved_left, involved_right are missing"),
        ("case,ct,labels,involved_left,involved_right\n", "holds no case"),
        ("case,ct,labels,involved_left,involved_right\na,b,c,M9,\n", "line 2: unknown regions M9"),
        ("case,ct,labels,involved_left,involved_right\na,b,,M1,\n", "line 2: nothing stands under labels"),
        ("case,ct,labels,involved_left,involved_right,side\na,b,c,M1,,L\n", "a side is left or right, found 'L'"),
    ],
)
def test_tables_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_case_table(table(tmp_path, text))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read as a table"):
        read_case_table(tmp_path / "absent.csv")

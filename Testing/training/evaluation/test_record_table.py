"""Records written and read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke_training.evaluation import Evaluation
from deepstroke_training.evaluation.record_table import mean_defined, read_records


def _rewritten(evaluation: Evaluation, folder: Path, change) -> Path:
    lines = (evaluation.folder / "regions.csv").read_text().splitlines()
    path = folder / "regions.csv"
    path.write_text("\n".join(change(lines)) + "\n")
    return path


def test_the_table_holds_what_was_measured(evaluation: Evaluation) -> None:
    table = read_records(evaluation.folder / "regions.csv")
    assert [str(case) for case in table.cases] == ["case01", "case02", "case03", "case04"]
    assert table.patients == ["patient01", "patient02", "patient02", "patient04"]
    assert table.sided
    assert (table.regions[0], table.regions[15]) == (("C", "left"), ("M2", "right"))
    assert table.case_dice() == pytest.approx([1.0, 7 / 8, 0.9, 0.0])
    assert np.argwhere(table.flags["missing"]).tolist() == [[2, 5], [2, 15]]
    assert table.flags["side_error"].sum(axis=1).tolist() == [0, 0, 0, 20]
    assert np.isnan(table.values["hausdorff95_mm"][2, 5])


def test_a_mean_over_nothing_is_not_defined() -> None:
    assert mean_defined(np.array([[1.0, np.nan, 3.0]])).tolist() == [2.0]
    assert np.isnan(mean_defined(np.array([[np.nan]]))).all()


def test_damaged_tables_are_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    damages = {
        "expected columns case, patient": lambda lines: [lines[0].replace("dice", "jaccard"), *lines[1:]],
        "no case is listed": lambda lines: lines[:1],
        "are not those of the regions": lambda lines: lines[:-1],
        "could not convert": lambda lines: [*lines[:2], lines[2].replace(",1,", ",one,", 1), *lines[3:]],
        "listed twice": lambda lines: [*lines, *lines[1:22]],
    }
    for message, damage in damages.items():
        with pytest.raises(InputError, match=message):
            read_records(_rewritten(evaluation, tmp_path, damage))
    with pytest.raises(InputError, match="no such file"):
        read_records(tmp_path / "nothing.csv")

"""The worst cases are kept in order, whatever order they come in."""

from __future__ import annotations

import csv
from pathlib import Path

from deepstroke_training.evaluation import Evaluation, EvaluationSettings, evaluate_cases
from phantoms_regions import boxes


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "worst.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_worst_come_first_with_their_worst_region(evaluation: Evaluation) -> None:
    rows = _rows(evaluation.folder)
    assert [(row["case"], row["mean_dice"]) for row in rows] == [("case04", "0"), ("case02", "0.875")]
    assert [row["picture"] for row in rows] == ["worst/01.png", "worst/02.png"]
    assert sorted(path.name for path in (evaluation.folder / "worst").iterdir()) == ["01.png", "02.png"]


def test_cases_that_are_no_longer_among_the_worst_leave_nothing(case, tmp_path: Path) -> None:
    settings = EvaluationSettings(worst=1, plots=False, draws=100)
    shifts = (0, 1, 3, 2)
    evaluate_cases([case(n, boxes(shift_k=shift)) for n, shift in enumerate(shifts)], tmp_path, settings)
    assert [row["case"] for row in _rows(tmp_path)] == ["case02"]
    assert [path.name for path in (tmp_path / "worst").iterdir()] == ["01.png"]


def test_pictures_of_an_earlier_evaluation_are_removed(case, tmp_path: Path) -> None:
    cases = [case(1, boxes(shift_k=1)), case(2, boxes(without=(6,)))]
    evaluate_cases(cases, tmp_path, EvaluationSettings(worst=2, plots=False, draws=100))
    evaluate_cases(cases, tmp_path, EvaluationSettings(worst=0, plots=False, draws=100))
    assert list((tmp_path / "worst").glob("*.png")) == []
    assert _rows(tmp_path) == []

"""Cases that stream by: sides, faults, and memory that doesn't grow with their number."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import ConfigError, InputError
from deepstroke.volume import LabelMap
from deepstroke_training.evaluation import CaseName, CasePrediction, EvaluationSettings, evaluate_cases
from phantoms_regions import boxes

_QUICK = EvaluationSettings(worst=0, plots=False, draws=100)


def test_sides_can_be_dropped(case, tmp_path: Path) -> None:
    settings = EvaluationSettings("unsided", worst=0, plots=False, draws=100)
    found = evaluate_cases([case(1, boxes(swapped=True)), case(2, boxes(sided=False))], tmp_path, settings)
    assert not found.summary.sided
    assert found.summary.mean["dice"].mean == pytest.approx(1.0)


def test_maps_of_which_only_one_has_sides_are_refused(case, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"case01: only one of prediction and truth has labels 11\.\.20"):
        evaluate_cases([case(1, boxes(sided=False))], tmp_path, _QUICK)
    unsided = boxes(sided=False)
    with pytest.raises(InputError, match=r"case02: labels 11\.\.20 occur, the cases before had none"):
        evaluate_cases([case(1, unsided, unsided), case(2, boxes())], tmp_path, _QUICK)


def test_a_side_that_a_prediction_lacks_is_missing_where_labels_have_sides(case, tmp_path: Path) -> None:
    settings = EvaluationSettings("sided", worst=0, plots=False, draws=100)
    found = evaluate_cases([case(1, boxes(without=range(11, 21)))], tmp_path, settings)
    assert sum(r.missing for r in found.summary.regions if r.side == "right") == 10


def test_no_case_is_an_error_and_leaves_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no case to evaluate"):
        evaluate_cases([], tmp_path, _QUICK)
    assert not (tmp_path / "regions.csv").exists()


def test_all_faulty_settings_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"sides: one of auto(.|\n)*worst: at least 0(.|\n)*draws: at least 100"):
        EvaluationSettings("both", -1, draws=10)


def test_progress_counts_the_cases(case, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    cases = (case(n, boxes()) for n in (1, 2))
    evaluate_cases(cases, tmp_path, _QUICK, total=2, progress=lambda share, text: told.append((share, text)))
    assert [text for _, text in told] == ["case 1 of 2", "case 2 of 2", "evaluated"]
    assert [share for share, _ in told] == sorted(share for share, _ in told)


def test_memory_doesn_t_grow_with_the_number_of_cases(tmp_path: Path) -> None:
    grid = np.eye(4)
    small = boxes().data

    def cases(count: int) -> Iterator[CasePrediction]:
        for n in range(count):
            volumes = [np.zeros((64, 64, 64), np.uint8) for _ in range(2)]
            for volume in volumes:
                volume[:24, :12, :14] = small
            yield CasePrediction(CaseName(str(n), str(n)), *(LabelMap(volume, grid) for volume in volumes))

    def peak(count: int) -> int:
        tracemalloc.start()
        evaluate_cases(cases(count), tmp_path / str(count), _QUICK)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2)  # imports
    # One volume has 0.26 MB: held cases would add 0.5 MB each.
    assert peak(8) < peak(2) + 1e6

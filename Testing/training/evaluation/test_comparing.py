"""Two evaluations of the same cases, with differences known by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke_training.evaluation import EvaluationSettings, compare, evaluate_cases
from deepstroke_training.evaluation.comparing import find_evaluation
from phantoms_regions import REGION_ML, boxes

_QUICK = EvaluationSettings(worst=0, plots=False, draws=100)


@pytest.fixture(scope="module")
def runs(case, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Run A is off by one or two voxels; run B is right but for one case without the left M2, and in another order."""
    folder = tmp_path_factory.mktemp("runs")
    worse = [case(n, boxes(shift_k=1 + n % 2)) for n in range(6)]
    better = [case(n, boxes(without=(6,) if n == 0 else ())) for n in reversed(range(6))]
    evaluate_cases(worse, folder / "a" / "evaluation", _QUICK)
    evaluate_cases(better, folder / "b", _QUICK)
    return folder / "a", folder / "b"


def test_the_difference_of_dice(runs: tuple[Path, Path]) -> None:
    found = compare(*runs, draws=2000)
    dice = found.of("dice").difference
    # A has 7/8 and 6/8 by turns; B misses one of twenty boxes in one of six cases.
    assert dice.second == pytest.approx(13 / 16)
    assert dice.first == pytest.approx((5 + 19 / 20) / 6)
    assert dice.difference == pytest.approx(dice.first - dice.second)
    assert 0 < dice.difference.low < dice.difference < dice.difference.high
    assert dice.p_value < 0.05
    assert (found.cases, found.patients, dice.cases) == (6, 6, 6)


def test_a_region_that_is_missing_in_one_has_no_distance_there(runs: tuple[Path, Path]) -> None:
    hd95 = compare(*runs, draws=200).of("hausdorff95_mm", "M2")
    # 2 and 4 mm by turns; of the case without the left M2 the right one counts in both.
    assert hd95.difference.second == pytest.approx(3.0)
    assert (hd95.difference.cases, hd95.difference_missing) == (6, 1)
    assert hd95.difference.first == 0.0


def test_a_better_volume_error_is_a_smaller_one(runs: tuple[Path, Path]) -> None:
    volume = compare(*runs, draws=200).of("absolute_volume_error_ml", "M2").difference
    assert volume.second == 0.0
    assert volume.first == pytest.approx(REGION_ML / 2 / 6)


def test_the_exchange_of_both_turns_the_signs(runs: tuple[Path, Path]) -> None:
    one, other = compare(*runs, draws=500), compare(*reversed(runs), draws=500)
    for measure in ("dice", "hausdorff95_mm"):
        assert one.of(measure).difference.difference == pytest.approx(-other.of(measure).difference.difference)


def test_a_run_is_no_better_than_itself(runs: tuple[Path, Path]) -> None:
    found = compare(runs[0], runs[0], draws=200)
    assert all(region.difference.p_value == 1.0 for region in found.regions)


def test_table_json_and_plot(runs: tuple[Path, Path], tmp_path: Path) -> None:
    found = compare(*runs, tmp_path, draws=200)
    content = json.loads((tmp_path / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert content["difference"] == "b - a"
    assert len(content["regions"]) == 4 * 11
    assert content["regions"][0]["difference"] == pytest.approx(found.of("dice").difference.difference)
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    assert len(found.table().splitlines()) == 3 + 22 + 1


def test_adjusted_p_values_are_no_smaller(runs: tuple[Path, Path]) -> None:
    found = compare(*runs, draws=200)
    assert all(region.p_holm >= region.difference.p_value for region in found.regions)
    assert found.of("dice").p_holm == found.of("dice").difference.p_value


def test_intervals_of_simulated_runs_cover_the_truth(case, tmp_path: Path) -> None:
    # Dice drawn around a gain of 0.02, written as tables; the interval must hold it in about 95 of 100 runs.
    evaluate_cases([case(n, boxes()) for n in range(12)], tmp_path / "seed", _QUICK)
    header, *lines = (tmp_path / "seed" / "regions.csv").read_text().splitlines()
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(40):
        base = rng.uniform(0.6, 0.8, 12)
        gains = {"a": np.zeros(12), "b": 0.02 + rng.normal(0, 0.03, 12)}
        for name, gain in gains.items():
            rows = [line.split(",") for line in lines]
            for row in rows:
                row[5] = f"{base[int(row[0][4:])] + gain[int(row[0][4:])]:.6g}"
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "regions.csv").write_text("\n".join([header, *map(",".join, rows)]) + "\n")
        interval = compare(tmp_path / "a", tmp_path / "b", draws=300).of("dice").difference.difference
        covered += interval.low <= 0.02 <= interval.high
    assert 34 <= covered <= 40


def test_what_can_t_be_paired_is_refused(runs: tuple[Path, Path], case, tmp_path: Path) -> None:
    others = {
        r"6 only in A \(case00, case01.*\.\.\.\), 1 only in B \(case20\)": [case(20, boxes())],
        r"0 only in A, 1 only in B \(case06\)": [case(n, boxes()) for n in range(7)],
        "different patients": [case(n, boxes(), patient="one") for n in range(6)],
        r"true volumes differ, as of case00, C: 0\.048 and 0 ml": [
            case(n, boxes(), boxes(without=(1,))) for n in range(6)
        ],
        "tells sides apart": [case(n, boxes(sided=False), boxes(sided=False)) for n in range(6)],
    }
    for message, cases in others.items():
        evaluate_cases(cases, tmp_path / "other", _QUICK)
        with pytest.raises(InputError, match=message):
            compare(runs[0], tmp_path / "other", draws=100)


def test_one_patient_is_refused(case, tmp_path: Path) -> None:
    evaluate_cases([case(1, boxes())], tmp_path, _QUICK)
    with pytest.raises(InputError, match="at least two patients, found 1"):
        compare(tmp_path, tmp_path)


def test_evaluations_are_found_in_a_runs_folder(runs: tuple[Path, Path], tmp_path: Path) -> None:
    assert find_evaluation(runs[0]) == runs[0] / "evaluation"
    with pytest.raises(InputError, match="several evaluations, name one of"):
        find_evaluation(runs[0].parent)
    with pytest.raises(InputError, match="no evaluation here"):
        find_evaluation(tmp_path)

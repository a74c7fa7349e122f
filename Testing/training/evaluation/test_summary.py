"""Summaries of cases whose figures are known by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepstroke_training.evaluation import Evaluation, EvaluationSettings, evaluate_cases
from deepstroke_training.evaluation.summary import RegionSummary, Summary
from phantoms_regions import boxes

_QUICK = EvaluationSettings(worst=0, plots=False, draws=500)


def _region(summary: Summary, name: str, side: str = "both") -> RegionSummary:
    return next(region for region in summary.regions if (region.region, region.side) == (name, side))


def test_distributions_by_hand(evaluation: Evaluation) -> None:
    summary = evaluation.summary
    assert (summary.cases, summary.patients, summary.sided) == (4, 3, True)
    dice, values = summary.mean["dice"], [1.0, 7 / 8, 0.9, 0.0]
    assert dice is not None
    assert (dice.n, dice.mean) == (4, pytest.approx(np.mean(values)))
    assert dice.sd == pytest.approx(np.std(values, ddof=1))
    assert (dice.median, dice.p5) == (pytest.approx(0.8875), pytest.approx(np.percentile(values, 5)))
    assert dice.low is not None
    assert 0.0 <= dice.low < dice.mean < dice.high <= 1.0


def test_sides_are_told_apart_and_pooled(evaluation: Evaluation) -> None:
    both, left = (_region(evaluation.summary, "M2", side) for side in ("both", "left"))
    assert (both.missing, left.missing, both.side_errors, left.side_errors) == (2, 1, 2, 1)
    assert both.figures["dice"].n == 8
    assert left.figures["dice"].n == 4
    assert left.figures["dice"].mean == pytest.approx((1.0 + 7 / 8 + 0.0 + 0.0) / 4)
    assert left.figures["hausdorff95_mm"].n == 3


def test_the_mean_with_background_has_one_region_more(case, tmp_path: Path) -> None:
    summary = evaluate_cases([case(1, boxes(shift_k=1))], tmp_path, _QUICK).summary
    background = 24 * 12 * 14 - 20 * 24
    with_background = (20 * 7 / 8 + (background - 60) / background) / 21
    assert summary.mean_with_background.mean == pytest.approx(with_background, rel=1e-5)


def test_one_case_has_neither_sd_nor_interval(case, tmp_path: Path) -> None:
    summary = evaluate_cases([case(1, boxes(without=(6, 16)))], tmp_path, _QUICK).summary
    dice = summary.mean["dice"]
    assert (dice.sd, dice.low, dice.high) == (None, None, None)
    assert _region(summary, "M2").figures["hausdorff95_mm"] is None


def test_stages_are_summed_up_by_themselves(case, tmp_path: Path) -> None:
    cases = [
        case(n, boxes(shift_k=shift), stage=stage) for n in (1, 2) for stage, shift in (("raw", 1), ("stripped", 0))
    ]
    summary = evaluate_cases(cases, tmp_path, _QUICK).summary
    assert {stage: found.mean for stage, found in summary.stages.items()} == {"raw": 7 / 8, "stripped": 1.0}


def test_the_file_is_strict_json_with_its_source(evaluation: Evaluation) -> None:
    content = json.loads((evaluation.folder / "summary.json").read_text(), parse_constant=pytest.fail)
    assert content["format"] == "deepstroke-evaluation/1"
    assert content["source"] == {"run": "a test"}
    assert content["mean"]["dice"]["mean"] == pytest.approx(evaluation.summary.mean["dice"].mean)
    assert len(content["regions"]) == 30


def test_the_table_names_what_is_missing_and_swapped(evaluation: Evaluation) -> None:
    lines = evaluation.summary.table().splitlines()
    m2 = next(line for line in lines if line.startswith("M2"))
    assert m2.split()[-1] == "2"
    assert lines[-1].startswith("4 cases of 3 patients")
    assert lines[-1].endswith("20 regions on the wrong side")

"""The benchmark of merged against unmerged labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import ConfigError
from deepstroke.evaluation import paired_bootstrap
from deepstroke_training.merge_split.benchmark import ContenderFigures, MergeBenchmark
from deepstroke_training.merge_split.benchmark_work import MergeWork, make_cases, make_slide_case, read_case
from deepstroke_training.merge_split.benchmark_worker import PhaseTimes, infer, mean_dice, slide, train

TINY = MergeWork(labels=9, size=16, batch=1, base_channels=4, depth=2, training_cases=2, held_out_cases=2, steps=2)


def test_dice_is_the_mean_over_the_labels_of_the_truth() -> None:
    truth, found = np.array([0, 1, 1, 2, 2, 0]), np.array([0, 1, 1, 2, 3, 3])
    assert mean_dice(found, truth) == pytest.approx((1 + 2 / 3) / 2)


def test_cases_and_plan_belong_together(tmp_path: Path) -> None:
    plan = make_cases(TINY, tmp_path)
    assert plan.n_labels == 9
    labels = read_case(tmp_path, 0).labels
    np.testing.assert_array_equal(plan.split(plan.merge(labels)), labels)


@pytest.mark.parametrize("merged", [False, True])
def test_a_contender_is_trained_and_applied(merged: bool, tmp_path: Path) -> None:
    pytest.importorskip("monai")
    work = MergeWork(**{**vars(TINY), "merged": merged})
    make_cases(work, tmp_path)
    times = train(work, tmp_path)
    assert len(times.wall_s) == work.steps - 1
    found = infer(work, tmp_path)
    assert len(found.dice) == len(found.cpu_s) == work.held_out_cases
    assert all(0 <= each <= 1 for each in found.dice)


def test_windows_slide_through_a_larger_volume_whose_plan_is_its_own(tmp_path: Path) -> None:
    pytest.importorskip("monai")
    work = replace(TINY, merged=True, slide_size=24)
    assert make_slide_case(work, tmp_path).shape == (24, 24, 24)
    assert len(slide(work, tmp_path).cpu_s) == 1


def test_inference_is_measured_where_windows_slide() -> None:
    whole, slid = PhaseTimes((1.0,), (1.0,), 0, 0, (0.5,)), PhaseTimes((8.0,), (6.0,), 0, 0)
    figures = ContenderFigures("merged", 9, whole, whole, 10, 20, slid)
    assert (figures.measures("cpu")["inference time"], figures.measures("cuda")["inference time"]) == (6.0, 8.0)


def test_the_table_holds_ratios_beside_their_targets() -> None:
    unmerged = ContenderFigures(
        "unmerged", 108, PhaseTimes((4.0,), (4.0,), 0, 0), PhaseTimes((2.0,), (2.0,), 0, 0, (0.5, 0.7)), 1000, 400
    )
    merged = ContenderFigures(
        "merged", 27, PhaseTimes((2.0,), (2.0,), 0, 0), PhaseTimes((0.5,), (0.5,), 0, 0, (0.6, 0.8)), 400, 300
    )
    dice = paired_bootstrap(merged.infer.dice, unmerged.infer.dice, ["0", "1"])
    result = MergeBenchmark(TINY, unmerged, merged, dice, "here")
    assert result.ratios() == {
        "training memory": 0.4,
        "epoch time": 0.5,
        "inference memory": 0.75,
        "inference time": 0.25,
    }
    row = next(line for line in result.table().splitlines() if line.startswith("merged / unmerged"))
    assert row.split() == ["merged", "/", "unmerged", "0.25", "0.40", "0.50", "0.75", "0.25"]
    assert "unmerged           108     1000      1000" in result.table()


def test_faulty_work_is_refused_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        MergeWork(labels=1, size=40, steps=0, slide_size=39)
    named = [line.split(":")[0] for line in str(caught.value).splitlines()]
    assert named == ["labels", "steps", "size", "slide_size"]

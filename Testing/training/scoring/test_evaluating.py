"""The harness from a table on disk to tables and plots, on phantoms with scores known by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import phantoms_score as phantom
from deepstroke.errors import InputError
from deepstroke.nifti import write_nifti
from deepstroke.regions import BY_ABBREVIATION
from deepstroke.scoring.store import load_score_model
from deepstroke_training.cli import main
from deepstroke_training.scoring.evaluating import FIGURES, TABLES, evaluate_score
from deepstroke_training.scoring.instances import Asymmetry, gather_instances, read_measured, with_asymmetry
from deepstroke_training.scoring.table import CaseRow, read_case_table, write_case_table


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """Four heads: M2 and M5 dark on the left, C dark on the right, nothing, and a file that is missing."""
    darker = {"two": ("left", ("M2", "M5")), "one": ("right", ("C",)), "none": ("left", ())}
    rows = []
    for seed, (name, (side, regions)) in enumerate(darker.items()):
        shift = {BY_ABBREVIATION[r].label(side): -6.0 for r in regions}  # type: ignore[arg-type]
        for part, image in zip(("ct", "labels", "brain"), phantom.brain_of_boxes(shift, seed=seed), strict=True):
            write_nifti(image, tmp_path / part / f"{name}.nii.gz")
        involved = {"left": (), "right": (), side: regions}
        rows.append(CaseRow(name, name, *(f"{p}/{name}.nii.gz" for p in ("ct", "labels", "brain")), involved))  # type: ignore[arg-type]
    rows.append(CaseRow("lost", "lost", "ct/lost.nii.gz", "labels/lost.nii.gz", None, {"left": (), "right": ()}))
    write_case_table(rows, tmp_path / "cases.csv")
    return tmp_path / "cases.csv"


def test_a_perfect_score_of_three_heads(cohort: Path, tmp_path: Path) -> None:
    model = load_score_model(path=phantom.write_hand_model(tmp_path)).model
    out = tmp_path / "out"
    found = evaluate_score(cohort, {"by-hand": model}, out)["by-hand"]
    assert (found.all_regions.sensitivity, found.all_regions.specificity, found.all_regions.involved) == (1.0, 1.0, 3)
    assert (found.total.cases, found.total.right_side, found.total.false_regions) == (3, 2, 0.0)
    assert {path.name for path in out.iterdir()} >= {TABLES, FIGURES, "regions.csv", "roc.png", "totals.png"}
    figures = json.loads((out / FIGURES).read_text())
    assert [case["case"] for case in figures["failed"]] == ["lost"]
    assert "1 without a score" in (out / TABLES).read_text()


def test_the_command(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = phantom.write_hand_model(tmp_path)
    status = main(["evaluate-score", str(cohort), "-o", str(tmp_path / "o"), "--model", str(model), "--limit", "2"])
    assert status == 0
    assert "| by-hand | 40 | 3 | 0 |" in capsys.readouterr().out


def test_asymmetry_moves_the_sides_apart_and_nothing_else(cohort: Path) -> None:
    measured = read_measured(read_case_table(cohort)[2], cohort.parent)
    moved = with_asymmetry(measured, Asymmetry(region_hu=2.0, side_hu=0.0), np.random.default_rng(5))
    shift = np.random.default_rng(5).normal(0.0, 2.0, 10)
    for n in range(10):
        before, after = measured.tissues[n].measures, moved.tissues[n].measures
        assert before is not None
        assert after is not None
        assert after.difference_hu - before.difference_hu == pytest.approx(shift[n], abs=0.02)  # type: ignore[operator]
        assert after.sd_hu == pytest.approx(before.sd_hu, abs=1e-3)


def test_instances_of_a_table(cohort: Path) -> None:
    rows = read_case_table(cohort)[:2]
    found = gather_instances(rows, cohort.parent, Asymmetry(0.0, 0.0, replicates=1))
    assert found.features.shape[0] == 40
    assert found.involved.sum() == 3
    assert found.patients == 2
    dark = found.features[found.involved, 0]
    assert dark == pytest.approx([-6.0] * 3, abs=1e-3)


def test_no_case_at_all(tmp_path: Path) -> None:
    write_case_table([CaseRow("a", "a", "a.nii", "b.nii", None, {"left": (), "right": ()})], tmp_path / "cases.csv")
    model = load_score_model(path=phantom.write_hand_model(tmp_path)).model
    with pytest.raises(InputError, match="no case was scored"):
        evaluate_score(tmp_path / "cases.csv", {"by-hand": model}, tmp_path / "out")

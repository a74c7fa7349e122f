"""``deepstroke score`` on files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import phantoms_score as phantom
from deepstroke.cli import main
from deepstroke.nifti import write_nifti
from deepstroke.regions import BY_ABBREVIATION


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    images = phantom.brain_of_boxes({BY_ABBREVIATION["M2"].label("right"): -6.0})
    for name, image in zip(("ct", "labels", "brain"), images, strict=True):
        write_nifti(image, tmp_path / f"{name}.nii.gz")
    found = {name: str(tmp_path / f"{name}.nii.gz") for name in ("ct", "labels", "brain")}
    return {**found, "model": str(phantom.write_hand_model(tmp_path)), "out": str(tmp_path / "out")}


def command(files: dict[str, str], *more: str) -> int:
    needed = ["score", files["labels"], files["ct"], "-o", files["out"], "--brain", files["brain"], "--quiet"]
    return main([*needed, "--model", files["model"], *more])


def test_score_is_written_and_shown(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(files) == 0
    assert "ASPECTS 9, affected side: right; left 10, right 9" in capsys.readouterr().out
    found = json.loads((Path(files["out"]) / "score.json").read_text(encoding="utf-8"))
    assert {name: found["aspects"][name] for name in ("side", "score", "left", "right")} == {
        "side": "right", "score": 9, "left": 10, "right": 9,
    }  # fmt: skip
    assert [r["region"] for r in found["regions"] if r["involved"]] == ["M2"]
    m2 = found["regions"][15]
    assert (m2["region"], m2["side"], m2["assessable"], m2["obstacles"]) == ("M2", "right", True, [])
    assert m2["reasons"][0]["measure"] == "difference_hu"
    assert m2["tissue"]["difference_hu"] == pytest.approx(-6.0, abs=0.01)
    assert m2["mean_hu"] == pytest.approx(26.0, abs=0.2)
    assert found["aspects"]["model"] == "by-hand"


def test_the_side_may_be_named(files: dict[str, str]) -> None:
    assert command(files, "--side", "left") == 0
    aspects = json.loads((Path(files["out"]) / "score.json").read_text(encoding="utf-8"))["aspects"]
    assert (aspects["side"], aspects["score"], aspects["side_given"]) == ("left", 10, True)


def test_a_model_that_is_missing_is_named(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(files, "--model", "absent.json") == 1
    assert "absent.json" in capsys.readouterr().err

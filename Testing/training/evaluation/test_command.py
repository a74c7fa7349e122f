"""Both commands as they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepstroke_training.cli import main
from phantoms_regions import boxes


def test_folders_are_evaluated_and_compared(folders, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for name, shift in (("a", 1), ("b", 0)):
        predictions, truth = folders({f"case{n}": boxes(shift_k=shift + n % 2) for n in range(4)})
        paths = ["--predictions", str(predictions), "--truth", str(truth), "-o", str(tmp_path / name)]
        assert main(["evaluate", *paths, "--quiet", "--worst", "0", "--no-plots", "--draws", "200"]) == 0
    assert "4 cases of 4 patients" in capsys.readouterr().out
    out = tmp_path / "comparison"
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(out), "--draws", "200"]) == 0
    assert "+0.1250" in capsys.readouterr().out
    assert (out / "comparison.json").is_file()


def test_a_run_is_evaluated_into_its_own_folder(curated: Path, capsys: pytest.CaptureFixture) -> None:
    options = ["--device", "cpu", "--quiet", "--worst", "0", "--no-plots", "--draws", "200"]
    assert main(["evaluate", str(curated), "--split", "val", *options]) == 0
    out = capsys.readouterr().out
    assert "on the network's grid:" in out
    assert "on the scans' own grids:" in out
    assert (curated / "evaluation" / "validation" / "native" / "regions.csv").is_file()


def test_a_refusal_names_its_cause(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    absent = str(tmp_path / "absent")
    assert main(["evaluate", "--predictions", absent, "--truth", absent]) == 1
    assert "absent: no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [[], ["--predictions", "p"], ["--truth", "t"], ["run", "--predictions", "p", "--truth", "t"]]
)
def test_wrong_usage_is_told_from_failure(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", *words])

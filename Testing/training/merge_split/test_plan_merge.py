"""The command ``deepstroke-train plan-merge``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepstroke.labels import MergePlan
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap
from deepstroke_training.cli import main


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    line = np.zeros((3, 3, 40), np.uint8)
    line[1, 1, [0, 10, 20, 39]] = 1, 4, 3, 2
    write_nifti(LabelMap(line, np.eye(4)), tmp_path / "maps" / "a.nii.gz")
    return tmp_path / "maps"


def test_groups_are_printed_with_names_and_everything_is_written(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "names.csv").write_text("Index,Name\n1,one\n2,two\n4,four\n")
    out = tmp_path / "out"
    options = ["--names", str(tmp_path / "names.csv"), "--sweep", "--alone", "2", "--quiet"]
    assert main(["plan-merge", str(maps), "-o", str(out), *options]) == 0
    printed = capsys.readouterr().out
    assert "1       one, 3\n2       two\n3       four\n5 labels become 4, background included" in printed
    assert "7.5 mm                   3  3    3  3   3" in printed
    assert "10 mm                    4  4    4  4   4" in printed
    assert MergePlan.load(out / "plan.npz").groups == ((0,), (1, 3), (2,), (4,))
    rows = list(csv.reader((out / "groups.csv").open()))
    assert rows[1:] == [
        ["0", "0", "background", ""],
        *(
            [m, n, t, "1.000"]
            for m, n, t in [("1", "1", "one"), ("1", "3", "3"), ("2", "2", "two"), ("3", "4", "four")]
        ),
    ]
    assert json.loads((out / "plan.json").read_text())["merged"] == 4
    picture = np.asarray(Image.open(out / "graph.png").convert("RGB"))
    assert picture.std() > 20


def test_the_embedded_atlas_needs_nine_of_twenty_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan-merge", "--atlas", "-o", str(tmp_path), "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "21 labels become 9, background included" in printed
    assert "M2 left, M2 right" in printed


def test_nothing_to_read_and_faulty_settings_are_refused(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan-merge", "-o", str(tmp_path)]) == 1
    assert "name label maps, a folder, a data set, or --atlas" in capsys.readouterr().err
    assert main(["plan-merge", str(maps), "-o", str(tmp_path), "--delta-volume", "0.5", "--quiet"]) == 1
    assert "delta_volume: a ratio of 1 or more is expected, found 0.5" in capsys.readouterr().err


def test_a_table_without_names_is_refused(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "names.csv").write_text("label,colour\n1,red\n")
    assert main(["plan-merge", str(maps), "-o", str(tmp_path), "--names", str(tmp_path / "names.csv")]) == 1
    assert "has no column name or structure or region; found label, colour" in capsys.readouterr().err

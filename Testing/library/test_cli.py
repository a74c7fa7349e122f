"""The command line as a user meets it: exit status, messages, files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deepstroke.cli import main
from deepstroke.commands.console import console_progress
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap, Volume


def _label_map(path: Path, shift: int = 0) -> Path:
    labels = np.zeros((12, 12, 6), np.uint8)
    labels[1 + shift : 5 + shift, 2:6, 1:4] = 6
    labels[6:10, 2:6, 1:4] = 16
    write_nifti(LabelMap(labels, np.diag([1.0, 1.0, 2.0, 1.0])), path)
    return path


def test_wrong_usage_is_status_2() -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["segment", "scan"])
    assert stopped.value.code == 2


def test_version_is_understood_before_and_after_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--version"], ["segment", "--version"]):
        with pytest.raises(SystemExit) as stopped:
            main(argv)
        assert stopped.value.code == 0
        assert capsys.readouterr().out.startswith("deepstroke ")


def test_a_refusal_is_status_1_names_the_file_and_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scan, out = tmp_path / "empty.nii.gz", tmp_path / "out"
    scan.write_bytes(b"not nifti")
    out.mkdir()
    (out / "labels.nii.gz").write_bytes(b"of another patient")
    (out / "notes.txt").write_text("mine")
    assert main(["segment", str(scan), "-o", str(out), "--quiet"]) == 1
    assert "empty.nii.gz: damaged or not NIfTI" in capsys.readouterr().err
    record = json.loads((out / "rejected.json").read_text())
    assert record["code"] == "damaged-file"
    assert str(scan) in record["message"]
    assert sorted(path.name for path in out.iterdir()) == ["notes.txt", "rejected.json"]


def test_a_missing_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_networks_without_weights_are_refused_with_the_way_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--method", "unet", "--weights", "nowhere", "--quiet"]
    assert main(["segment", str(tmp_path), "-o", str(tmp_path / "out"), *options]) == 1
    assert "use method 'atlas'" in capsys.readouterr().err


def test_an_absent_gpu_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", str(tmp_path), "-o", str(tmp_path / "out"), "--device", "cuda:97", "--quiet"]) == 1
    assert "device 'cuda:97' was asked for" in capsys.readouterr().err


def test_an_image_that_is_no_head_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scan = tmp_path / "water.nii.gz"
    data = np.full((60, 60, 40), -1000, np.int16)
    data[15:45, 15:45, 5:35] = 0
    write_nifti(Volume(data, np.diag([3.0, 3.0, 4.0, 1.0])), scan)
    assert main(["segment", str(scan), "-o", str(tmp_path / "out"), "--quiet"]) == 1
    assert "head" in capsys.readouterr().err.lower()


def test_evaluate_prints_and_writes_the_same_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prediction, truth = _label_map(tmp_path / "p.nii.gz", shift=1), _label_map(tmp_path / "t.nii.gz")
    assert main(["evaluate", str(prediction), str(truth), "--json", str(tmp_path / "f.json")]) == 0
    figures = json.loads((tmp_path / "f.json").read_text())
    assert [(entry["label"], entry["dice"]) for entry in figures["labels"]] == [(6, 0.75), (16, 1.0)]
    printed = capsys.readouterr().out
    assert "left M2" in printed
    assert f"mean Dice over 2 labels: {figures['mean_dice']:.4f}" in printed


def test_progress_is_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console_progress() as progress:
        progress(0.0, "read")
        progress(0.254, "brain")
        progress(0.254, "brain")
    assert capsys.readouterr().out.splitlines() == ["progress 0% read", "progress 25% brain"]


def test_doctor_finds_this_installation_sound(tmp_path: Path) -> None:
    report = tmp_path / "doctor.json"
    done = subprocess.run(
        [sys.executable, "-m", "deepstroke", "doctor", "--json", str(report)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {check["status"] for check in json.loads(report.read_text())} <= {"ok", "optional"}
    assert "embedded atlas" in done.stdout


def test_atlas_info_shows_the_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "info", "deepstroke-mni152"]) == 0
    assert "not clinically validated" in json.loads(capsys.readouterr().out)["status"]


def test_atlas_list_names_what_is_here_and_what_can_be_installed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["atlas", "list"]) == 0
    printed = capsys.readouterr().out
    assert "deepstroke-mni152" in printed
    assert "high-res-ct" in printed

"""Runs evaluated on parts of their data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke_training.data.splits import Split, write_splits
from deepstroke_training.evaluation import EvaluationSettings, compare
from deepstroke_training.evaluation.runs import evaluate_run
from deepstroke_training.training.checkpoint_files import write_best
from deepstroke_training.training.failures import CheckpointError
from deepstroke_training.training.fit import fit
from phantoms_training import phantom_data, phantom_settings

_QUICK = EvaluationSettings(worst=0, plots=False, draws=200)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs on phantoms."""
    run = tmp_path_factory.mktemp("trained") / "run"
    settings = phantom_settings()
    fit(settings, run, data=phantom_data(settings))
    return run


def test_the_validation_cases_give_what_validation_gave(trained: Path) -> None:
    settings = phantom_settings()
    found = evaluate_run(trained, "val", settings=_QUICK, device="cpu", data=phantom_data(settings))
    measures = json.loads((trained / "summary.json").read_text())["measures"]
    of_region = {r.region: r.figures["dice"] for r in found.network.summary.regions}
    for region in ("C", "M1"):
        assert of_region[region].mean == pytest.approx(measures[f"val/dice_{region}"], abs=1e-5)
    assert found.native is None
    assert found.network.folder == trained / "evaluation" / "validation" / "network"


def test_the_summary_says_what_was_evaluated(trained: Path, tmp_path: Path) -> None:
    settings = phantom_settings()
    evaluate_run(trained, "test", tmp_path, _QUICK, "cpu", phantom_data(settings))
    source = json.loads((tmp_path / "network" / "summary.json").read_text())["source"]
    assert (source["split"], source["grid"], source["network"]) == ("test", "network", "unet3d")
    assert len(source["weights_sha256"]) == 64


def test_runs_can_be_compared(trained: Path, tmp_path: Path) -> None:
    settings = phantom_settings()
    evaluate_run(trained, "test", tmp_path, _QUICK, "cpu", phantom_data(settings))
    assert compare(tmp_path, tmp_path, draws=100).of("dice").difference.difference == 0.0


def test_regions_that_the_network_knows_are_found_on_both_grids(curated: Path, tmp_path: Path) -> None:
    found = evaluate_run(curated, "test", tmp_path, EvaluationSettings(worst=1, plots=False, draws=200), "cpu")
    for evaluation in (found.network, found.native):
        assert evaluation is not None
        cases = {(case.case, case.stage): case.patient for case in evaluation.records.cases}
        assert cases == {(name, stage): "p4" for name in "de" for stage in ("raw", "registered")}
        dice = {region.region: region.figures["dice"] for region in evaluation.summary.regions}
        # Half a voxel of 3 mm at the faces of boxes of 20 to 28 mm; flipped or moved boxes would not overlap at all.
        assert dice["C"].p5 > 0.85
        assert dice["M1"].p5 > 0.85
        assert dice["M2"] is None
        assert (evaluation.folder / "worst" / "01.png").is_file()
    volumes = {record: found.native.records.values["reference_ml"][0, n] for n, record in ((0, "C"), (4, "M1"))}
    assert volumes["C"] == pytest.approx(24 * 24 * 20 / 1000, rel=0.15)


def test_the_split_is_that_of_the_training(curated: Path, tmp_path: Path) -> None:
    for split, cases in (("train", {"a", "c"}), ("val", {"b"})):
        found = evaluate_run(curated, split, tmp_path / split, _QUICK, "cpu")
        assert {case.case for case in found.network.records.cases} == cases


def test_what_can_t_be_evaluated_is_refused(trained: Path, curated: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml can't be read"):
        evaluate_run(tmp_path)
    with pytest.raises(ConfigError, match="split 'tset': expected train, validation, test or val"):
        evaluate_run(trained, "tset")
    with pytest.raises(ConfigError, match="trained without sides"):
        evaluate_run(curated, settings=EvaluationSettings("sided"))


def test_a_part_without_cases_is_refused(curated: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    for name in ("config.yaml", "checkpoints/best.ckpt"):
        (tmp_path / name).write_bytes((curated / name).read_bytes())
    write_splits([Split("dataset", ("p1", "p2", "p3", "p4"))], tmp_path / "split.json")
    with pytest.raises(ConfigError, match="no test case"):
        evaluate_run(tmp_path)


def test_weights_that_are_missing_or_of_another_network_are_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes((trained / "config.yaml").read_bytes())
    with pytest.raises(CheckpointError, match="no best weights yet"):
        evaluate_run(tmp_path)
    write_best({"weights": {"other": torch.zeros(1)}, "measures": {}, "step": 1}, tmp_path)
    with pytest.raises(ConfigError, match="the weights don't fit the network unet3d"):
        evaluate_run(tmp_path)


@pytest.mark.gpu
def test_a_gpu_finds_the_same(curated: Path, tmp_path: Path) -> None:
    found = [evaluate_run(curated, "test", tmp_path / device, _QUICK, device) for device in ("cpu", "cuda")]
    dice = [evaluation.native.records.case_dice() for evaluation in found]
    assert dice[0] == pytest.approx(dice[1], abs=1e-3)

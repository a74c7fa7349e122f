"""What is written into manifest and model card after the export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deepstroke.errors import InputError, WeightsError
from deepstroke.inference import read_manifest
from deepstroke.inference.weights import AutoRoute
from deepstroke.nifti import write_json
from deepstroke.regions import SIDED_REGIONS
from deepstroke_training.assessment.amending import amend
from deepstroke_training.assessment.reliability import TEMPERATURES, Reliability
from deepstroke_training.cli import main
from deepstroke_training.training.export import export
from deepstroke_training.training.fit import fit
from phantoms_training import phantom_data, phantom_settings

NAMES = ("C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    settings = phantom_settings(name="phantom", data={"coordinates": True, "cache": str(folder / "cache")})
    fit(settings, folder, data=phantom_data(settings))
    return folder


@pytest.fixture
def weights(run: Path, tmp_path: Path) -> Path:
    export(run, tmp_path / "phantom.safetensors")
    return tmp_path / "phantom.safetensors"


def assessment(folder: Path, sha256: str) -> Path:
    """The files of an assessment of the network, 0.8 everywhere but 0.5 in the insula."""
    figures = {name: {"dice": {"mean": 0.5 if name == "I" else 0.8}} for name in NAMES}
    regions = [{"region": n, "side": "both", "side_errors": int(n == "C"), "figures": figures[n]} for n in NAMES]
    mean = {"dice": {"mean": 0.77, "low": 0.75, "high": 0.79}, "hausdorff95_mm": {"mean": 4.25}}
    write_json({"cases": 9, "mean": mean, "regions": regions}, folder / "unet" / "summary.json")
    overall: dict[str, Any] = {"cases": 10, "failures": {"unet": 1}, "residual_mm": 4.5, "flips": False}
    write_json({**overall, "weights": {"sha256": sha256}, "dice": {"unet": 0.77}}, folder / "assessment.json")
    many = len(TEMPERATURES)
    ece = tuple(0.01 * n for n in range(many))
    Reliability(7, TEMPERATURES, (1.0,) * many, ece, TEMPERATURES[3], TEMPERATURES[2]).write(folder)
    return folder


def report(path: Path, sha256: str) -> Path:
    """Of a scan on which both routes agree by 0.9 on the left and 0.7 on the right."""
    dice = {"left": 0.9, "right": 0.7}
    regions = [{"region": r.abbreviation, "side": side, "dice": dice[side]} for r, side in SIDED_REGIONS]
    write_json({"weights_sha256": sha256, "agreement": {"mean_dice": 0.8, "regions": regions}}, path)
    return path


def test_temperature_and_residual_come_from_the_calibration(weights: Path, tmp_path: Path) -> None:
    manifest = amend(weights, assessment(tmp_path / "cal", read_manifest(weights).sha256))
    assert (manifest.output.temperature, manifest.output.residual_mm) == (TEMPERATURES[3], 4.5)
    assert read_manifest(weights) == manifest


def test_the_card_shows_figures_routes_and_scans(weights: Path, tmp_path: Path) -> None:
    sha256 = read_manifest(weights).sha256
    amend(
        weights,
        assessments={"held-out": assessment(tmp_path / "held", sha256)},
        agreements={"scan A": report(tmp_path / "report.json", sha256)},
        auto_route=AutoRoute("atlas", "unet", "because it was measured"),
    )
    card = weights.with_suffix(".md").read_text()
    figures = " | ".join(["0.800"] * 3 + ["0.500"] + ["0.800"] * 6)
    assert f"| unet | {figures} | 0.770 | 0.750 to 0.790 | 4.2 | 1 | 1 of 10 |" in card
    assert f"within regions: 0.020 at temperature {TEMPERATURES[2]:g}." in card
    assert f"| scan A | {' | '.join(['0.800'] * 10)} | 0.800 |" in card
    assert "`atlas` on a processor, `unet` on a GPU: because it was measured." in card
    assert card.index("## Measures") < card.index("## Whole scans") < card.index("## Intended use")


def test_figures_stay_when_others_are_added(weights: Path, tmp_path: Path) -> None:
    sha256 = read_manifest(weights).sha256
    amend(weights, assessments={"first": assessment(tmp_path / "one", sha256)})
    amend(weights, assessments={"second": assessment(tmp_path / "two", sha256)}, default=True)
    content = json.loads(weights.with_suffix(".json").read_text())
    assert (list(content["assessments"]), content["default"]) == (["first", "second"], True)


def test_figures_of_other_weights_are_refused(weights: Path, tmp_path: Path) -> None:
    before = weights.with_suffix(".json").read_bytes()
    with pytest.raises(InputError, match="was measured with other weights"):
        amend(weights, assessment(tmp_path / "cal", "0" * 64))
    with pytest.raises(InputError, match="is of other weights"):
        amend(weights, agreements={"A": report(tmp_path / "report.json", "0" * 64)})
    assert weights.with_suffix(".json").read_bytes() == before


def test_missing_figures_are_named(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"assessment\.json can't be read"):
        amend(weights, tmp_path)
    write_json({"weights_sha256": read_manifest(weights).sha256}, tmp_path / "report.json")
    with pytest.raises(InputError, match="holds no agreement"):
        amend(weights, agreements={"A": tmp_path / "report.json"})
    with pytest.raises((InputError, WeightsError), match=r"none\.json"):
        amend(tmp_path / "none.safetensors")


def test_the_command_amends(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sha256 = read_manifest(weights).sha256
    held = assessment(tmp_path / "held", sha256)
    auto = ["--auto-cpu", "atlas", "--auto-cuda", "both", "--reason", "it is better"]
    assert main(["amend", str(weights), "--assessment", f"held-out={held}", *auto, "--default"]) == 0
    manifest = read_manifest(weights)
    assert (manifest.auto_route, manifest.default) == (AutoRoute("atlas", "both", "it is better"), True)
    assert "amended" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["amend", str(weights), "--reason", "alone"])
    assert "go together" in capsys.readouterr().err

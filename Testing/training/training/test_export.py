"""A run's best weights, exported and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from deepstroke.errors import ConfigError, WeightsError
from deepstroke.inference import load_network, read_manifest
from deepstroke_training.training.export import _without_folder, export
from deepstroke_training.training.failures import CheckpointError
from deepstroke_training.training.fit import fit
from deepstroke_training.training.trained import read_trained
from phantoms_training import phantom_data, phantom_settings


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    settings = phantom_settings(
        name="phantom",
        data={"coordinates": True, "cache": str(folder / "cache")},
        trainer={"ema": {"decay": 0.9}, "window": {"roi": [16, 16, 12]}},
    )
    fit(settings, folder, data=phantom_data(settings))
    return folder


@pytest.fixture
def weights(run: Path, tmp_path: Path) -> Path:
    path = tmp_path / "phantom.safetensors"
    export(run, path)
    return path


def test_the_exported_network_gives_what_the_trained_one_gives(run: Path, weights: Path) -> None:
    image = torch.rand(1, 1, 16, 16, 16)
    network, _ = load_network(weights)
    with torch.no_grad():
        assert torch.equal(network(image), read_trained(run).network()(image))


def test_the_manifest_says_what_inference_needs(weights: Path) -> None:
    manifest = read_manifest(weights)
    assert (manifest.name, manifest.licence) == ("phantom", "Apache-2.0")
    assert manifest.network.settings == {"depth": 3, "base_channels": 4, "dropout": 0.2, "out_channels": 14}
    assert (manifest.input.spacing_mm, manifest.input.shape, manifest.input.hu_range) == (4.0, (16,) * 3, (0.0, 100.0))
    assert manifest.input.stages == ("raw", "stripped")
    assert (manifest.input.window, manifest.input.overlap) == ((16, 16, 12), 0.5)
    assert manifest.output.labels[:4] == ("background", "C", "L", "IC")
    assert (len(manifest.output.labels), manifest.output.coordinate_unit_mm) == (11, 50.0)


def test_the_manifest_keeps_how_the_weights_came_about_without_folders(run: Path, weights: Path) -> None:
    content = json.loads(weights.with_suffix(".json").read_text())
    assert content["training"]["step"] == read_trained(run).step
    assert content["training"]["settings"]["data"]["cache"] == "cache"
    assert content["measures"]["val/dice_mean"] == read_trained(run).measures["val/dice_mean"]
    assert str(run.parent) not in json.dumps(content)


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("/home/someone/data/cohort", "cohort"),
        ("data.curated=[{folder: /mnt/x/cohort}]", "data.curated=[{folder: cohort}]"),
        ("~/runs/a", "a"),
        ("Training/configs/debug.yaml", "Training/configs/debug.yaml"),
        ("optimizer.lr=3e-4", "optimizer.lr=3e-4"),
    ],
)
def test_folders_of_the_machine_are_left_out(word: str, kept: str) -> None:
    assert _without_folder(word) == kept


def test_the_model_card_has_every_section_and_the_measures(run: Path, weights: Path) -> None:
    card = weights.with_suffix(".md").read_text()
    for section in ("# phantom", "## Data", "## Measures", "## Intended use", "## Limits", "## Commands"):
        assert section in card
    assert f"{read_trained(run).measures['val/dice_M1']:.3f}" in card
    assert read_manifest(weights).sha256 in card
    assert "Apache-2.0" in card
    assert "Trained on synthetic heads alone" in card


def test_altered_weights_are_refused(weights: Path) -> None:
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(WeightsError, match=r"was altered or cut short: its sha256 is [0-9a-f]{16}"):
        load_network(weights)


def test_a_missing_manifest_is_named(weights: Path) -> None:
    weights.with_suffix(".json").unlink()
    with pytest.raises(WeightsError, match=r"phantom\.json can't be used"):
        read_manifest(weights)


def test_another_layout_is_refused(weights: Path) -> None:
    path = weights.with_suffix(".json")
    path.write_text(path.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(WeightsError, match="layout 99; this version reads 1"):
        read_manifest(weights)


def test_other_suffixes_are_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"weights are exported to a \.safetensors file"):
        export(run, tmp_path / "weights.pt")


def test_a_run_without_a_validation_has_nothing_to_export(run: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    with pytest.raises(CheckpointError, match="no best weights yet: they are kept after the first validation"):
        export(tmp_path, tmp_path / "weights.safetensors")

"""ADN of a comparison becomes weights that inference reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from deepstroke.errors import ConfigError, WeightsError
from deepstroke.inference.weights import load_network
from deepstroke.networks import AsymmetryDisentanglementNetwork
from deepstroke.nifti import write_json
from deepstroke_training.asymmetry.comparing import FIGURES, WEIGHTS
from deepstroke_training.asymmetry.export import export


def a_run(folder: Path, aisd: str | None = None) -> AsymmetryDisentanglementNetwork:
    network = AsymmetryDisentanglementNetwork("reference", 8)
    torch.save(network.state_dict(), folder / WEIGHTS.format("adn"))
    settings = {"preset": "reference", "base_channels": 8, "spacing_mm": 5.0, "shape": [32, 40, 32], "aisd": aisd}
    write_json({"settings": settings, "scores": {"adn": {"dice": [0.5]}}}, folder / FIGURES)
    return network


def test_the_network_comes_back_with_its_preset_and_grid(tmp_path: Path) -> None:
    before = a_run(tmp_path)
    export(tmp_path, tmp_path / "adn-small.safetensors")
    after, manifest = load_network(tmp_path / "adn-small.safetensors")
    assert isinstance(after, AsymmetryDisentanglementNetwork)
    assert (after.preset, after.alignment.rotation_deg) == ("reference", 40.0)
    assert all(torch.equal(each, after.state_dict()[name]) for name, each in before.state_dict().items())
    assert (manifest.input.spacing_mm, manifest.input.shape) == (5.0, (32, 40, 32))
    assert (manifest.input.hu_range, manifest.output.labels) == ((0.0, 80.0), ("background", "infarct"))


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="holds no ADN of a comparison"):
        export(tmp_path, tmp_path / "adn.safetensors")
    a_run(tmp_path, aisd="AISD")
    with pytest.raises(ConfigError, match="AISD has another grid"):
        export(tmp_path, tmp_path / "adn.safetensors")
    with pytest.raises(ConfigError, match=r"exported to a \.safetensors file"):
        export(tmp_path, tmp_path / "adn.pt")


def test_damaged_figures_are_named(tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text('{"settings": ', encoding="utf-8")
    with pytest.raises(WeightsError, match=r"comparison\.json can't be read as JSON"):
        export(tmp_path, tmp_path / "adn.safetensors")

"""A run that begins with weights exported before."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke_training.training.export import export
from deepstroke_training.training.fit import fit
from deepstroke_training.training.module import SegmentationModule
from deepstroke_training.training.start import take_weights
from deepstroke_training.training.trained import read_trained
from phantoms_training import phantom_data, phantom_settings


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    settings = phantom_settings(name="first", data={"coordinates": True, "cache": str(folder / "cache")})
    fit(settings, folder / "run", data=phantom_data(settings))
    export(folder / "run", folder / "first.safetensors")
    return folder / "first.safetensors"


def test_a_run_begins_with_the_weights(weights: Path, tmp_path: Path) -> None:
    settings = phantom_settings(
        name="second",
        start=str(weights),
        data={"coordinates": True, "cache": str(tmp_path / "cache")},
        optimizer={"lr": 1e-12, "weight_decay": 0.0},
    )
    fit(settings, tmp_path / "run", data=phantom_data(settings))
    first = read_trained(weights.parent / "run").weights
    second = read_trained(tmp_path / "run").weights
    assert all(torch.allclose(first[name], tensor, atol=1e-6) for name, tensor in second.items())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"network": {"depth": 2}}, "another network than the run's"),
        ({"data": {"coordinates": True, "sided": True}}, "has the classes background, C, L"),
        ({"data": {"coordinates": True, "spacing_mm": 3.0}}, "for voxels of 4 mm, data.spacing_mm is 3"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: Path, changed: dict, told: str) -> None:
    settings = phantom_settings(**{"data": {"coordinates": True}, **changed})
    with pytest.raises(ConfigError, match=told):
        take_weights(SegmentationModule(settings).network, weights, settings)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    settings = phantom_settings()
    with pytest.raises(ConfigError, match=r"start: .*none\.json can't be used"):
        take_weights(SegmentationModule(settings).network, tmp_path / "none.safetensors", settings)

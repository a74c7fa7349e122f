"""Settings of a run: sections, contradictions, and the channels that follow from the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.configuration import as_mapping, fill, load_configuration
from deepstroke_training.training.run_settings import RunSettings
from deepstroke_training.training.settings import NetworkSettings, TrainerSettings


def test_faults_of_every_section_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "faulty.yaml"
    path.write_text(
        "name: a/b\n"
        "network: {name: unet3d, dept: 3}\n"
        "loss: {lambda_dice: -1}\n"
        "data: {shape: [4, 4], synthetic: {cases: 0}}\n"
        "optimizer: {lr: -1, schedule: linear}\n"
        "trainer: {ema: {decay: 2}, devices: 0, max_epochs: null, early_stopping: {monitor: val/dice_men}}\n"
        "output: {reserve: 3}\n"
    )
    with pytest.raises(ConfigError) as told:
        load_configuration(path, ["seed=-1"])
    first, *faults = str(told.value).splitlines()
    assert first == f"{path}: 13 faults"
    assert [fault.strip().split(":")[0] for fault in faults] == [
        "network.dept",
        "loss.lambda_dice",
        "data.synthetic.cases",
        "data.shape",
        "optimizer.schedule",
        "optimizer.lr",
        "trainer.early_stopping.monitor",
        "trainer.ema.decay",
        "trainer.devices",
        "trainer.max_epochs",
        "output.reserve",
        "name",
        "seed",
    ]
    assert "did you mean 'depth'" in faults[0]
    assert "did you mean 'val/dice_mean'" in faults[6]
    assert "did you mean 'reserve_mb'" in faults[10]


def test_defaults_fill_the_same_settings_again() -> None:
    settings = RunSettings(network=NetworkSettings("swin_unetr", {"depths": (2, 2, 2, 2)}))
    assert fill(RunSettings, as_mapping(settings)) == settings


@pytest.mark.parametrize(
    ("data", "channels"),
    [({}, 11), ({"sided": True}, 21), ({"coordinates": True}, 14), ({"sided": True, "coordinates": True}, 24)],
)
def test_output_channels_follow_from_the_data(data: dict[str, bool], channels: int) -> None:
    assert fill(RunSettings, {"data": data}).network_arguments["out_channels"] == channels


def test_contradictions_between_sections() -> None:
    mapping = {"network": {"out_channels": 4}, "loss": {"class_weights": [1.0, 2.0]}}
    with pytest.raises(ConfigError) as told:
        fill(RunSettings, mapping)
    assert [line.split(":")[0] for line in str(told.value).splitlines()] == [
        "network.out_channels",
        "loss.class_weights",
    ]


def test_an_unknown_network_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"unet9.*unet3d"):
        fill(RunSettings, {"network": {"name": "unet9"}})


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"strategy": "single", "devices": 2}, "strategy: single is one process, found devices 2"),
        ({"accelerator": "cpu", "precision": "fp16"}, "precision: fp16 needs a GPU"),
        ({"max_minutes": 0.0}, "max_minutes: expected above 0, found 0"),
        ({"most_nonfinite": 0}, "most_nonfinite: expected 1 or more, found 0"),
    ],
)
def test_trainers_that_can_not_be(settings: dict, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        TrainerSettings(**settings)

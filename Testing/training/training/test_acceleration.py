"""16 bits, memory layout, compilation and GPUs give what plain arithmetic gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deepstroke_training.training.fit import fit
from deepstroke_training.training.run_folder import read_record, read_table
from deepstroke_training.training.run_settings import RunSettings
from phantoms_training import phantom_data, phantom_settings


def losses(run: Path, **trainer: Any) -> list[float]:
    settings = phantom_settings(network={"dropout": 0.0}, trainer={"max_epochs": 1, **trainer})
    fit(settings, run, data=phantom_data(settings))
    return [row["loss"] for row in read_table(run / "steps.csv")]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    return losses(tmp_path_factory.mktemp("plain"))


def test_channels_innermost_change_nothing_but_the_last_digits(plain: list[float], tmp_path: Path) -> None:
    assert losses(tmp_path, channels_last=True) == pytest.approx(plain, abs=1e-5)


def test_bf16_is_close(plain: list[float], tmp_path: Path) -> None:
    found = losses(tmp_path, channels_last=True, precision="bf16", ema={"decay": 0.9})
    assert found == pytest.approx(plain, rel=0.01)
    assert found != plain


@pytest.mark.slow
def test_a_compiled_network_gives_the_same(plain: list[float], tmp_path: Path) -> None:
    assert losses(tmp_path, compile=True) == pytest.approx(plain, abs=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("strategy", ["single", "ddp", "fsdp"])
@pytest.mark.parametrize("precision", ["32", "bf16", "fp16"])
def test_a_gpu_gives_what_the_cpu_gives(plain: list[float], strategy: str, precision: str, tmp_path: Path) -> None:
    found = losses(tmp_path, accelerator="gpu", devices=1, strategy=strategy, precision=precision, ema={"decay": 0.9})
    assert found == pytest.approx(plain, rel=1e-3 if precision == "32" else 0.02)


@pytest.mark.gpu
def test_a_gpu_run_that_was_resumed_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    def run(folder: str, epochs: int) -> RunSettings:
        settings = phantom_settings(trainer={"accelerator": "gpu", "devices": 1, "max_epochs": epochs})
        fit(settings, tmp_path / folder, resume=True, data=phantom_data(settings))
        return settings

    run("whole", 3)
    run("broken", 1)
    run("broken", 3)
    whole, broken = (read_record(tmp_path / name, "summary.json") for name in ("whole", "broken"))
    assert broken["measures"]["val/loss"] == pytest.approx(whole["measures"]["val/loss"], abs=1e-4)


@pytest.mark.gpu
def test_too_large_a_batch_on_a_gpu_is_refused_with_settings_that_fit(tmp_path: Path) -> None:
    from deepstroke.errors import ConfigError

    settings = phantom_settings(
        network={"depth": 7, "base_channels": 8},
        data={"shape": [512, 512, 512], "batch_size": 8, "spacing_mm": 0.5},
        trainer={"accelerator": "gpu", "devices": 1, "precision": "32"},
    )
    with pytest.raises(
        ConfigError, match=r"the GPU has \d+\.\d GiB; these settings would fit: trainer\.precision=bf16"
    ):
        fit(settings, tmp_path, data=phantom_data(settings))

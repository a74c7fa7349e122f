"""Runs that were killed end as if they had not been."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke_training.configuration import as_mapping
from deepstroke_training.configuration_files import write_settings
from deepstroke_training.training.checkpoint_files import read_latest
from deepstroke_training.training.failures import CheckpointError, TrainingError
from deepstroke_training.training.fit import fit
from deepstroke_training.training.run_settings import RunSettings
from phantoms_training import PhantomData, phantom_data, phantom_settings

JOB = Path(__file__).resolve().parents[2] / "phantoms_training.py"


def settings_of_test(**trainer: object) -> RunSettings:
    return phantom_settings(
        optimizer={"lr": 0.01, "schedule": "cosine", "warmup_steps": 3},
        trainer={
            "max_epochs": 4,
            "ema": {"decay": 0.9},
            "accumulate": 2,
            "checkpoint": {"steps": 1},
            "early_stopping": {"patience": 3},
            **trainer,
        },
    )


def weights(run: Path) -> dict[str, torch.Tensor]:
    state = read_latest(run)[0]
    moments = {f"{i}/{k}": v for i, of in state["optimizer"]["state"].items() for k, v in of.items()}
    averages = {f"average/{name}": tensor for name, tensor in state["average"].items()}
    return {**state["network"], **averages, **moments}


def steps(run: Path) -> list[list[str]]:
    """Step, epoch, loss, learning rate, norm of the gradient."""
    with (run / "steps.csv").open(encoding="utf-8", newline="") as stream:
        return [[row[name] for name in ("step", "epoch", "loss", "lr", "grad_norm")] for row in csv.DictReader(stream)]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def start(run: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(JOB.parent)}
    return subprocess.Popen([sys.executable, str(JOB), f"{run}.yaml"], env=environment)


def kill_at(run: Path, step: int) -> int:
    """Start a run, kill it once it has logged a step; the last step it logged."""
    process = start(run)
    table, until = run / "steps.csv", time.monotonic() + 500
    while time.monotonic() < until and process.poll() is None:
        if table.exists() and len(steps(run)) >= step:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    assert process.wait() == -signal.SIGKILL, "the run ended before it was killed"
    return len(steps(run))


@pytest.mark.slow
def test_a_run_killed_twice_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path) -> None:
    """In the middle of an epoch, with accumulation, dropout, average, warm-up and a falling learning rate."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = settings_of_test(max_epochs=12)
    write_settings(as_mapping(settings), broken.with_suffix(".yaml"))
    fit(settings, whole, data=phantom_data(settings))
    reached = [kill_at(broken, step=3), kill_at(broken, step=9)]
    assert reached[0] < reached[1] < 24
    assert start(broken).wait() == 0
    assert same(weights(whole), weights(broken))
    assert steps(whole) == steps(broken)


def run_to(run: Path, resume: bool = False, **trainer: object) -> RunSettings:
    settings = settings_of_test(**trainer)
    fit(settings, run, resume=resume, data=phantom_data(settings))
    return settings


def test_a_run_stopped_in_the_middle_of_an_epoch_goes_on_exactly(tmp_path: Path) -> None:
    """Two steps of two batches an epoch; a signal after the third step ends the run within the second epoch."""
    fixed = {"max_epochs": None, "max_steps": 8}
    run_to(tmp_path / "whole", **fixed)
    broken = tmp_path / "broken"
    settings = settings_of_test(**fixed)
    with pytest.raises(TrainingError, match="stopped by a signal after step 3 and saved"):
        fit(settings, broken, data=InterruptedData(settings.data, settings.seed))
    assert read_latest(broken)[0]["position"] == {
        **read_latest(broken)[0]["position"],
        "epoch": 1,
        "batch": 2,
        "step": 3,
    }
    run_to(broken, resume=True, **fixed)
    assert same(weights(tmp_path / "whole"), weights(broken))
    assert steps(tmp_path / "whole") == steps(broken)


class InterruptedData(PhantomData):
    """Sends this process the signal of Ctrl-C with the first training batch of the third step."""

    interrupted_batch = 5
    batches = 0

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        self.batches += "is_padding" not in batch
        if self.batches == self.interrupted_batch:
            os.kill(os.getpid(), signal.SIGINT)
        return super().on_after_batch_transfer(batch, dataloader_idx)


def test_a_damaged_last_checkpoint_costs_only_what_came_after_the_one_before(tmp_path: Path) -> None:
    run_to(tmp_path / "whole", max_epochs=3)
    broken = tmp_path / "broken"
    run_to(broken, max_epochs=2)
    last = broken / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:5000])
    with pytest.warns(UserWarning, match="going on from previous"):
        run_to(broken, resume=True, max_epochs=3)
    assert read_latest(broken)[0]["position"]["step"] == 6
    assert [row[0] for row in steps(broken)] == ["1", "2", "3", "4", "5", "6"]


def test_a_run_that_is_done_stays_as_it_is(tmp_path: Path) -> None:
    settings = run_to(tmp_path, max_epochs=1)
    before = (tmp_path / "checkpoints" / "last.ckpt").read_bytes()
    summary = fit(settings, tmp_path, resume=True, data=phantom_data(settings))
    assert (summary.epochs, summary.stopped) == (1, "1 epochs done")
    assert (tmp_path / "checkpoints" / "last.ckpt").read_bytes() == before


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    settings = run_to(tmp_path, max_epochs=1)
    with pytest.raises(ConfigError, match="holds a run already: go on with it by --resume"):
        fit(settings, tmp_path, data=phantom_data(settings))


def test_a_run_does_not_go_on_with_another_network_or_other_data(tmp_path: Path) -> None:
    run_to(tmp_path, max_epochs=1)
    other = phantom_settings(
        network={"base_channels": 8},
        data={"batch_size": 4},
        optimizer={"lr": 0.01, "schedule": "cosine", "warmup_steps": 3},
        trainer={"max_epochs": 2, "ema": {"decay": 0.9}, "accumulate": 2},
    )
    with pytest.raises(ConfigError) as told:
        fit(other, tmp_path, resume=True, data=phantom_data(other))
    assert [line.strip() for line in str(told.value).splitlines()[1:]] == [
        "data.batch_size: was 2, now 4",
        "network.base_channels: was 4, now 8",
    ]


def test_what_concerns_speed_and_length_may_change_with_a_warning(tmp_path: Path) -> None:
    run_to(tmp_path, max_epochs=1)
    with pytest.warns(UserWarning, match=r"goes on with other settings: trainer\.max_epochs"):
        run_to(tmp_path, resume=True, max_epochs=2)
    assert read_latest(tmp_path)[0]["position"]["epoch"] == 2


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    run_to(tmp_path, max_epochs=1)
    (tmp_path / "config.yaml").unlink()
    other = phantom_settings(network={"base_channels": 8}, trainer={"max_epochs": 2})
    with pytest.raises(CheckpointError, match=r"another network: \d+ of \d+ weights differ, such as "):
        fit(other, tmp_path, resume=True, data=phantom_data(other))


def test_early_stopping_counts_on(tmp_path: Path) -> None:
    """The least gain is out of reach: patience of 3 ends the run after 4 validations, however often it was resumed."""
    stopping = {"early_stopping": {"patience": 3, "least_gain": 0.9}}
    run_to(tmp_path, max_epochs=2, **stopping)
    settings = settings_of_test(max_epochs=9, **stopping)
    summary = fit(settings, tmp_path, resume=True, data=phantom_data(settings))
    assert summary.epochs == 4
    assert "val/dice_mean" in summary.stopped

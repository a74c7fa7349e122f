"""Runs that were killed end as if they had not been."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from deepstroke_training.configuration import as_mapping
from deepstroke_training.configuration_files import write_settings
from deepstroke_training.training.checkpoint_files import read_latest
from deepstroke_training.training.fit import fit
from deepstroke_training.training.run_settings import RunSettings
from phantoms_training import phantom_data, phantom_settings

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
    table, until = run / "steps.csv", time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        if table.exists() and len(steps(run)) >= step:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.005)
    assert process.wait() == -signal.SIGKILL, "the run ended before it was killed"
    return len(steps(run))


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

"""Several processes learn what one process learns."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from deepstroke_training.configuration import as_mapping
from deepstroke_training.configuration_files import write_settings
from deepstroke_training.training.checkpoint_files import read_latest
from deepstroke_training.training.fit import fit
from deepstroke_training.training.run_folder import read_record, read_table
from deepstroke_training.training.run_settings import RunSettings
from phantoms_training import phantom_data, phantom_settings

JOB = Path(__file__).resolve().parents[2] / "phantoms_training.py"


def run_settings(batch_size: int, strategy: str = "single", **trainer: object) -> RunSettings:
    """Without dropout, whose random numbers differ between processes."""
    return phantom_settings(
        network={"dropout": 0.0},
        data={"batch_size": batch_size, "samples_per_epoch": 8},
        optimizer={"lr": 0.003, "clip": 0.1},
        trainer={"max_epochs": 4, "strategy": strategy, "ema": {"decay": 0.9}, **trainer},
    )


def launch(processes: int, *configs: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(JOB.parent)}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    done = subprocess.run([*command, str(JOB), *map(str, configs)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One process with batches of 4 in ``single``; two with batches of 2 each in ``ddp`` and ``fsdp``."""
    folder = tmp_path_factory.mktemp("runs")
    for strategy in ("ddp", "fsdp"):
        write_settings(as_mapping(run_settings(2, strategy)), folder / f"{strategy}.yaml")
    launch(2, folder / "ddp.yaml", folder / "fsdp.yaml")
    settings = run_settings(4)
    fit(settings, folder / "single", data=phantom_data(settings))
    return folder


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_give_the_loss_curve_of_one_with_the_same_global_batch(runs: Path, strategy: str) -> None:
    """Up to the order of summation: 1e-5 of losses of about 1.4 after 8 steps."""
    one, two = (read_table(runs / name / "steps.csv") for name in ("single", strategy))
    assert [row["step"] for row in two] == list(range(1, 9))
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], abs=1e-5)
    assert two[0]["loss"] - two[-1]["loss"] > 0.01
    assert [row["grad_norm"] for row in two] == pytest.approx([row["grad_norm"] for row in one], rel=1e-3)


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
@pytest.mark.parametrize("part", ["network", "average"])
def test_strategies_give_the_weights_of_a_single_device(runs: Path, strategy: str, part: str) -> None:
    """8 steps of AdamW move weights by up to 0.024; they may differ by 1e-4."""
    one, two = (read_latest(runs / name)[0][part] for name in ("single", strategy))
    start = read_first(part)
    assert one.keys() == two.keys()
    moved = max(float((one[name] - start[name]).abs().max()) for name in one)
    differing = max(float((one[name] - two[name]).abs().max()) for name in one)
    assert moved > 0.005
    assert differing < 1e-4


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_measures_of_validation_are_those_of_one_process(runs: Path, strategy: str) -> None:
    """Three cases on two processes: the fourth, which repeats one, isn't counted."""
    one, two = (read_record(runs / name, "summary.json") for name in ("single", strategy))
    assert two["measures"]["val/loss"] == pytest.approx(one["measures"]["val/loss"], abs=1e-4)
    assert two["measures"]["val/dice_background"] == pytest.approx(one["measures"]["val/dice_background"], abs=2e-3)
    assert two["best_step"] == one["best_step"]


def read_first(part: str) -> dict[str, torch.Tensor]:
    import lightning

    from deepstroke_training.training.module import SegmentationModule

    settings = run_settings(4)
    lightning.seed_everything(settings.seed, verbose=False)
    return dict(SegmentationModule(settings).network.state_dict())

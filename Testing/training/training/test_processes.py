"""Several processes learn what one process learns."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
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


LEAN = {"checkpoint_activations": True}


def run_settings(batch_size: int, strategy: str = "single", **trainer: object) -> RunSettings:
    """Without dropout, whose random numbers differ between processes."""
    return phantom_settings(
        network={"dropout": 0.0},
        data={"batch_size": batch_size, "samples_per_epoch": 8},
        optimizer={"lr": 0.003, "clip": 0.1},
        trainer={"max_epochs": 4, "strategy": strategy, "ema": {"decay": 0.9}, **trainer},
    )


def launch(processes: int, *jobs: str) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(JOB.parent)}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    done = subprocess.run([*command, str(JOB), *jobs], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the same global batch.

    ``single``: one process with batches of 4; ``ddp`` and ``fsdp``: two with batches of 2 each; ``broken``: as fsdp,
    resumed in the middle of the second epoch; ``lean``: fsdp with two batches of 1 a step in each process, activations
    computed again and bf16.
    """
    folder = tmp_path_factory.mktemp("runs")
    lean = run_settings(1, "fsdp", accumulate=2, precision="bf16")
    lean = replace(lean, network=replace(lean.network, settings={**lean.network.settings, **LEAN}))
    variants = {
        "ddp": run_settings(2, "ddp"),
        "fsdp": run_settings(2, "fsdp"),
        "half": run_settings(2, "fsdp", max_epochs=None, max_steps=3),
        "lean": lean,
    }
    for name, settings in variants.items():
        write_settings(as_mapping(settings), folder / f"{name}.yaml")
    jobs = [f"half.yaml={folder}/broken", f"fsdp.yaml={folder}/broken", "ddp.yaml", "fsdp.yaml", "lean.yaml"]
    launch(2, *(f"{folder}/{job}" for job in jobs))
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


def test_a_sharded_run_that_was_resumed_ends_with_the_same_bits(runs: Path) -> None:
    whole, broken = (read_latest(runs / name)[0] for name in ("fsdp", "broken"))
    for part in ("network", "average"):
        assert all(torch.equal(whole[part][name], broken[part][name]) for name in whole[part])
    moments = whole["optimizer"]["state"]
    assert len(moments) == len(whole["network"])
    assert all(
        torch.equal(of["exp_avg"], broken["optimizer"]["state"][index]["exp_avg"]) for index, of in moments.items()
    )


def test_accumulation_16_bits_and_recomputation_go_with_sharding(runs: Path) -> None:
    """bf16 has three digits: losses of about 1.4 may differ by 1 %."""
    one, lean = (read_table(runs / name / "steps.csv") for name in ("single", "lean"))
    assert [row["loss"] for row in lean] == pytest.approx([row["loss"] for row in one], rel=0.01)
    assert lean[0]["loss"] != one[0]["loss"]


def read_first(part: str) -> dict[str, torch.Tensor]:
    import lightning

    from deepstroke_training.training.module import SegmentationModule

    settings = run_settings(4)
    lightning.seed_everything(settings.seed, verbose=False)
    return dict(SegmentationModule(settings).network.state_dict())

"""Where a run computes, and what is refused when it can't."""

from __future__ import annotations

import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke_training.training.placement import choose_placement, is_first_process
from deepstroke_training.training.settings import TrainerSettings

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch):
    """Sets the variables that torchrun gives its processes."""

    def started(local: int, world: int, rank: int = 0) -> None:
        values = {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": local, "WORLD_SIZE": world, "RANK": rank}
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))

    return started


def test_a_cpu_gets_one_process_and_32_bits() -> None:
    placement = choose_placement(TrainerSettings(accelerator="cpu"))
    assert (placement.accelerator, placement.processes, placement.strategy) == ("cpu", 1, "single")
    assert placement.precision == "32-true"


@without_gpu
def test_without_a_gpu_auto_takes_the_cpu() -> None:
    assert choose_placement(TrainerSettings()).accelerator == "cpu"


@without_gpu
def test_a_missing_gpu_is_told_with_settings_that_work() -> None:
    with pytest.raises(ConfigError, match=r"a GPU is asked for, but PyTorch .* sees none; .*trainer\.accelerator=cpu"):
        choose_placement(TrainerSettings(accelerator="gpu"))


def test_several_processes_default_to_ddp() -> None:
    placement = choose_placement(TrainerSettings(accelerator="cpu", devices=3, num_nodes=2))
    assert (placement.strategy, placement.processes) == ("ddp", 6)


def test_bf16_on_a_cpu() -> None:
    assert choose_placement(TrainerSettings(accelerator="cpu", precision="bf16")).precision == "bf16-mixed"


@without_gpu
def test_fp16_on_a_cpu_is_refused() -> None:
    with pytest.raises(ConfigError, match="fp16 needs a GPU"):
        choose_placement(TrainerSettings(precision="fp16"))


def test_the_launchers_processes_count(torchrun) -> None:
    torchrun(local=2, world=4)
    placement = choose_placement(TrainerSettings(accelerator="cpu", devices=8))
    assert (placement.devices, placement.num_nodes, placement.strategy) == (2, 2, "ddp")
    assert placement.notes == ("trainer.devices 8 and num_nodes 1 of the settings gave way to the launcher's 2 and 2",)


def test_single_is_refused_where_several_were_launched(torchrun) -> None:
    torchrun(local=2, world=2)
    with pytest.raises(ConfigError, match="single is one process, 2 were started; use ddp or fsdp"):
        choose_placement(TrainerSettings(accelerator="cpu", strategy="single"))


def test_one_process_writes(torchrun) -> None:
    assert is_first_process()
    torchrun(local=2, world=2, rank=1)
    assert not is_first_process()

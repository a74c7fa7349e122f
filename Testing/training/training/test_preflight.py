"""What is refused before any long work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from deepstroke.errors import ConfigError, InputError
from deepstroke_training.configuration import fill
from deepstroke_training.training.fit import fit
from deepstroke_training.training.run_settings import RunSettings
from phantoms_training import PhantomData, phantom_data, phantom_settings


def test_a_full_disk_is_told_with_what_is_missing(tmp_path: Path) -> None:
    settings = phantom_settings(output={"reserve_mb": 1e12})
    with pytest.raises(InputError, match=r"checkpoints and logs need 1\d{12} MB .*, \d+ MB are free: make space"):
        fit(settings, tmp_path, data=phantom_data(settings))


def test_too_large_a_volume_is_told_with_settings_that_fit(tmp_path: Path) -> None:
    settings = fill(RunSettings, {"data": {"shape": [1024, 1024, 1024]}, "trainer": {"accelerator": "cpu"}})
    with pytest.raises(
        ConfigError, match=r"2 samples of 1024x1024x1024 voxels: .* about \d+\.\d GiB, each process"
    ) as told:
        fit(settings, tmp_path)
    assert "these settings would fit: trainer.precision=bf16 loss.chunked=true" in str(told.value)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"network": {"depth": 5}}, r"data\.shape: 5 levels need at least 33 voxels .* set a smaller depth"),
        ({"trainer": {"window": {"roi": [16, 16, 8]}}}, r"trainer\.window\.roi: 3 levels need at least 9 voxels"),
        ({"data": {"patch": [16, 16, 8]}}, r"data\.patch: 3 levels need at least 9 voxels"),
    ],
)
def test_sizes_that_the_network_does_not_take_are_told_at_once(tmp_path: Path, sections: dict, told: str) -> None:
    settings = phantom_settings(**sections)
    with pytest.raises(ConfigError, match=told):
        fit(settings, tmp_path, data=phantom_data(settings))


def test_sizes_that_a_network_must_divide(tmp_path: Path) -> None:
    mapping = {"network": {"name": "swin_unetr"}, "data": {"shape": [48, 48, 48]}, "output": {"reserve_mb": 0}}
    with pytest.raises(
        ConfigError, match=r"data\.shape: the network needs sizes that 32 divides, found \(48, 48, 48\)"
    ):
        fit(fill(RunSettings, mapping), tmp_path)


def test_missing_data_are_named_and_leave_nothing_that_looks_like_a_run(tmp_path: Path) -> None:
    mapping = {"data": {"synthetic": None, "curated": [{"folder": str(tmp_path / "nowhere")}], "shape": [32, 32, 32]}}
    mapping |= {"network": {"depth": 3}, "output": {"reserve_mb": 0}, "trainer": {"accelerator": "cpu"}}
    with pytest.raises(InputError, match="nowhere"):
        fit(fill(RunSettings, mapping), tmp_path / "run")
    assert not list((tmp_path / "run").iterdir())


class GreedyData(PhantomData):
    """Asks for more memory than any machine has."""

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        torch.empty(1 << 50)
        return batch


def test_memory_that_runs_out_in_the_middle_is_told_alike(tmp_path: Path) -> None:
    settings = phantom_settings()
    with pytest.raises(ConfigError, match=r"not enough memory for batches of 2 samples of 16x16x16 voxels: .*allocate"):
        fit(settings, tmp_path, data=GreedyData(settings.data, settings.seed))

"""Steps without a finite gradient are skipped and counted; too many in a row end the run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from deepstroke_training.training.checkpoint_files import read_latest
from deepstroke_training.training.failures import TrainingError
from deepstroke_training.training.fit import fit
from deepstroke_training.training.nonfinite import NonFiniteGuard
from deepstroke_training.training.run_folder import read_table
from deepstroke_training.training.run_settings import RunSettings
from phantoms_training import PhantomData, phantom_settings


class PoisonedData(PhantomData):
    """Some training cases hold a voxel that is no number."""

    poisoned: tuple[str, ...] = ()

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        batch = super().on_after_batch_transfer(batch, dataloader_idx)
        for number, case in enumerate(batch["case"]):
            if case in self.poisoned:
                batch["image"][number, 0, 8, 8, 8] = math.nan
        return batch


def poisoned(settings: RunSettings, *cases: str) -> PoisonedData:
    data = PoisonedData(settings.data, settings.seed)
    data.poisoned = cases
    return data


def test_only_steps_in_a_row_count_towards_the_end() -> None:
    guard = NonFiniteGuard(most_in_a_row=2)
    assert [guard.accept(norm, 0, []) for norm in (1.0, math.nan, 2.0, math.inf, 3.0)] == [True, False] * 2 + [True]
    assert (guard.skipped, guard.in_a_row) == (2, 0)
    guard.accept(math.nan, 7, ["a"])
    with pytest.raises(TrainingError, match=r"step 8: .* 2 times in a row; loss not finite on: a, b\. .*--resume"):
        guard.accept(math.nan, 8, ["b"])


def test_a_bad_case_costs_its_steps_and_nothing_else(tmp_path: Path) -> None:
    """One of eight cases: a step of each epoch is skipped, and all weights stay finite."""
    settings = phantom_settings(trainer={"max_epochs": 3, "ema": {"decay": 0.9}})
    summary = fit(settings, tmp_path, data=poisoned(settings, "train-3"))
    assert (summary.steps, summary.skipped) == (12, 3)
    state = read_latest(tmp_path)[0]
    for part in ("network", "average"):
        assert all(torch.isfinite(tensor).all() for tensor in state[part].values())
    assert all(int(of["step"]) == 9 for of in state["optimizer"]["state"].values())
    rows = read_table(tmp_path / "steps.csv")
    assert sum("loss" not in row for row in rows) == 3
    assert rows[-1]["skipped"] == 3


def test_a_skipped_step_leaves_the_weights_as_they_were(tmp_path: Path) -> None:
    one, two = (phantom_settings(trainer={"max_steps": steps}) for steps in (1, 2))
    batches = iter(PhantomData(two.data, two.seed).train_dataloader())
    next(batches)
    fit(one, tmp_path / "good", data=poisoned(one))
    fit(two, tmp_path / "bad", data=poisoned(two, next(batches)["case"][0]))
    good, bad = (read_latest(tmp_path / name)[0] for name in ("good", "bad"))
    assert (bad["position"]["step"], bad["skipped"]) == (2, 1)
    assert all(torch.equal(good["network"][name], bad["network"][name]) for name in good["network"])


def test_too_many_in_a_row_end_the_run_and_keep_the_last_good_checkpoint(tmp_path: Path) -> None:
    settings = phantom_settings(trainer={"max_epochs": 1, "checkpoint": {"steps": 1}})
    fit(settings, tmp_path, data=poisoned(settings))
    before = read_latest(tmp_path)[0]
    settings = phantom_settings(trainer={"max_epochs": 9, "checkpoint": {"steps": 1}, "most_nonfinite": 3})
    every = [f"train-{number}" for number in range(8)]
    with pytest.raises(TrainingError, match=r"step 6: .* 3 times in a row; loss not finite on: train-\d"):
        fit(settings, tmp_path, resume=True, data=poisoned(settings, *every))
    after = read_latest(tmp_path)[0]
    assert after["position"]["step"] == before["position"]["step"] == 4
    assert all(torch.equal(before["network"][name], after["network"][name]) for name in before["network"])

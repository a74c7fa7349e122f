"""Loaders: ranks side by side are one process, workers change nothing, and a run goes on where it stood."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.data.loader import ShareOfBatches, TrainingLoader
from deepstroke_training.data.order import SampleOrder
from deepstroke_training.data.prepared_case import PreparedCase
from deepstroke_training.data.samples import Sample, TrainingSamples, ValidationSamples
from deepstroke_training.data.sources import StagedSource

SAMPLES, BATCH = 24, 2


class Boxes:
    """Equal cases with names of their own."""

    def __init__(self, case: PreparedCase, count: int) -> None:
        self.case, self.count, self.name = case, count, "boxes"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> PreparedCase:
        return replace(self.case, name=f"case {number}")


@pytest.fixture
def sources(case: PreparedCase) -> list[StagedSource]:
    return [StagedSource(Boxes(case, 7), "raw", 0.5), StagedSource(Boxes(case, 7), "stripped", 0.5)]


def loader_of(
    sources: list[StagedSource], batch: int = BATCH, rank: int = 0, world: int = 1, **options: Any
) -> TrainingLoader:
    order = SampleOrder([source.strand for source in sources], SAMPLES, seed=5)
    return TrainingLoader(
        TrainingSamples(sources, order, False), ShareOfBatches(SAMPLES, batch, rank, world), **options
    )


def seen(batches: Iterable[Sample]) -> list[tuple[str, str, int]]:
    """What tells samples apart: case, stage and the seed of the augmentation."""
    return [
        (case, stage, int(seed))
        for batch in batches
        for case, stage, seed in zip(batch["case"], batch["stage"], batch["seed"], strict=True)
    ]


@pytest.mark.parametrize("world", [2, 3])
def test_the_batches_of_all_ranks_side_by_side_are_those_of_one_process(
    sources: list[StagedSource], world: int
) -> None:
    one = [seen([batch]) for batch in loader_of(sources, BATCH * world)]
    ranks = [[seen([batch]) for batch in loader_of(sources, BATCH, rank, world)] for rank in range(world)]
    assert len(one) == SAMPLES // (BATCH * world)
    assert [[sample for part in parts for sample in part] for parts in zip(*ranks, strict=True)] == one


def test_workers_change_nothing(sources: list[StagedSource]) -> None:
    alone = loader_of(sources)
    helped = loader_of(sources, num_workers=2, persistent_workers=True)
    for _ in range(2):
        assert seen(helped) == seen(alone)


def test_epochs_follow_each_other(sources: list[StagedSource]) -> None:
    loader = loader_of(sources)
    first, second = seen(loader), seen(loader)
    assert len(first) == len(second) == SAMPLES
    assert first != second
    assert loader.state_dict() == {"epoch": 1, "samples": SAMPLES}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("steps", [1, 5, 11, 12, 13, 17])
def test_a_run_goes_on_with_the_next_batch(sources: list[StagedSource], steps: int, workers: int) -> None:
    unbroken = loader_of(sources)
    whole = seen(unbroken) + seen(unbroken)
    broken, given = loader_of(sources, num_workers=workers), []
    batches = iter(broken)
    for step in range(steps):
        if step == len(broken):
            batches = iter(broken)
        given += seen([next(batches)])
    state = broken.state_dict()
    resumed = loader_of(sources, num_workers=0)
    resumed.load_state_dict(state)
    given += seen(resumed)
    if len(given) < len(whole):
        given += seen(resumed)
    assert given == whole


def test_a_run_goes_on_with_other_processes(sources: list[StagedSource]) -> None:
    whole = seen(loader_of(sources, 4))
    one = loader_of(sources, 4)
    batches = iter(one)
    before = seen([next(batches), next(batches)])
    ranks = []
    for rank in range(2):
        loader = loader_of(sources, 2, rank, 2)
        loader.load_state_dict(one.state_dict())
        ranks.append([seen([batch]) for batch in loader])
    assert before + [sample for pair in zip(*ranks, strict=True) for part in pair for sample in part] == whole


def test_an_epoch_may_be_left_early(sources: list[StagedSource]) -> None:
    loader, other = loader_of(sources), loader_of(sources)
    next(iter(loader))
    loader.share.set_epoch(1)
    seen(other)
    assert seen(loader) == seen(other)


def test_an_epoch_shorter_than_a_step_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="samples_per_epoch: 3 samples are too few for one step of 2 processes with 2"
    ):
        ShareOfBatches(3, 2, 0, 2)
    assert len(ShareOfBatches(7, 2, 0, 2)) == 1, "what is left over waits for nobody"


@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_validation_sees_every_case_once_and_marks_what_it_repeats(sources: list[StagedSource], world: int) -> None:
    shares = [ValidationSamples(sources, False, rank, world, most=2) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1, "all ranks do as many steps"
    every = [share[n] for share in shares for n in range(len(share))]
    counted = [(one["case"], one["stage"]) for one in every if not one["is_padding"]]
    assert sorted(counted) == [(f"case {n}", stage) for n in range(2) for stage in ("raw", "stripped")]
    assert "seed" not in every[0]


def test_lightning_resumes_in_the_middle_of_an_epoch(sources: list[StagedSource], tmp_path: Path) -> None:
    import lightning
    import torch
    from lightning.pytorch.callbacks import ModelCheckpoint

    class Watcher(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.given: list[tuple[str, str, int]] = []

        def training_step(self, batch: Sample, step: int) -> torch.Tensor:
            self.given += seen([batch])
            return self.weight.sum()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), 0.1)

    def trainer(epochs: int, *callbacks: lightning.Callback) -> lightning.Trainer:
        return lightning.Trainer(
            accelerator="cpu", logger=False, enable_checkpointing=bool(callbacks), enable_progress_bar=False,
            enable_model_summary=False, max_epochs=epochs, callbacks=list(callbacks),
        )  # fmt: skip

    whole, later = Watcher(), Watcher()
    keeping = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=17, save_top_k=-1)
    trainer(3, keeping).fit(whole, loader_of(sources))
    assert len(whole.given) == 3 * SAMPLES
    trainer(3).fit(later, loader_of(sources), ckpt_path=tmp_path / "step=17.ckpt", weights_only=False)
    assert later.given == whole.given[17 * BATCH :]

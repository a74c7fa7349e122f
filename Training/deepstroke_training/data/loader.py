"""Data loaders whose order doesn't depend on processes and workers, and that go on in the middle of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Sampler

from deepstroke.errors import ConfigError
from deepstroke_training.data.samples import Sample, TrainingSamples, collate


class ShareOfBatches(Sampler[list[int]]):
    """One process's share of the global order, batch by batch.

    Step t of an epoch takes the ``batch_size * world_size`` samples from ``t * batch_size * world_size`` on; rank r has
    the r-th ``batch_size`` of them. So the batches of all ranks side by side are those of one process with the larger
    batch. What is left at an epoch's end is too little for a step and waits for no one.

    Args:
        samples_per_epoch: over all processes.
        batch_size: of each process.
        rank, world_size: which share of how many this is.

    Raises:
        ConfigError: an epoch has too few samples for one step.
    """

    def __init__(self, samples_per_epoch: int, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        self.step = batch_size * world_size
        self.steps = samples_per_epoch // self.step
        if self.steps < 1:
            raise ConfigError(
                f"samples_per_epoch: {samples_per_epoch} samples are too few for one step of {world_size} processes "
                f"with {batch_size} samples each; raise samples_per_epoch or lower batch_size",
                code="epoch-too-short",
            )
        self.samples_per_epoch, self.batch_size, self.rank = samples_per_epoch, batch_size, rank
        self.epoch, self.given = 0, 0

    def __len__(self) -> int:
        return self.steps

    @property
    def sampler(self) -> ShareOfBatches:
        """Itself: where Lightning looks for ``set_epoch``."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch; one that is under way stays where it is. Lightning calls this."""
        if epoch != self.epoch:
            self.epoch, self.given = epoch, 0

    def __iter__(self) -> Iterator[list[int]]:
        """The rest of the epoch, or the next one; fixed now, whatever happens to the state while it is read ahead."""
        if self.given >= self.steps:
            self.epoch, self.given = self.epoch + 1, 0
        first = self.epoch * self.samples_per_epoch + self.rank * self.batch_size
        starts = [first + step * self.step for step in range(self.given, self.steps)]
        return iter([list(range(start, start + self.batch_size)) for start in starts])


class TrainingLoader(DataLoader[Sample]):
    """Training batches in the global order; its state is the epoch and the step.

    The state counts what was given out, not what workers hold ready. Lightning saves and restores it, so that training
    goes on with the next batch after a checkpoint in the middle of an epoch, also with other workers or processes.

    Args:
        samples: to draw from.
        share: of this process.
        options: of ``torch.utils.data.DataLoader``.
    """

    def __init__(self, samples: TrainingSamples, share: ShareOfBatches, **options: Any) -> None:
        super().__init__(samples, batch_sampler=share, collate_fn=collate, **options)
        self.share = share

    def __iter__(self) -> Any:
        batches = super().__iter__()  # asks for the share at once
        return self._counted(batches, self.share.epoch, self.share.given)

    def state_dict(self) -> dict[str, int]:
        """The epoch and how many of its samples all processes together have been given."""
        return {"epoch": self.share.epoch, "samples": self.share.given * self.share.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on behind the last batch that was given out."""
        self.share.epoch, self.share.given = int(state["epoch"]), int(state["samples"]) // self.share.step

    def _counted(self, batches: Iterator[Sample], epoch: int, given: int) -> Iterator[Sample]:
        for batch in batches:
            given += 1
            self.share.epoch, self.share.given = epoch, given
            yield batch


def loader_options(workers: int, prefetch: int) -> dict[str, Any]:
    """Options that keep workers alive and pages locked where a GPU waits for them."""
    options: dict[str, Any] = {"num_workers": workers, "pin_memory": torch.cuda.is_available()}
    if workers:
        options |= {"persistent_workers": True, "prefetch_factor": prefetch}
    return options

"""Training, validation and test data for Lightning."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import lightning
from torch.utils.data import DataLoader

from deepstroke.errors import ConfigError
from deepstroke.progress import Progress, silent
from deepstroke_training.data.batches import BatchPreparation
from deepstroke_training.data.loader import ShareOfBatches, TrainingLoader, loader_options
from deepstroke_training.data.opening import CuratedSource, SyntheticSource
from deepstroke_training.data.order import SampleOrder
from deepstroke_training.data.pool_growth import PoolGrowth
from deepstroke_training.data.samples import Sample, TrainingSamples, ValidationSamples, collate
from deepstroke_training.data.settings import DataSettings
from deepstroke_training.data.sources import StagedSource
from deepstroke_training.data.splits import Part, Split, write_splits


class ScanDataModule(lightning.LightningDataModule):
    """Batches of heads and their regions.

    Which sample stands where depends on the seed, the epoch and the global position alone, and a sample's augmentation
    on these, so that two processes with batches of b see what one sees with batches of 2 b. A trainer needs
    ``use_distributed_sampler=False``: each process already takes its own share. (With a growing pool the cases that
    are drawn depend on time until the pool is full.)

    Args:
        settings: what samples are.
        seed: of order and augmentation.
        progress: told while cases are checked and made.

    Example:
        >>> data = ScanDataModule(DataSettings(), seed=0)
        >>> trainer.fit(model, datamodule=data)  # doctest: +SKIP
    """

    def __init__(self, settings: DataSettings, seed: int = 0, progress: Progress = silent) -> None:
        super().__init__()
        self.settings, self.seed, self.progress = settings, seed, progress
        self.prepare_batch = BatchPreparation(settings)
        self._growth: PoolGrowth | None = None

    @cached_property
    def synthetic(self) -> SyntheticSource | None:
        """Synthetic heads, where settings ask for them."""
        return None if self.settings.synthetic is None else SyntheticSource(self.settings.synthetic, self.settings)

    @cached_property
    def curated(self) -> tuple[CuratedSource, ...]:
        """Curated data sets; opening them checks their files.

        Raises:
            InputError: files can't be used.
            ConfigError: a split doesn't fit.
        """
        return tuple(CuratedSource(one, self.settings, self.progress) for one in self.settings.curated)

    @property
    def splits(self) -> tuple[Split, ...]:
        """Which patients of each curated data set are in which part."""
        return tuple(source.split for source in self.curated)

    def save_splits(self, path: Path) -> None:
        """Write the splits of all curated data sets; ``CuratedSettings.split_file`` takes the file."""
        write_splits(self.splits, path)

    def prepare_data(self) -> None:
        """Check data sets and make every case that must be there first; Lightning calls this once a machine."""
        self._make("validation", "train")

    def setup(self, stage: str | None = None) -> None:
        """Let a growing pool grow, by one process of each machine."""
        trainer = self.trainer
        if self.synthetic is None or self._growth is not None or stage not in (None, "fit"):
            return
        if trainer is None or trainer.local_rank == 0:
            node, nodes = (0, 1) if trainer is None else (trainer.node_rank, trainer.num_nodes)
            self._growth = self.synthetic.growth(node, nodes)
            if self._growth is not None:
                self._growth.start()

    def teardown(self, stage: str | None = None) -> None:
        """Stop what makes cases."""
        if self._growth is not None:
            self._growth.stop()
            self._growth = None

    def train_dataloader(self) -> TrainingLoader:
        """This process's training batches of an epoch.

        Raises:
            ConfigError: there is nothing to draw, or an epoch is shorter than a step.
        """
        self._require_own_share()
        order, sources = self.order, self.sources("train")
        share = ShareOfBatches(order.samples_per_epoch, self.settings.batch_size, *self._share())
        samples = TrainingSamples(sources, order, self.settings.coordinates)
        return TrainingLoader(samples, share, **loader_options(self.settings.workers, self.settings.prefetch))

    def val_dataloader(self) -> DataLoader[Sample]:
        """This process's validation cases, one a batch; none of their seeds and patients is trained on."""
        return self._whole("validation", self.settings.validation_samples)

    def test_dataloader(self) -> DataLoader[Sample]:
        """This process's test cases, one a batch; made now where they are missing."""
        self._make("test")
        return self._whole("test", None)

    def on_after_batch_transfer(self, batch: Sample, dataloader_idx: int) -> Sample:
        """Augment and normalise a batch on the device."""
        return self.prepare_batch(batch)

    @property
    def order(self) -> SampleOrder:
        """Which training sample stands where."""
        sources = self.sources("train")
        count = self.settings.samples_per_epoch or sum(len(one.cases) for one in sources if one.weight > 0)
        return SampleOrder([source.strand for source in sources], count, self.seed)

    def sources(self, part: Part) -> list[StagedSource]:
        """Where the samples of a part come from."""
        synthetic = [] if self.synthetic is None else self.synthetic.staged(part)
        return [*synthetic, *(staged for source in self.curated for staged in source.staged(part))]

    def state_dict(self) -> dict[str, Any]:
        """What the order of samples depends on, so that a resumed run notices other data."""
        return {"order": self._order_digest()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """See that the order of samples is the one of the checkpoint.

        Raises:
            ConfigError: it isn't.
        """
        if state.get("order") != self._order_digest():
            raise ConfigError(
                "the checkpoint was trained on other cases, weights, stages, epoch length or seed than these settings "
                "give; restore data and settings, or start a new run from its weights",
                code="other-data",
            )

    def _make(self, *parts: Part) -> None:
        for source in self.curated:
            source.prepare(parts, max(self.settings.workers, 1), self.progress)
        if self.synthetic is not None:
            self.synthetic.prepare(parts, self.progress)

    def _order_digest(self) -> str:
        order = self.order
        described = [order.seed, order.samples_per_epoch, [asdict(strand) for strand in order.strands]]
        splits = [asdict(split) for split in self.splits]
        return hashlib.sha256(json.dumps([described, splits], sort_keys=True).encode()).hexdigest()[:32]

    def _whole(self, part: Part, most: int | None) -> DataLoader[Sample]:
        samples = ValidationSamples(self.sources(part), self.settings.coordinates, *self._share(), most)
        options = loader_options(min(self.settings.workers, len(samples)), self.settings.prefetch)
        return DataLoader(samples, batch_size=1, collate_fn=collate, **options)

    def _share(self) -> tuple[int, int]:
        """Rank and number of processes."""
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)

    def _require_own_share(self) -> None:
        trainer = self.trainer
        if trainer is not None and trainer.world_size > 1:
            connector = trainer._accelerator_connector
            if connector.use_distributed_sampler:
                raise ConfigError(
                    "the trainer would share samples out a second time: make it with use_distributed_sampler=False",
                    code="distributed-sampler",
                )

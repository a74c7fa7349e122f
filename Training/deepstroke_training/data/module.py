"""Training and validation data for Lightning."""

from __future__ import annotations

import lightning
from torch.utils.data import DataLoader

from deepstroke.progress import Progress, silent
from deepstroke_training.data.batches import BatchPreparation
from deepstroke_training.data.loader import ShareOfBatches, TrainingLoader, loader_options
from deepstroke_training.data.order import SampleOrder
from deepstroke_training.data.samples import Sample, TrainingSamples, ValidationSamples, collate
from deepstroke_training.data.settings import DataSettings, SyntheticSettings
from deepstroke_training.data.sources import FixedPool, StagedSource
from deepstroke_training.data.synthetic_pool import PoolRecipe, Stream, SyntheticPool


class ScanDataModule(lightning.LightningDataModule):
    """Batches of heads and their regions.

    Which sample stands where depends on the seed, the epoch and the global position alone. A trainer needs
    ``use_distributed_sampler=False``: each process already takes its own share.

    Args:
        settings: what samples are.
        seed: of order and augmentation.
        progress: told while cases are made.

    Example:
        >>> data = ScanDataModule(DataSettings(), seed=0)
        >>> trainer.fit(model, datamodule=data)  # doctest: +SKIP
    """

    def __init__(self, settings: DataSettings, seed: int = 0, progress: Progress = silent) -> None:
        super().__init__()
        self.settings, self.seed, self.progress = settings, seed, progress
        self.prepare_batch = BatchPreparation(settings)

    def prepare_data(self) -> None:
        """Make every case that training needs first; Lightning calls this once a machine."""
        if self.settings.synthetic is not None:
            for stream, count in _counts(self.settings.synthetic).items():
                pool = self._pool(stream)
                for number in range(count):
                    if not pool.is_there(number):
                        pool.make(number)
                    self.progress((number + 1) / count, f"synthetic {stream} case {number + 1} of {count}")

    def setup(self, stage: str | None = None) -> None:
        """Nothing: sources are opened with the loaders."""

    def train_dataloader(self) -> TrainingLoader:
        """This process's training batches of the epoch."""
        sources = self.training_sources()
        count = self.settings.samples_per_epoch or sum(len(source.cases) for source in sources if source.weight > 0)
        order = SampleOrder([source.strand for source in sources], count, self.seed)
        rank, world_size = self._share()
        share = ShareOfBatches(count, self.settings.batch_size, rank, world_size)
        samples = TrainingSamples(sources, order, self.settings.coordinates)
        return TrainingLoader(samples, share, **loader_options(self.settings.workers, self.settings.prefetch))

    def val_dataloader(self) -> DataLoader[Sample]:
        """This process's validation cases, one a batch."""
        rank, world_size = self._share()
        samples = ValidationSamples(
            self.validation_sources(), self.settings.coordinates, rank, world_size, self.settings.validation_samples
        )
        workers = min(self.settings.workers, 2)
        return DataLoader(samples, batch_size=1, collate_fn=collate, **loader_options(workers, self.settings.prefetch))

    def on_after_batch_transfer(self, batch: Sample, dataloader_idx: int) -> Sample:
        """Augment and normalise a batch on the device."""
        return self.prepare_batch(batch)

    def training_sources(self) -> list[StagedSource]:
        """What training draws from."""
        return self._synthetic("train")

    def validation_sources(self) -> list[StagedSource]:
        """What is validated on: no seed and no patient of training."""
        return self._synthetic("validation")

    def _synthetic(self, stream: Stream) -> list[StagedSource]:
        settings = self.settings.synthetic
        if settings is None:
            return []
        cases = FixedPool(self._pool(stream), _counts(settings)[stream])
        total = sum(settings.stages.values())
        return [
            StagedSource(cases, stage, settings.weight * weight / total)  # type: ignore[arg-type]
            for stage, weight in settings.stages.items()
            if weight > 0
        ]

    def _pool(self, stream: Stream) -> SyntheticPool:
        settings = self.settings.synthetic or SyntheticSettings()
        recipe = PoolRecipe(
            stream=stream,
            seed=settings.seed,
            spacing_mm=self.settings.spacing_mm,
            shape=self.settings.shape,
            jitter_mm=settings.jitter_mm,
            template_mm=self.settings.coordinates,
            device=settings.device,
        )
        return SyntheticPool(self.settings.cache_folder, recipe)

    def _share(self) -> tuple[int, int]:
        trainer = self.trainer
        return (0, 1) if trainer is None else (trainer.global_rank, trainer.world_size)


def _counts(settings: SyntheticSettings) -> dict[Stream, int]:
    return {"train": settings.cases, "validation": settings.validation_cases}

"""Our trainer as a run uses it: ``fit`` with all it logs, checks and keeps; only the batches come from elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning

from deepstroke_training.benchmarks.training_work import GatedBatches, Work
from deepstroke_training.data import DataSettings
from deepstroke_training.losses import LossSettings
from deepstroke_training.training.fit import fit
from deepstroke_training.training.run_settings import RunSettings
from deepstroke_training.training.settings import NetworkSettings, OutputSettings, TrainerSettings


def train(work: Work, batches: GatedBatches) -> None:
    """Fit on the batches."""
    with tempfile.TemporaryDirectory(prefix="deepstroke-bench-") as folder:
        fit(run_settings(work), Path(folder), data=_Batches(batches))


def run_settings(work: Work, data: DataSettings | None = None, steps: int | None = None) -> RunSettings:
    """Settings of a run that does the work.

    Args:
        work: what is trained, where.
        data: what on; only size and batch are set without it.
        steps: when it ends; never without.
    """
    return RunSettings(
        network=NetworkSettings("unet3d", work.network_settings),
        loss=LossSettings(chunked=work.chunked),
        data=data or DataSettings(shape=(work.size,) * 3, batch_size=work.batch),
        trainer=TrainerSettings(
            max_epochs=None if steps else 1,
            max_steps=steps,
            precision=work.precision,
            accelerator="gpu" if work.device == "cuda" else "cpu",
            devices=1,
            compile=work.compiled,
            early_stopping=None,
            overlays_every=0,
        ),
        output=OutputSettings(reserve_mb=0),
    )


class _Batches(lightning.LightningDataModule):
    def __init__(self, batches: GatedBatches) -> None:
        super().__init__()
        self._loader = _Loader(batches)

    def train_dataloader(self) -> Any:
        return self._loader

    def val_dataloader(self) -> Any:
        return []


class _Loader:
    """The batches, as a loader that could begin in the middle of an epoch."""

    def __init__(self, batches: GatedBatches) -> None:
        self._batches = batches

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """All places are alike."""

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._batches)

"""What a run writes while it trains: tables and TensorBoard."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch

from deepstroke_training.training.module import SegmentationModule, as_segmentation
from deepstroke_training.training.run_folder import STEPS, TENSORBOARD, VALIDATIONS, Table
from deepstroke_training.training.settings import MEASURES

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_STEP_COLUMNS = (
    "step",
    "epoch",
    "minutes",
    "loss",
    "lr",
    "grad_norm",
    "skipped",
    "samples_per_second",
    "waiting",
    "memory_gb",
)


class RunLog(lightning.Callback):
    """Writes a row for every so many steps and for each validation.

    The loss of a step is the mean over its batches and all processes. ``waiting`` is the share of time in which the
    data held up training. Only the first process writes.

    Args:
        run: folder of the run.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.steps = Table(run / STEPS, _STEP_COLUMNS)
        self.validations = Table(run / VALIDATIONS, ("step", "epoch", "minutes", *MEASURES))
        self._writer: SummaryWriter | None = None
        self._mark = time.monotonic()
        self._samples = 0
        self._waited = self._worked = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Open the files; rows that a resumed run will write again are dropped."""
        module = as_segmentation(pl_module)
        if trainer.is_global_zero:
            step = module.position.step
            self.steps.forget_after(step)
            self.validations.forget_after(step)
            self._writer = _summary_writer(self.run / TENSORBOARD, step)

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Leave out the time of validation and checkpoints."""
        self._mark = time.monotonic()

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Count the time since the last batch ended as waiting for data."""
        self._waited += self._lap()

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: dict[str, Any],
        batch_idx: int,
    ) -> None:
        """Write a row where one is due."""
        module = as_segmentation(pl_module)
        self._samples += len(batch["case"]) * trainer.world_size
        self._worked += self._lap()
        if module.stepped and module.position.step % module.settings.trainer.log_every == 0:
            self._write_step(trainer, module)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the measures."""
        module = as_segmentation(pl_module)
        measures = {name: float(trainer.callback_metrics[name]) for name in MEASURES}
        if self._writer is not None:
            self.validations.append({**_place(module), **measures})
            self._put(measures, module.position.step)

    def teardown(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, stage: str) -> None:
        """Close TensorBoard's file."""
        self.close()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Close TensorBoard's file."""
        self.close()

    def close(self) -> None:
        """Bring everything to the disk."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write_step(self, trainer: lightning.Trainer, module: SegmentationModule) -> None:
        loss = float(trainer.strategy.reduce(torch.stack(module.losses).mean().float(), reduce_op="mean"))
        seconds = max(self._waited + self._worked, 1e-9)
        row = {
            "loss": loss,
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "grad_norm": module.grad_norm,
            "skipped": module.guard.skipped,
            "samples_per_second": self._samples / seconds,
            "waiting": self._waited / seconds,
            "memory_gb": torch.cuda.max_memory_allocated() / 1e9 if torch.cuda.is_available() else math.nan,
        }
        self._samples, self._waited, self._worked = 0, 0.0, 0.0
        if self._writer is not None:
            self.steps.append({**_place(module), **row})
            self._put({f"train/{name}": value for name, value in row.items()}, module.position.step)

    def _lap(self) -> float:
        """Seconds since the last call."""
        before, self._mark = self._mark, time.monotonic()
        return self._mark - before

    def _put(self, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            if self._writer is not None and math.isfinite(value):
                self._writer.add_scalar(name, value, step)


def _place(module: SegmentationModule) -> dict[str, float]:
    position = module.position
    return {"step": position.step, "epoch": position.epoch, "minutes": round(position.seconds / 60.0, 3)}


def _summary_writer(folder: Path, step: int) -> SummaryWriter:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=step + 1 if step else None)

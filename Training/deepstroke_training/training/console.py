"""How far training is, for a terminal or for whoever reads the lines."""

from __future__ import annotations

import time
from typing import Any

import lightning

from deepstroke.progress import Progress
from deepstroke_training.training.module import SegmentationModule, as_segmentation

_LEAST_SECONDS = 1.0


class TrainingProgress(lightning.Callback):
    """Tells how much of the run is over, with the last loss and Dice; at most once a second.

    Args:
        progress: told by the first process.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._told = 0.0
        self._dice = ""

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Tell the place and the loss."""
        module = as_segmentation(pl_module)
        if time.monotonic() - self._told >= _LEAST_SECONDS and trainer.is_global_zero and module.losses:
            self._tell(trainer, module, f"loss {float(module.losses[-1]):.4f}{self._dice}")

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Tell which case is validated."""
        if time.monotonic() - self._told >= _LEAST_SECONDS and trainer.is_global_zero:
            of = int(sum(trainer.num_val_batches))
            self._tell(trainer, as_segmentation(pl_module), f"validating {batch_idx + 1} of {of}")

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Remember and tell the mean Dice."""
        self._dice = f", Dice {float(trainer.callback_metrics['val/dice_mean']):.4f}"
        if trainer.is_global_zero:
            self._tell(trainer, as_segmentation(pl_module), f"validated{self._dice}")

    def _tell(self, trainer: lightning.Trainer, module: SegmentationModule, text: str) -> None:
        self._told = time.monotonic()
        position = module.position
        done = position.share_done(module.settings.trainer, int(trainer.num_training_batches))
        self.progress(done, f"epoch {position.epoch + (position.batch > 0)}, step {position.step}: {text}")

"""The run's clock and limits: what is set before each batch, and when the run ends."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import lightning
import torch

from deepstroke_training.training.module import SegmentationModule, as_segmentation
from deepstroke_training.training.schedule import learning_rate


class Pacing(lightning.Callback):
    """Sets random numbers and learning rate before each batch, counts, and ends the run at its limits.

    All processes agree on clock and signals after each batch, so that they stop, save and change the learning rate at
    the same step. A first SIGINT or SIGTERM is noted, and the run is saved and ended after the step under way; a second
    one ends it at once. It must stand first among the callbacks: the others read what it counts.

    Attributes:
        stop_reason: the limit that was reached, once one is.
        interrupted: whether a process was sent a signal.
    """

    def __init__(self) -> None:
        self.stop_reason: str | None = None
        self.interrupted = False
        self._signalled = False
        self._clock = time.monotonic()
        self._handlers: dict[int, Any] = {}

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Start the clock and listen for signals."""
        self._clock = time.monotonic()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._note_signal)

    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Set what this batch's step depends on."""
        module = as_segmentation(pl_module)
        if module.stepped:
            module.losses.clear()
            module.stepped = False
        module.position.seed_everything(module.settings.seed, trainer.global_rank)
        if module.losses:  # within a step over several batches nothing changes
            return
        done = module.position.share_done(module.settings.trainer, int(trainer.num_training_batches))
        rate = learning_rate(module.settings.optimizer, module.position.step, done)
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = rate

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the batch, and end the run where a limit is reached."""
        module = as_segmentation(pl_module)
        position = module.position
        position.step += module.stepped
        position.epoch, position.batch = (
            (position.epoch + 1, 0)
            if batch_idx + 1 == trainer.num_training_batches
            else (position.epoch, batch_idx + 1)
        )
        self._agree(trainer, module)
        reason = position.limit_reached(module.settings.trainer)
        if reason is not None and module.stepped:
            self.stop_reason = reason
            trainer.check_val_every_n_epoch = 1  # the end is always validated
            trainer.should_stop = True

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count the time of validation."""
        self._agree(trainer, as_segmentation(pl_module))

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Hear signals as before."""
        self._restore_handlers()

    def on_exception(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, exception: BaseException
    ) -> None:
        """Hear signals as before."""
        self._restore_handlers()

    def _agree(self, trainer: lightning.Trainer, module: SegmentationModule) -> None:
        now = time.monotonic()
        values = torch.tensor(
            [module.position.seconds + now - self._clock, float(self._signalled)], dtype=torch.float64
        )
        self._clock = now
        if trainer.world_size > 1:
            values = values.to(module.device)
            torch.distributed.all_reduce(values, torch.distributed.ReduceOp.MAX)
        module.position.seconds, self.interrupted = float(values[0]), bool(values[1])

    def _note_signal(self, number: int, frame: Any) -> None:
        if self._signalled:
            self._restore_handlers()
            raise KeyboardInterrupt
        self._signalled = True

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

"""When a run is saved, and which weights were best."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Checkpoint

from deepstroke_training.training.checkpoint_files import write_best, write_last
from deepstroke_training.training.failures import TrainingError
from deepstroke_training.training.module import SegmentationModule, as_segmentation
from deepstroke_training.training.pacing import Pacing
from deepstroke_training.training.settings import EarlyStoppingSettings
from deepstroke_training.training.state import FORMAT, collect_state


class Checkpoints(Checkpoint):
    """Saves a run between steps, and the weights of its best validation.

    While gradients aren't finite nothing is saved but at the run's end, so that what came before is there to go back
    to. Lightning calls callbacks of this kind after all others.

    Args:
        run: folder of the run.
        pacing: says when a signal ends the run.

    Attributes:
        best: the best value of the monitored measure so far.
        best_step: the step at which it was reached.
        measures: of the best validation, by name.
    """

    def __init__(self, run: Path, pacing: Pacing) -> None:
        self.run, self.pacing = run, pacing
        self.best = math.nan
        self.best_step = 0
        self.measures: dict[str, float] = {}
        self._saved_step = 0
        self._saved_seconds = 0.0

    def state_dict(self) -> dict[str, Any]:
        """What of this callback outlasts the process."""
        return {"best": self.best, "best_step": self.best_step, "measures": self.measures}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state."""
        self.best, self.best_step = state_dict["best"], state_dict["best_step"]
        self.measures = state_dict["measures"]

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Count from what was saved last."""
        position = as_segmentation(pl_module).position
        self._saved_step, self._saved_seconds = position.step, position.seconds

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Save in the middle of an epoch where it is due, and after a signal."""
        module = as_segmentation(pl_module)
        if not module.stepped:
            return
        if self.pacing.interrupted:
            self._save(trainer, module)
            raise TrainingError(
                f"stopped by a signal after step {module.position.step} and saved; the same command with --resume goes "
                "on from there",
                code="interrupted",
            )
        # At an epoch's end validation comes first, or a resumed run would never do it.
        within = module.position.batch > 0 and not trainer.should_stop
        if within and module.guard.in_a_row == 0 and self._is_due(module):
            self._save(trainer, module)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Keep the weights if they are the best so far."""
        module = as_segmentation(pl_module)
        stopping = module.settings.trainer.early_stopping or EarlyStoppingSettings()
        measures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        value = measures.get(stopping.monitor, math.nan)
        better = value > self.best if stopping.mode == "max" else value < self.best
        if math.isfinite(value) and (better or math.isnan(self.best)):
            self.best, self.best_step, self.measures = value, module.position.step, measures
            weights = {name: tensor.cpu().clone() for name, tensor in module.evaluation_weights().items()}
            if trainer.is_global_zero:
                content = {"format": FORMAT, "weights": weights, "measures": measures, "step": self.best_step}
                write_best(content, self.run)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Save at the end of an epoch where it is due, and at the end of the run."""
        module = as_segmentation(pl_module)
        every = module.settings.trainer.checkpoint.epochs
        due = every is not None and module.position.batch == 0 and module.position.epoch % every == 0
        if trainer.should_stop or ((due or self._is_due(module)) and module.guard.in_a_row == 0):
            self._save(trainer, module)

    def _is_due(self, module: SegmentationModule) -> bool:
        settings, position = module.settings.trainer.checkpoint, module.position
        by_steps = settings.steps is not None and position.step - self._saved_step >= settings.steps
        minutes = (position.seconds - self._saved_seconds) / 60.0
        return by_steps or (settings.minutes is not None and minutes >= settings.minutes)

    def _save(self, trainer: lightning.Trainer, module: SegmentationModule) -> None:
        state = collect_state(trainer, module)
        if trainer.is_global_zero:
            write_last(state, self.run)
        self._saved_step, self._saved_seconds = module.position.step, module.position.seconds

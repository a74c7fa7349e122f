"""Train a network as the settings say, from the start or from where a run stood."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.plugins.environments import LightningEnvironment, TorchElasticEnvironment

from deepstroke.errors import ConfigError
from deepstroke.nifti import write_json
from deepstroke.progress import Progress, silent
from deepstroke_training.data import ScanDataModule
from deepstroke_training.training.checkpoint_files import has_checkpoint, read_latest
from deepstroke_training.training.checkpoints import Checkpoints
from deepstroke_training.training.console import TrainingProgress
from deepstroke_training.training.curves import draw_curves
from deepstroke_training.training.logs import RunLog
from deepstroke_training.training.memory import is_out_of_memory
from deepstroke_training.training.module import SegmentationModule
from deepstroke_training.training.overlays import Overlays
from deepstroke_training.training.pacing import Pacing
from deepstroke_training.training.placement import Placement, choose_placement, is_first_process, launched_processes
from deepstroke_training.training.position import Position
from deepstroke_training.training.positioned_data import PositionedData
from deepstroke_training.training.preflight import (
    check_disk,
    check_folder,
    check_memory,
    check_sizes,
    memory_message,
)
from deepstroke_training.training.records import check_same_run, record_start
from deepstroke_training.training.run_folder import SUMMARY, read_record
from deepstroke_training.training.run_settings import RunSettings
from deepstroke_training.training.start import take_weights
from deepstroke_training.training.state import position_in, restore_state

_REMARKS = ("many workers", "eval mode at the start", "srun", "LeafSpec", "sync_dist")


@dataclass(frozen=True)
class RunSummary:
    """What came of a run.

    Attributes:
        epochs, steps: done, over all resumed runs together.
        minutes: spent.
        stopped: why it ended.
        best: the best value of the monitored measure; None without a validation.
        best_step: the step at which it was reached.
        measures: of the best validation, by name.
        skipped: steps skipped for lack of a finite gradient.
    """

    epochs: int
    steps: int
    minutes: float
    stopped: str
    best: float | None
    best_step: int
    measures: dict[str, float | None]
    skipped: int


def fit(
    settings: RunSettings,
    run: Path,
    resume: bool = False,
    progress: Progress = silent,
    data: lightning.LightningDataModule | None = None,
) -> RunSummary:
    """Train until a limit is reached, a validation measure no longer gains, or a signal comes.

    Under torchrun every process calls this alike. The folder holds checkpoints, tables, TensorBoard, pictures, settings
    and what made the run.

    Args:
        settings: of the run.
        run: its folder.
        resume: go on with what the folder holds; start if it holds nothing.
        progress: told how far it is.
        data: instead of what the settings describe.

    Returns:
        What came of it; also in ``summary.json``.

    Raises:
        ConfigError: settings, folder, processors or memory don't fit; told before any long work.
        InputError: data are missing, the disk is full, or a checkpoint can't be used.
        TrainingError: gradients stay without finite values, memory is used up, or a signal came.

    Example:
        >>> fit(load_configuration("Training/configs/debug.yaml"), Path("runs/debug"))  # doctest: +SKIP
    """
    placement = choose_placement(settings.trainer)
    data = data or ScanDataModule(settings.data, settings.seed, progress)
    if is_first_process():
        check_folder(run, resume)
        check_disk(settings, run)
        check_sizes(settings)
        check_memory(settings, placement)
        if has_checkpoint(run):
            check_same_run(settings, run)
        record_start(settings, run, placement, data)
    state = read_latest(run)[0] if resume and has_checkpoint(run) else None
    if state is not None and (done := _done_already(settings, run, state)):
        return done
    with _quiet():
        lightning.seed_everything(settings.seed, verbose=False)
        module = SegmentationModule(settings)
        if settings.start is not None and state is None:
            take_weights(module.network, settings.start, settings)
        training = _Training(settings, run, placement, module, progress)
        return training.run_it(data, state)


class _Training:
    """One process's part in a run."""

    def __init__(
        self, settings: RunSettings, run: Path, placement: Placement, module: SegmentationModule, progress: Progress
    ) -> None:
        self.settings, self.run, self.placement, self.module = settings, run, placement, module
        self.pacing = Pacing()
        self.checkpoints = Checkpoints(run, self.pacing)
        self.stopping = _early_stopping(settings)
        callbacks = [self.pacing, *self.stopping, RunLog(run), Overlays(run), TrainingProgress(progress)]
        self.trainer = _trainer(settings, run, placement, [*callbacks, self.checkpoints])

    def run_it(self, data: lightning.LightningDataModule, state: dict[str, Any] | None) -> RunSummary:
        """Train; pictures and the summary are drawn also where it breaks off."""
        if state is not None:
            self.module.position = position_in(state, self.placement.processes * self.settings.data.batch_size)
            self.module.restore = lambda: self._restore(state)
        try:
            self.trainer.fit(self.module, datamodule=PositionedData(data, self.module))
        except (RuntimeError, MemoryError) as error:
            self._explain(error)
            raise
        finally:
            if is_first_process():
                draw_curves(self.run)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.barrier()  # what the first process wrote is there when any process returns
        summary = self._summary()
        if is_first_process():
            write_json(asdict(summary), self.run / SUMMARY)
        return summary

    def _explain(self, error: BaseException) -> None:
        """Raise a clear error for what settings can mend."""
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        if is_out_of_memory(error):
            raise ConfigError(memory_message(self.settings, self.placement, first), code="memory") from error
        if type(error).__module__.startswith(("torch._dynamo", "torch._inductor")):
            raise ConfigError(
                f"trainer.compile: the network can't be compiled on this machine: {first}; set trainer.compile=false",
                code="compile",
            ) from error

    def _restore(self, state: dict[str, Any]) -> None:
        restore_state(self.trainer, self.module, state)
        for stopping in self.stopping:  # what the settings say now counts
            stopping.patience = self.settings.trainer.early_stopping.patience  # type: ignore[union-attr]

    def _summary(self) -> RunSummary:
        position, best = self.module.position, self.checkpoints.best
        return RunSummary(
            epochs=position.epoch,
            steps=position.step,
            minutes=round(position.seconds / 60.0, 3),
            stopped=self.pacing.stop_reason or _stopping_reason(self.stopping),
            best=best if math.isfinite(best) else None,
            best_step=self.checkpoints.best_step,
            measures={name: v if math.isfinite(v) else None for name, v in self.checkpoints.measures.items()},
            skipped=self.module.guard.skipped,
        )


def _early_stopping(settings: RunSettings) -> list[EarlyStopping]:
    stopping = settings.trainer.early_stopping
    if stopping is None:
        return []
    return [
        EarlyStopping(
            stopping.monitor,
            min_delta=stopping.least_gain,
            patience=stopping.patience,
            mode=stopping.mode,
            check_on_train_epoch_end=False,
            log_rank_zero_only=True,
        )
    ]


def _stopping_reason(stopping: list[EarlyStopping]) -> str:
    return next((callback.stopping_reason_message or "ended" for callback in stopping), "ended")


def _trainer(
    settings: RunSettings, run: Path, placement: Placement, callbacks: list[lightning.Callback]
) -> lightning.Trainer:
    """Lightning's trainer; it neither logs nor stops by itself: the callbacks do, so that a resumed run is exact."""
    environment = LightningEnvironment() if launched_processes() is None else TorchElasticEnvironment()
    return lightning.Trainer(
        accelerator=placement.accelerator,
        devices=placement.devices,
        num_nodes=placement.num_nodes,
        strategy=placement.make_strategy(),
        precision=placement.precision,
        plugins=[environment],
        callbacks=callbacks,
        logger=False,
        max_epochs=-1,
        accumulate_grad_batches=settings.trainer.accumulate,
        check_val_every_n_epoch=settings.trainer.validate_every,
        num_sanity_val_steps=0,
        # On a GPU some operations have no deterministic kernel: they are named in a warning rather than refused.
        deterministic=settings.trainer.deterministic and ("warn" if placement.accelerator == "cuda" else True),
        benchmark=not settings.trainer.deterministic,
        use_distributed_sampler=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run,
    )


def _done_already(settings: RunSettings, run: Path, state: dict[str, Any]) -> RunSummary | None:
    """The summary of a run that has reached its limits."""
    if (run / SUMMARY).exists() and Position(**state["position"]).limit_reached(settings.trainer):
        return RunSummary(**read_record(run, SUMMARY))
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's remarks are for those who write trainers."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for text in _REMARKS:
            warnings.filterwarnings("ignore", f".*{text}.*")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)

"""The Lightning module: what is done with a batch, and with which weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric

from deepstroke.networks import build
from deepstroke_training.data.batches import unsided
from deepstroke_training.losses import build_loss
from deepstroke_training.metrics import RegionDice
from deepstroke_training.training.averaging import WeightAverage
from deepstroke_training.training.failures import CheckpointError, TrainingError
from deepstroke_training.training.inference import VolumeInferer, laid_out, lay_out_weights
from deepstroke_training.training.nonfinite import NonFiniteGuard
from deepstroke_training.training.objective import Objective
from deepstroke_training.training.position import Position
from deepstroke_training.training.run_settings import RunSettings
from deepstroke_training.training.sharding import shard, whole

#: An fp16 run begins with a loss scale that is too large and halves it by skipping steps.
_SCALE_SEARCH = 20


class SegmentationModule(lightning.LightningModule):
    """Learns to segment, and validates with a copy of the weights (their average, where there is one).

    Args:
        settings: of the run.

    Attributes:
        network: what is trained.
        average: of its weights, if wanted.
        position: how far the run is.
        guard: counts steps without a finite gradient.
        losses: of the batches since the last step.
        grad_norm: of the last step, before clipping.
        stepped: whether the last batch ended with a step, done or skipped.
    """

    def __init__(self, settings: RunSettings) -> None:
        super().__init__()
        self.settings = settings
        self.network = build(settings.network.name, **settings.network_arguments)
        self.objective = Objective(
            build_loss(settings.loss), settings.coordinates.weight if settings.data.coordinates else None
        )
        self.average: WeightAverage | None = None
        self.position = Position()
        self.guard = NonFiniteGuard(settings.trainer.most_nonfinite)
        self.losses: list[Tensor] = []
        self.grad_norm = math.nan
        self.stepped = False
        self.restore: Callable[[], None] | None = None
        self.dice = RegionDice()
        self.validation_loss = MeanMetric()
        self._suspects: list[tuple[Tensor, list[str]]] = []
        self._inferer: VolumeInferer | None = None

    def configure_model(self) -> None:
        """Lay the weights out in memory, share them out over processes, compile."""
        trainer = self.settings.trainer
        mesh = self.device_mesh
        if mesh is not None:
            shard(self.network, mesh["data_parallel"])
        elif trainer.channels_last:
            lay_out_weights(self.network)
        if trainer.compile:
            self.network.compile()

    def configure_optimizers(self) -> Optimizer:
        """The optimizer; its learning rate is set before each step."""
        optimizer = self.settings.optimizer
        maker = torch.optim.AdamW if optimizer.name == "adamw" else torch.optim.Adam
        return maker(self.network.parameters(), lr=optimizer.lr, weight_decay=optimizer.weight_decay)

    def on_fit_start(self) -> None:
        """Make what stands beside the weights, now that they are where they stay; and go on where a run stood."""
        if self.settings.trainer.ema is not None:
            self.average = WeightAverage(self.network, self.settings.trainer.ema.decay)
        if self.trainer.precision == "16-mixed":
            self.guard.most_in_a_row += _SCALE_SEARCH
        self._require_one_start()
        if self.restore is not None:
            self.restore()

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """The loss of one batch."""
        image = laid_out(batch["image"], self.settings.trainer.channels_last)
        loss = self.objective(self.network(image), batch)
        finite = loss.detach().isfinite()
        self.losses.append(loss.detach())
        self._suspects.append((finite, batch["case"]))
        # A loss that isn't finite on one process must spoil the gradient on all, so that all of them skip the step.
        return loss * torch.where(finite, 1.0, math.nan)

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Callable[[], Any] | None = None
    ) -> None:
        """Do a step, or skip it where the gradient isn't finite, and average the weights."""
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        self.stepped = True
        if self.average is not None and self.guard.in_a_row == 0:
            self.average.update(self.network, self.position.step - self.guard.skipped)

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip the gradient; drop it where it isn't finite, which makes the step none."""
        clip = self.settings.optimizer.clip or math.inf
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        self.grad_norm = whole(norm).item()
        suspects = [] if math.isfinite(self.grad_norm) else self._nonfinite_cases()
        self._suspects.clear()
        if not self.guard.accept(self.grad_norm, self.position.step, suspects):
            optimizer.zero_grad(set_to_none=True)

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Segment one case; the labels found (B, 1, i, j, k) are returned for pictures."""
        assert self._inferer is not None
        output = self._inferer(batch["image"])
        predicted = self.objective.split(output)[0].argmax(dim=1, keepdim=True).to(torch.uint8)
        counted = ~batch["is_padding"]
        if counted.any():
            self.validation_loss.update(self.objective(output, batch))
            self.dice.update(unsided(predicted[counted]), unsided(batch["label"][counted]))
        return predicted

    def on_validation_epoch_start(self) -> None:
        """Bring the copy that validates up to date."""
        if self._inferer is None:
            network = build(self.settings.network.name, **self.settings.network_arguments).to(self.device)
            self._inferer = VolumeInferer(network, self.settings.trainer.window, self.settings.trainer.channels_last)
        self._inferer.network.load_state_dict(self.evaluation_weights())

    def on_validation_epoch_end(self) -> None:
        """Add up over processes and name the measures."""
        measures = {"loss": self.validation_loss.compute().item(), **self.dice.compute()}
        self.log_dict({f"val/{name}": value for name, value in measures.items()}, logger=False)
        self.dice.reset()
        self.validation_loss.reset()

    def evaluation_weights(self) -> dict[str, Tensor]:
        """The weights to validate and export, whole; every process must ask at once."""
        source = self.network.state_dict() if self.average is None else self.average.tensors
        return {name: whole(tensor.detach()) for name, tensor in source.items()}

    def _require_one_start(self) -> None:
        first = self.trainer.strategy.broadcast((self.position.epoch, self.position.batch))
        if first != (self.position.epoch, self.position.batch):
            raise CheckpointError(
                f"process {self.global_rank} found another checkpoint than the first one (epoch {self.position.epoch} "
                f"instead of {first[0]}): the folder of the run must lie on a file system that all machines share"
            )

    def _nonfinite_cases(self) -> list[str]:
        return [case for finite, cases in self._suspects if not finite.item() for case in cases]


def as_segmentation(module: lightning.LightningModule) -> SegmentationModule:
    """The module that our callbacks work with.

    Raises:
        TrainingError: it is another one.
    """
    if not isinstance(module, SegmentationModule):
        raise TrainingError(f"these callbacks go with a SegmentationModule, found {type(module).__name__}")
    return module


def parameter_count(network: nn.Module) -> int:
    """Number of learned values."""
    return sum(parameter.numel() for parameter in network.parameters())

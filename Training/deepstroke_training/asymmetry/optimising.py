"""One way of training for every network of the comparison: AdamW with the poly schedule, on varied copies of cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from deepstroke.progress import Progress
from deepstroke_training.asymmetry.augmentation import PoseAugmentation
from deepstroke_training.asymmetry.cases import StrokeBatch, StrokeCase

_BETAS, _DECAY, _POWER = (0.9, 0.999), 5e-4, 0.9

#: Of a batch in an epoch counted from 0, to a scalar.
Loss = Callable[[StrokeBatch, int], Tensor]


@dataclass(frozen=True)
class Optimising:
    """AdamW with the poly schedule (Ni et al., section 3).

    Attributes:
        epochs: passes over the cases.
        batch: cases a step.
        lr: at first.
        copies: how cases are varied; none: not at all.
        seed: of their order and copies.
        warm_up: steps in which the rate grows to ``lr``.
        clip: largest norm of the gradient; none: any.
        bf16: fewer bits in the forward pass.
    """

    epochs: int
    batch: int
    lr: float
    copies: PoseAugmentation | None = None
    seed: int = 0
    warm_up: int = 0
    clip: float | None = None
    bf16: bool = False

    def run(self, network: nn.Module, cases: list[StrokeCase], loss: Loss, progress: Progress, name: str) -> None:
        """Train those parameters of a network that ask for gradients; it is left in evaluation mode."""
        learnt = [each for each in network.parameters() if each.requires_grad]
        optimizer = torch.optim.AdamW(learnt, self.lr, _BETAS, weight_decay=_DECAY)
        random, step = np.random.default_rng([self.seed, 5]), 0
        network.train()
        for epoch in range(self.epochs):
            losses = []
            for batch in self._batches(cases, random):
                step += 1
                optimizer.param_groups[0]["lr"] = self.rate(epoch, step)
                losses.append(self._step(optimizer, loss, batch, epoch))
            progress((epoch + 1) / self.epochs, f"{name}, epoch {epoch + 1}: loss {np.mean(losses):.4f}")
        network.eval()

    def rate(self, epoch: int, step: int) -> float:
        """Of an epoch counted from 0, in a step counted from 1 over all epochs."""
        risen = min(1.0, step / self.warm_up) if self.warm_up else 1.0
        return self.lr * risen * (1 - epoch / self.epochs) ** _POWER

    def _batches(self, cases: list[StrokeCase], random: np.random.Generator) -> Iterator[StrokeBatch]:
        numbers = random.permutation(len(cases))
        for start in range(0, len(cases), self.batch):
            batch = StrokeBatch.of([cases[number] for number in numbers[start : start + self.batch]])
            yield batch if self.copies is None else self.copies.varied(batch, random)

    def _step(self, optimizer: torch.optim.Optimizer, loss: Loss, batch: StrokeBatch, epoch: int) -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(batch.image.device.type, torch.bfloat16, enabled=self.bf16):
            value = loss(batch, epoch)
        value.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], self.clip)
        optimizer.step()
        return float(value.detach())

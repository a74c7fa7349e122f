"""How far a run is; what it does next follows from this and the seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke_training.training.settings import TrainerSettings


@dataclass
class Position:
    """How far a run is.

    Attributes:
        epoch: epochs finished.
        batch: batches of the epoch under way that each process has trained on.
        step: optimizer steps, those skipped for lack of a finite gradient included.
        seconds: spent on training and validation, over all resumed runs together.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0

    def share_done(self, settings: TrainerSettings, batches_per_epoch: int) -> float:
        """0..1, how much of the run is over, by the limit that is nearest."""
        shares = [0.0]
        if settings.max_epochs:
            shares.append((self.epoch + self.batch / max(batches_per_epoch, 1)) / settings.max_epochs)
        if settings.max_steps:
            shares.append(self.step / settings.max_steps)
        if settings.max_minutes:
            shares.append(self.seconds / 60.0 / settings.max_minutes)
        return min(max(shares), 1.0)

    def limit_reached(self, settings: TrainerSettings) -> str | None:
        """Which limit ends the run here, in words, if any."""
        if settings.max_epochs and self.epoch >= settings.max_epochs:
            return f"{settings.max_epochs} epochs done"
        if settings.max_steps and self.step >= settings.max_steps:
            return f"{settings.max_steps} steps done"
        if settings.max_minutes and self.seconds >= settings.max_minutes * 60.0:
            return f"{settings.max_minutes:g} minutes done"
        return None

    def seed_everything(self, seed: int, rank: int) -> None:
        """Set every random number generator of this process from the seed, the place in the run and the rank.

        As this is done before each batch, a resumed run draws the numbers that an unbroken one would have drawn, and no
        generator's state needs to be saved.
        """
        words = np.random.SeedSequence([seed, rank, self.epoch, self.batch]).generate_state(4, np.uint32)
        torch.manual_seed(int(words[0]) << 32 | int(words[1]))
        np.random.seed(words[2])  # noqa: NPY002 - transforms of other packages draw from it
        random.seed(int(words[3]))

"""The learning rate over a run, as a function of how far the run is; nothing of it needs to be saved."""

from __future__ import annotations

import math

from deepstroke_training.training.settings import OptimizerSettings

_RISE = 0.3
_START = 1.0 / 25.0


def learning_rate(settings: OptimizerSettings, step: int, done: float) -> float:
    """The learning rate of a step.

    Args:
        settings: which schedule.
        step: optimizer steps done so far.
        done: 0..1, how much of the run is over.

    Example:
        >>> learning_rate(OptimizerSettings(lr=1.0, schedule="cosine", final=0.0), step=50, done=0.5)
        0.5
    """
    done = min(max(done, 0.0), 1.0)
    if settings.schedule == "onecycle":
        return settings.lr * _one_cycle(done, settings.final)
    warm = min(1.0, (step + 1) / settings.warmup_steps) if settings.warmup_steps else 1.0
    fall = _between(1.0, settings.final, done) if settings.schedule == "cosine" else 1.0
    return settings.lr * warm * fall


def _one_cycle(done: float, final: float) -> float:
    """Smith & Topin 2018, arXiv:1708.07120, with cosines as in PyTorch's ``OneCycleLR``."""
    if done < _RISE:
        return _between(_START, 1.0, done / _RISE)
    return _between(1.0, final, (done - _RISE) / (1.0 - _RISE))


def _between(start: float, end: float, fraction: float) -> float:
    """Half a cosine wave from ``start`` to ``end``."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * fraction))

"""Learning rates at the start, the middle and the end of a run."""

from __future__ import annotations

import pytest
import torch

from deepstroke_training.training.schedule import learning_rate
from deepstroke_training.training.settings import OptimizerSettings


@pytest.mark.parametrize(
    ("settings", "step", "done", "expected"),
    [
        (OptimizerSettings(lr=0.2), 7, 0.9, 0.2),
        (OptimizerSettings(lr=0.2, warmup_steps=4), 0, 0.0, 0.05),
        (OptimizerSettings(lr=0.2, warmup_steps=4), 3, 0.1, 0.2),
        (OptimizerSettings(lr=0.2, warmup_steps=4), 9, 0.1, 0.2),
        (OptimizerSettings(lr=1.0, schedule="cosine", final=0.1), 5, 0.0, 1.0),
        (OptimizerSettings(lr=1.0, schedule="cosine", final=0.1), 5, 0.5, 0.55),
        (OptimizerSettings(lr=1.0, schedule="cosine", final=0.1), 5, 1.0, 0.1),
        (OptimizerSettings(lr=1.0, schedule="cosine", final=0.1, warmup_steps=10), 4, 0.5, 0.275),
        (OptimizerSettings(lr=1.0, schedule="onecycle", final=0.0), 0, 0.0, 0.04),
        (OptimizerSettings(lr=1.0, schedule="onecycle", final=0.0), 3, 0.15, 0.52),
        (OptimizerSettings(lr=1.0, schedule="onecycle", final=0.0), 3, 0.3, 1.0),
        (OptimizerSettings(lr=1.0, schedule="onecycle", final=0.0), 3, 0.65, 0.5),
        (OptimizerSettings(lr=1.0, schedule="onecycle", final=0.2), 3, 1.2, 0.2),
    ],
)
def test_known_places(settings: OptimizerSettings, step: int, done: float, expected: float) -> None:
    assert learning_rate(settings, step, done) == pytest.approx(expected)


def test_one_cycle_is_that_of_pytorch() -> None:
    """PyTorch's runs from step 0 to the last step, so ``done`` is measured in those."""
    steps = 101
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=steps, pct_start=0.31, div_factor=25, final_div_factor=4.0
    )
    settings = OptimizerSettings(lr=1.0, schedule="onecycle", final=0.01)
    for step in range(steps):
        assert learning_rate(settings, step, step / (steps - 1)) == pytest.approx(schedule.get_last_lr()[0], abs=0.03)
        optimizer.step()
        schedule.step()

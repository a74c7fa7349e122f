"""How far a run is, and what follows from it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from deepstroke_training.training.position import Position
from deepstroke_training.training.settings import TrainerSettings


def test_the_nearest_limit_says_how_much_is_over() -> None:
    position = Position(epoch=1, batch=5, step=30, seconds=120.0)
    assert position.share_done(TrainerSettings(max_epochs=4), batches_per_epoch=10) == pytest.approx(0.375)
    assert position.share_done(TrainerSettings(max_epochs=4, max_steps=40), batches_per_epoch=10) == 0.75
    assert position.share_done(TrainerSettings(max_epochs=4, max_steps=40, max_minutes=2.5), 10) == 0.8
    assert position.share_done(TrainerSettings(max_epochs=1, max_steps=None), batches_per_epoch=10) == 1.0


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_epochs": 2}, "2 epochs done"),
        ({"max_epochs": 3, "max_steps": 30}, "30 steps done"),
        ({"max_epochs": None, "max_minutes": 2}, "2 minutes done"),
        ({"max_epochs": 3, "max_steps": 31, "max_minutes": 2.1}, None),
    ],
)
def test_limits(limits: dict[str, int], reason: str | None) -> None:
    position = Position(epoch=2, batch=0, step=30, seconds=120.0)
    assert position.limit_reached(TrainerSettings(**limits)) == reason


def draws(position: Position, seed: int = 3, rank: int = 0) -> tuple[float, float, float]:
    position.seed_everything(seed, rank)
    return float(torch.rand(1)), float(np.random.rand()), random.random()  # noqa: NPY002


def test_random_numbers_follow_from_seed_rank_and_place_alone() -> None:
    place = Position(epoch=2, batch=7, step=100, seconds=5.0)
    first = draws(place)
    torch.rand(10)
    assert draws(Position(epoch=2, batch=7, step=3)) == first
    others = [draws(place, seed=4), draws(place, rank=1), draws(Position(2, 8)), draws(Position(3, 7))]
    assert len({first, *others}) == 5

"""Stages are timed and their progress is fitted into the whole job's."""

from __future__ import annotations

import numpy as np

from deepstroke.stages import StageClock, peak_memory_mb


def test_progress_of_a_stage_fills_its_part_of_the_job() -> None:
    told: list[tuple[float, str]] = []
    clock = StageClock(lambda fraction, text: told.append((fraction, text)))
    with clock.stage("registration", 0.2, 0.6) as progress:
        progress(0.5, "level 2 of 3")
        progress(7.0, "beyond the end")
    assert told == [(0.2, "registration"), (0.4, "level 2 of 3"), (0.6, "beyond the end")]
    assert list(clock.seconds) == ["registration"]


def test_a_stage_entered_twice_adds_up() -> None:
    clock = StageClock(seconds={"labels": 5.0})
    with clock.stage("labels", 0, 1):
        pass
    assert clock.seconds["labels"] >= 5.0


def test_peak_memory_grows_with_what_is_held() -> None:
    before = peak_memory_mb()
    held = np.ones(int(before * 1e6 / 8) + 10_000_000)
    assert held[-1] == 1.0
    assert peak_memory_mb() >= before + 50

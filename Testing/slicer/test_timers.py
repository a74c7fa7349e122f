"""Stepwise work on the event loop."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from host import Host


def steps(count: int) -> Generator[None, None, int]:
    for _ in range(count):
        yield
    return count


def test_stepwise_work_returns_its_result_between_events(host: Host) -> None:
    from DeepStrokeSlicerLib.timers import Stepwise

    def slow() -> Generator[None, None, str]:
        for _ in range(8):
            time.sleep(0.015)
            yield
        return "done"

    import qt

    beats, found = [], []
    timer = qt.QTimer()
    timer.setInterval(1)
    timer.connect("timeout()", lambda: beats.append(1))
    timer.start()
    work = Stepwise(slow(), found.append, pytest.fail)
    host.wait_until(lambda: bool(found))
    timer.stop()
    assert found == ["done"]
    assert len(beats) >= 3, "other events came between the portions"
    work.stop()


def test_an_error_of_a_step_is_handed_on_once(host: Host) -> None:
    from DeepStrokeSlicerLib.timers import Stepwise

    def fails() -> Generator[None, None, None]:
        yield
        raise ValueError("seven")

    errors: list[Exception] = []
    Stepwise(fails(), pytest.fail, errors.append)
    host.wait_until(lambda: bool(errors))
    host.turn()
    assert [str(error) for error in errors] == ["seven"]


def test_stopped_work_does_no_more(host: Host) -> None:
    from DeepStrokeSlicerLib.timers import Stepwise

    done: list[int] = []
    work = Stepwise(steps(10**9), done.append, pytest.fail)
    host.turn()
    work.stop()
    host.turn()
    assert not done


def test_run_now_goes_to_the_end(host: Host) -> None:
    from DeepStrokeSlicerLib.timers import run_now

    assert run_now(steps(3)) == 3


def test_a_repeater_ends_when_the_function_says_so(host: Host) -> None:
    from DeepStrokeSlicerLib.timers import Repeater

    calls: list[int] = []

    def tick() -> bool:
        calls.append(1)
        return len(calls) < 3

    repeater = Repeater(tick, pytest.fail, interval_ms=1)
    host.wait_until(lambda: not repeater.active)
    host.turn()
    assert len(calls) == 3

"""Work in small portions on Qt's event loop, so that Slicer never stands still."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

import qt

import slicer

T = TypeVar("T")
#: How often a child process is looked at.
POLL_MS = 50
#: A portion of stepwise work goes on for at least this long, then waiting events come first.
PORTION_SECONDS = 0.02


class Repeater:
    """Calls a function again and again until it returns False or `stop` is called.

    Args:
        function: returns whether it wants to be called again; what it raises goes to `on_error`.
        on_error: called with the exception; the repetition has stopped then.
        interval_ms: between calls.
    """

    def __init__(
        self, function: Callable[[], bool], on_error: Callable[[Exception], None], interval_ms: int = POLL_MS
    ) -> None:
        self._function, self._on_error = function, on_error
        # With a parent the timer outlives its last event, in which this object may be let go.
        self._timer = qt.QTimer(slicer.app)
        self._active = True
        self._timer.setInterval(interval_ms)
        self._timer.connect("timeout()", self._fire)
        self._timer.start()

    @property
    def active(self) -> bool:
        """Whether it will call again."""
        return self._active

    def stop(self) -> None:
        """Call no more."""
        if self._active:
            self._active = False
            self._timer.stop()
            self._timer.disconnect("timeout()", self._fire)
            self._timer.deleteLater()

    def _fire(self) -> None:
        try:
            again = self._function()
        except Exception as error:  # noqa: BLE001 - a slot must hand its error on, Qt would only print it
            self.stop()
            self._on_error(error)
            return
        if not again:
            self.stop()


class Stepwise(Generic[T]):
    """Runs a generator portion by portion on the event loop and hands on what it returns.

    Args:
        steps: yields after each small portion and returns the result.
        on_done: called with the result.
        on_error: called with what a portion raised.
    """

    def __init__(
        self, steps: Generator[object, None, T], on_done: Callable[[T], None], on_error: Callable[[Exception], None]
    ) -> None:
        self._steps, self._on_done = steps, on_done
        self._repeater = Repeater(self._portion, on_error, interval_ms=0)

    def stop(self) -> None:
        """Leave the rest undone."""
        self._repeater.stop()
        self._steps.close()

    def _portion(self) -> bool:
        until = time.perf_counter() + PORTION_SECONDS
        try:
            while time.perf_counter() < until:
                next(self._steps)
        except StopIteration as finished:
            self._repeater.stop()
            self._on_done(finished.value)
            return False
        return True


def run_now(steps: Generator[object, None, T]) -> T:
    """Run stepwise work to its end at once, for scripts and tests."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value

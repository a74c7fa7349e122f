"""How long Qt's event loop stands still, by the clock and by the processors' time."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Pause:
    """The longest of each while a heart beat, in ms.

    Attributes:
        clock: time between two beats; on a busy machine others' work is in it.
        thread: processor time of the thread of the user interface.
        process: processor time of all threads of the process.
    """

    clock: float
    thread: float
    process: float


class Heart:
    """Beats every 20 ms as long as events are let through; what stands between two beats blocked the panel."""

    INTERVAL_MS = 20

    def __init__(self) -> None:
        import qt

        self._longest = Pause(0.0, 0.0, 0.0)
        self._last = _now()
        self._timer = qt.QTimer()
        self._timer.setInterval(self.INTERVAL_MS)
        self._timer.connect("timeout()", self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = _now()
        passed = (1000 * (after - before) for after, before in zip(now, self._last, strict=True))
        self._longest = Pause(*map(max, passed, vars(self._longest).values()))
        self._last = now

    def stop(self) -> Pause:
        """The longest pauses."""
        self._beat()
        self._timer.stop()
        return self._longest


def _now() -> tuple[float, float, float]:
    return time.perf_counter(), time.thread_time(), time.process_time()

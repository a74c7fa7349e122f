"""Seconds by the clock and of the processor, as rows of a table."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        what: was measured.
        target: of the project; empty where there is none.
        clock, processor: in seconds; None where it isn't a time.
        note: what else was found.
    """

    what: str
    target: str
    clock: float | None = None
    processor: float | None = None
    note: str = ""


class Stopwatch:
    """Seconds by the clock and of the process, and of ended children where asked for."""

    clock = processor = 0.0

    @contextmanager
    def running(self, *, children: bool = False) -> Iterator[None]:
        """Time what is done inside."""
        began = time.perf_counter(), _processor(children)
        yield
        self.clock, self.processor = time.perf_counter() - began[0], _processor(children) - began[1]

    def row(self, what: str, target: str = "", note: str = "") -> Row:
        """What was timed last."""
        return Row(what, target, self.clock, self.processor, note)


def _processor(children: bool) -> float:
    if not children:
        return time.process_time()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

"""How far a batch is and how long the rest will take."""

from __future__ import annotations

import time
from datetime import timedelta


class Counter:
    """Counts finished pieces of work.

    Args:
        total: how many there are.
        what: words that follow the numbers, such as ``"cases"``.
    """

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what = total, what
        self.done = self.failed = self.known = 0
        self._began = time.monotonic()

    def add(self, *, failed: bool = False, known: bool = False) -> float:
        """Count one more; gives the fraction done.

        Args:
            failed: it has no result.
            known: it was done in an earlier run, and so says nothing about the speed of this one.
        """
        self.done += 1
        self.failed += failed
        self.known += known
        return self.done / max(self.total, 1)

    def text(self) -> str:
        """What a progress bar shows: "12 of 40 cases, 1 failed, 0:03:20 left"."""
        parts = [f"{self.done} of {self.total} {self.what}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if left := self._left():
            parts.append(f"{left} left")
        return ", ".join(parts)

    def _left(self) -> str:
        fresh = self.done - self.known
        remaining = self.total - self.done
        if not fresh or remaining <= 0:
            return ""
        return str(timedelta(seconds=round((time.monotonic() - self._began) / fresh * remaining)))

"""Steps without a finite gradient: they are skipped and counted, and too many in a row end the run."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from deepstroke_training.training.failures import TrainingError

_REMEMBERED_CASES = 8


class NonFiniteGuard:
    """Counts steps whose gradient isn't finite.

    Args:
        most_in_a_row: so many in a row end the run.

    Attributes:
        skipped: steps skipped in the whole run.
        in_a_row: steps skipped since the last good one.
    """

    def __init__(self, most_in_a_row: int) -> None:
        self.most_in_a_row = most_in_a_row
        self.skipped = 0
        self.in_a_row = 0
        self._cases: deque[str] = deque(maxlen=_REMEMBERED_CASES)

    def accept(self, norm: float, step: int, suspects: Sequence[str]) -> bool:
        """Whether a step may be done.

        Args:
            norm: of the gradient, the same on all processes.
            step: its number, for the message.
            suspects: cases of this process whose loss wasn't finite.

        Raises:
            TrainingError: it was one too many in a row.
        """
        if math.isfinite(norm):
            self.in_a_row = 0
            self._cases.clear()
            return True
        self.skipped += 1
        self.in_a_row += 1
        self._cases.extend(case for case in suspects if case not in self._cases)
        if self.in_a_row >= self.most_in_a_row:
            raise TrainingError(self._message(step), code="non-finite")
        return False

    def _message(self, step: int) -> str:
        cases = f"; loss not finite on: {', '.join(self._cases)}" if self._cases else ""
        return (
            f"step {step}: the gradient was not finite (NaN or infinite) {self.in_a_row} times in a row{cases}. "
            "The last good checkpoint is kept. Look at these cases' intensities; or try a lower optimizer.lr, "
            "optimizer.clip=1.0, more optimizer.warmup_steps, or trainer.precision=32, and go on with --resume"
        )

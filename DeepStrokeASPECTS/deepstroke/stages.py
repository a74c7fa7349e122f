"""How long each stage of a job took and how much memory the job held at most."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from deepstroke.progress import Progress, silent, within


@dataclass
class StageClock:
    """Times stages by the wall clock and passes their progress on.

    Attributes:
        progress: told how far the whole job is.
        seconds: of each finished stage, in the order of finishing.
    """

    progress: Progress = silent
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, start: float, end: float) -> Iterator[Progress]:
        """Time one stage that fills ``start..end`` (0..1) of the job; gives the progress of the stage alone."""
        began = time.perf_counter()
        self.progress(start, name)
        yield within(self.progress, start, end)
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - began, 3)


def peak_memory_mb() -> float:
    """The most memory this process and its ended children held at once, each for itself, in MB."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset / 1e6)
    import resource

    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(peaks) * (1.0 if sys.platform == "darwin" else 1024.0) / 1e6

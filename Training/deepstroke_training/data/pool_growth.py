"""Processes beside training that make a pool of synthetic cases grow, and draws from a pool that isn't full yet."""

from __future__ import annotations

import multiprocessing
import os
import time
from multiprocessing.process import BaseProcess

from deepstroke_training.data.making import use_one_thread
from deepstroke_training.data.prepared_case import PreparedCase
from deepstroke_training.data.synthetic_pool import SyntheticPool

#: How often a loader looks for new cases, seconds; how much its makers stand back behind training.
_LOOK_AGAIN_S, _NICENESS = 5.0, 5


class GrowingPool:
    """A pool that is drawn from while it grows.

    A number stands for the same case as in a finished pool once that case is there; before, for one of those that are.

    Args:
        pool: has at least one case.
        count: how many it will have.
    """

    def __init__(self, pool: SyntheticPool, count: int) -> None:
        self.pool, self.count = pool, count
        self.name = f"{pool.folder.name}-live"
        self._there: list[int] = []
        self._looked = -_LOOK_AGAIN_S

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> PreparedCase:
        if not 0 <= number < self.count:
            raise IndexError(f"case {number} of {self.count}")
        if self.pool.path(number).is_file():
            return self.pool.case(number)
        self._look()
        return self.pool.case(self._there[number % len(self._there)] if self._there else number)

    def _look(self) -> None:
        if time.monotonic() - self._looked >= _LOOK_AGAIN_S:
            self._there = [number for number in self.pool.numbers() if number < self.count]
            self._looked = time.monotonic()


class PoolGrowth:
    """Processes that make the missing cases of a pool, each its own share, until all are there.

    They end by themselves when this process ends, however that happens.

    Args:
        pool: to grow.
        count: how many cases it will have.
        processes: how many make cases here.
        node, nodes: which of how many machines that share the pool's folder this is.
    """

    def __init__(self, pool: SyntheticPool, count: int, processes: int = 1, node: int = 0, nodes: int = 1) -> None:
        self.pool, self.count = pool, count
        self.shares = [(node * processes + number, nodes * processes) for number in range(processes)]
        self.running: list[BaseProcess] = []

    def start(self) -> None:
        """Begin; nothing is started for a pool that is full."""
        if len([number for number in self.pool.numbers() if number < self.count]) >= self.count:
            return
        context = multiprocessing.get_context("spawn")
        for first, step in self.shares:
            numbers = range(first, self.count, step)
            process = context.Process(target=_grow, args=(self.pool, numbers, os.getpid()), daemon=True)
            process.start()
            self.running.append(process)

    def stop(self) -> None:
        """End all processes; cases are whole or not there."""
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.join()
        self.running.clear()


def _grow(pool: SyntheticPool, numbers: range, parent: int) -> None:
    """Make what is missing of some numbers while the parent lives."""
    os.nice(_NICENESS)
    use_one_thread()
    for number in numbers:
        if os.getppid() != parent:
            return
        if not pool.path(number).is_file():
            pool.make(number)

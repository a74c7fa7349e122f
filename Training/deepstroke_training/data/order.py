"""The order of training samples: a function of the seed, the epoch and the position alone.

Nothing is remembered between samples, so training resumes anywhere, and any number of processes and workers see the
same samples at the same global positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import ConfigError
from deepstroke_training.synthesis.random_fields import numbers, stream_seed


@dataclass(frozen=True)
class Strand:
    """Items that are drawn alike: the cases of one source at one stage.

    Attributes:
        name: of the source and the stage; it is part of the seed.
        items: how many there are.
        weight: share of all samples, in proportion to the other strands'.
    """

    name: str
    items: int
    weight: float


@dataclass(frozen=True)
class Draw:
    """One sample of an epoch.

    Attributes:
        strand: index of its strand.
        item: index in the strand.
        seed: of its augmentation.
    """

    strand: int
    item: int
    seed: int


class SampleOrder:
    """Which item stands at which position of which epoch.

    Every epoch holds the same number of samples of each strand; the items of a strand come in shuffled passes, so none
    comes again before all others have come.

    Args:
        strands: what to mix.
        samples_per_epoch: length of an epoch.
        seed: another seed gives another order.

    Raises:
        ConfigError: nothing can be drawn.

    Example:
        >>> order = SampleOrder([Strand("a", items=4, weight=1.0)], samples_per_epoch=4, seed=0)
        >>> sorted(order.draw(position).item for position in range(4))
        [0, 1, 2, 3]
    """

    def __init__(self, strands: Sequence[Strand], samples_per_epoch: int, seed: int) -> None:
        drawn = [strand for strand in strands if strand.weight > 0]
        if not drawn or samples_per_epoch < 1:
            raise ConfigError("there is nothing to draw: no source with cases and a weight above 0", code="no-samples")
        empty = [strand.name for strand in drawn if strand.items < 1]
        if empty:
            raise ConfigError(f"sources without a case: {', '.join(empty)}", code="no-samples")
        self.strands, self.samples_per_epoch, self.seed = tuple(strands), samples_per_epoch, seed
        self.counts = shares([strand.weight for strand in strands], samples_per_epoch)
        never = [one.name for one, count in zip(strands, self.counts, strict=True) if one.weight > 0 and count == 0]
        if never:
            raise ConfigError(
                f"samples_per_epoch: an epoch of {samples_per_epoch} samples has none of {', '.join(never)}; "
                "raise it, or the weight",
                code="no-samples",
            )
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)

    def draw(self, number: int) -> Draw:
        """The sample at a position counted from the first of epoch 0."""
        epoch, position = divmod(number, self.samples_per_epoch)
        strand, item = self._epoch(epoch)[position]
        return Draw(int(strand), int(item), stream_seed(self.seed, f"sample/{number}"))

    def _draw_epoch(self, epoch: int) -> NDArray[np.int64]:
        """(strand, item) of every position, shape (samples_per_epoch, 2)."""
        rows = [
            np.stack([np.full(count, index), self._items(index, epoch * count, count)], axis=1)
            for index, count in enumerate(self.counts)
        ]
        table = np.concatenate(rows).astype(np.int64)
        return np.asarray(numbers(self.seed, f"epoch/{epoch}").permutation(table))

    def _items(self, index: int, first: int, count: int) -> NDArray[np.int64]:
        """``count`` items of a strand from its ``first`` draw on."""
        strand = self.strands[index]
        if count == 0:
            return np.zeros(0, np.int64)
        passes = range(first // strand.items, (first + count - 1) // strand.items + 1)
        shuffled = [numbers(self.seed, f"pass/{strand.name}/{n}").permutation(strand.items) for n in passes]
        start = first - passes[0] * strand.items
        return np.concatenate(shuffled)[start : start + count]

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_epoch"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._epoch = lru_cache(maxsize=2)(self._draw_epoch)


def shares(weights: Sequence[float], total: int) -> list[int]:
    """Whole numbers that add up to ``total`` in proportion to weights; what is left goes to the largest remainders.

    Example:
        >>> shares([0.7, 0.3], 5)
        [4, 1]
    """
    exact = np.asarray(weights, dtype=np.float64) / sum(weights) * total
    counts = np.floor(exact + 1e-9).astype(int)
    late = np.argsort(-(exact - counts), kind="stable")[: total - counts.sum()]
    counts[late] += 1
    return [int(count) for count in counts]

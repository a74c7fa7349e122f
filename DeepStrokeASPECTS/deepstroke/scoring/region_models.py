"""How one region's measures become log odds: a line through weighted measures, or a sum of small decision trees.

Both are plain numbers, computed with numpy alone, and both say what each measure adds, so that a result can be checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class RegionModel(Protocol):
    """Log odds of a region's involvement from its measures."""

    @property
    def base(self) -> float:
        """Log odds of a usual region."""
        ...

    def pushes(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """What each measure, shape (measures,), adds to the log odds; with ``base`` they sum to the log odds."""
        ...

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds (rows,) of many regions at once, values of shape (rows, measures)."""
        ...


@dataclass(frozen=True)
class LinearModel:
    """Log odds that rise in proportion to each measure's distance from its usual value.

    Attributes:
        base: log odds where all measures are usual.
        usual: of each measure.
        weights: log odds for each unit beyond it.
    """

    base: float
    usual: tuple[float, ...]
    weights: tuple[float, ...]

    def pushes(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``RegionModel``."""
        return np.asarray((values - np.array(self.usual)) * np.array(self.weights))

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``RegionModel``."""
        return np.asarray(self.base + self.pushes(values).sum(axis=1))


@dataclass(frozen=True)
class Tree:
    """A small decision tree, node 0 first.

    Attributes:
        measure: which measure a node asks for; -1 in a leaf.
        limit: the left branch is taken up to it.
        left, right: the next node.
        value: log odds that a node stands for: of a leaf its own, of another node the mean of its training cases.
    """

    measure: tuple[int, ...]
    limit: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]

    def add_pushes(self, values: NDArray[np.float32], pushes: NDArray[np.float64]) -> None:
        """Follow the branches and credit each step's change of value to the measure that was asked for.

        Source: Saabas, "Interpreting random forests" (2014).
        """
        node = 0
        while self.measure[node] >= 0:
            goes_left = values[self.measure[node]] <= self.limit[node]
            following = self.left[node] if goes_left else self.right[node]
            pushes[self.measure[node]] += self.value[following] - self.value[node]
            node = following

    def values_of(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """The leaf's value for each row of values (rows, measures)."""
        measure, limit, left, right = (np.array(x) for x in (self.measure, self.limit, self.left, self.right))
        node = np.zeros(len(values), dtype=np.int64)
        while (inner := measure[node] >= 0).any():
            asked = values[np.flatnonzero(inner), measure[node[inner]]]
            node[inner] = np.where(asked <= limit[node[inner]], left[node[inner]], right[node[inner]])
        return np.array(self.value)[node]


@dataclass(frozen=True)
class TreesModel:
    """Log odds as a sum of trees.

    Attributes:
        base: log odds of all training cases together, with the values of all first nodes.
        trees: each adds its leaf's value.
    """

    base: float
    trees: Sequence[Tree]

    def pushes(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``RegionModel``. Measures are compared in single precision, as scikit-learn did when it set limits."""
        pushes, single = np.zeros(len(values)), values.astype(np.float32)
        for tree in self.trees:
            tree.add_pushes(single, pushes)
        return pushes

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``RegionModel``."""
        single, total = values.astype(np.float32), np.full(len(values), self.base)
        for tree in self.trees:
            total += tree.values_of(single) - tree.value[0]
        return total

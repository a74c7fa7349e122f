"""Which labels may not be merged, and groups of those that may (Kujawa et al. 2024, eq. 3)."""

from __future__ import annotations

from collections.abc import Collection

import networkx  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray


def volume_ratios(mean_volumes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The larger mean volume over the smaller one, (n, n) >= 1; infinite where a label has no volume.

    Args:
        mean_volumes: (n,) in any unit.
    """
    smaller = np.minimum.outer(mean_volumes, mean_volumes)
    larger = np.maximum.outer(mean_volumes, mean_volumes)
    ratios = np.divide(larger, smaller, out=np.full(larger.shape, np.inf), where=smaller > 0)
    np.fill_diagonal(ratios, 1.0)
    return ratios


def adjacency(
    distances_mm: NDArray[np.float64],
    ratios: NDArray[np.float64],
    delta_distance: float,
    delta_volume: float,
    alone: Collection[int] = (),
) -> NDArray[np.bool_]:
    """Whether two labels must stay apart: unless D > delta_distance and V < delta_volume, both strictly.

    Args:
        distances_mm: (n, n), 0 and more.
        ratios: (n, n), 1 and more; infinite for a label without volume, which so is adjacent to all.
        delta_distance: in mm.
        delta_volume: largest ratio of mean volumes, exclusive.
        alone: positions 0..n-1 of labels that are adjacent to all in any case.

    Returns:
        (n, n), symmetric, false on the diagonal.
    """
    adjacent = ~((distances_mm > delta_distance) & (ratios < delta_volume))
    apart = list(alone)
    adjacent[apart, :] = adjacent[:, apart] = True
    np.fill_diagonal(adjacent, False)
    return adjacent


def colour(adjacent: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """Groups of vertices of which no two are adjacent: greedy colouring, smallest degree last.

    Args:
        adjacent: (n, n) symmetric.

    Returns:
        Positions 0..n-1, rising within each group; groups in the order of their first ones.
    """
    colours = networkx.greedy_color(_graph(adjacent), strategy="smallest_last")
    groups: dict[int, list[int]] = {}
    for vertex in range(len(adjacent)):
        groups.setdefault(colours[vertex], []).append(vertex)
    return tuple(tuple(group) for group in groups.values())


def degeneracy(adjacent: NDArray[np.bool_]) -> int:
    """The least d with a vertex of degree at most d in every subgraph: the colouring needs at most d + 1 colours."""
    graph = _graph(adjacent)
    return max(networkx.core_number(graph).values(), default=0)


def _graph(adjacent: NDArray[np.bool_]) -> networkx.Graph:
    graph = networkx.Graph()
    graph.add_nodes_from(range(len(adjacent)))
    graph.add_edges_from((int(a), int(b)) for a, b in np.argwhere(np.triu(adjacent, 1)))
    return graph

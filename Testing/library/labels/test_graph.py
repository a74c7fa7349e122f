"""Which labels stay apart, and groups of the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepstroke.labels import adjacency, colour, degeneracy, volume_ratios


def graph(n: int, *edges: tuple[int, int]) -> np.ndarray:
    adjacent = np.zeros((n, n), bool)
    for a, b in edges:
        adjacent[a, b] = adjacent[b, a] = True
    return adjacent


def test_ratios_are_of_the_larger_to_the_smaller_mean_volume() -> None:
    ratios = volume_ratios(np.array([2.0, 8.0, 0.0]))
    assert ratios.tolist() == [[1, 4, np.inf], [4, 1, np.inf], [np.inf, np.inf, 1]]


@pytest.mark.parametrize(
    ("distance", "ratio", "apart"),
    [(10.0, 1.0, True), (10.001, 1.0, False), (11.0, 3.499, False), (11.0, 3.5, True), (9.0, 9.0, True)],
)
def test_both_thresholds_are_strict(distance: float, ratio: float, apart: bool) -> None:
    distances, ratios = np.array([[0, distance], [distance, 0]]), np.array([[1, ratio], [ratio, 1]])
    assert adjacency(distances, ratios, 10.0, 3.5).tolist() == [[False, apart], [apart, False]]


def test_a_label_without_volume_and_one_named_alone_are_adjacent_to_all() -> None:
    distances = np.full((4, 4), 99.0)
    ratios = volume_ratios(np.array([1.0, 1.0, 1.0, 0.0]))
    assert (
        adjacency(distances, ratios, 10, 3.5, alone=[1]).tolist()
        == graph(4, (1, 0), (1, 2), (1, 3), (3, 0), (3, 2)).tolist()
    )


def test_known_graphs_get_their_least_number_of_colours() -> None:
    assert colour(graph(3)) == ((0, 1, 2),)
    assert colour(graph(3, (0, 1), (1, 2))) == ((0, 2), (1,))
    assert len(colour(graph(3, (0, 1), (1, 2), (0, 2)))) == 3
    star = graph(6, *((0, leaf) for leaf in range(1, 6)))
    assert colour(star) == ((0,), (1, 2, 3, 4, 5))
    crown = graph(6, (0, 4), (0, 5), (1, 3), (1, 5), (2, 3), (2, 4))
    assert colour(crown) == ((0, 1, 2), (3, 4, 5))
    assert colour(graph(0)) == ()


def test_degeneracies_of_known_graphs() -> None:
    assert degeneracy(graph(0)) == 0
    assert degeneracy(graph(6, *((0, leaf) for leaf in range(1, 6)))) == 1
    assert degeneracy(~np.eye(5, dtype=bool)) == 4


@given(st.integers(1, 14), st.floats(0, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_colouring_is_proper_complete_and_within_its_bound(n: int, density: float, seed: int) -> None:
    above = np.triu(np.random.default_rng(seed).random((n, n)) < density, 1)
    adjacent = above | above.T
    groups = colour(adjacent)
    assert sorted(vertex for group in groups for vertex in group) == list(range(n))
    assert not any(adjacent[np.ix_(group, group)].any() for group in groups)
    assert len(groups) <= degeneracy(adjacent) + 1

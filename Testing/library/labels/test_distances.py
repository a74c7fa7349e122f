"""Least distances between supports against all pairs of voxels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from deepstroke.labels import distances
from deepstroke.labels.distances import inner_border, support_distances
from deepstroke.labels.supports import gather_supports

SPACING = (0.7, 1.1, 4.0)


def ball(shape: tuple[int, int, int], centre: tuple[int, int, int], radius: float) -> np.ndarray:
    return np.linalg.norm(np.indices(shape) - np.reshape(centre, (3, 1, 1, 1)), axis=0) <= radius


def test_the_distance_of_two_voxels_is_in_mm() -> None:
    image = np.zeros((5, 6, 7), int)
    image[0, 0, 0], image[3, 4, 2] = 1, 2
    found = support_distances(gather_supports([image]).of, SPACING)
    assert found[0, 1] == pytest.approx(np.linalg.norm([2.1, 4.4, 8.0]))


def test_a_support_inside_another_is_at_zero_though_their_borders_are_far_apart() -> None:
    shape, centre = (45, 45, 45), (22, 22, 22)
    inner, outer = ball(shape, centre, 3), ball(shape, centre, 20)
    borders = cdist(np.argwhere(inner_border(inner)), np.argwhere(inner_border(outer)))
    assert borders.min() > 16
    found = support_distances(gather_supports([inner.astype(int), outer * 2]).of, (1.0, 1.0, 1.0))
    assert found[0, 1] == 0


@pytest.mark.parametrize("most_pairs", [0, 500_000])
def test_distances_are_those_of_all_pairs_of_voxels(most_pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distances, "_MOST_PAIRS", most_pairs)
    rng = np.random.default_rng(3)
    image = np.zeros((40, 36, 14), int)
    for label in range(1, 9):
        centre = tuple(int(rng.integers(0, n)) for n in image.shape)
        image[ball(image.shape, centre, rng.uniform(1, 6))] = label
    supports = gather_supports([image])
    points = [np.argwhere(image == label) * SPACING for label in supports.labels]
    expected = np.array([[0.0 if a is b else cdist(a, b).min() for b in points] for a in points])
    found = support_distances(supports.of, SPACING)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_array_equal(found, found.T)
    assert len(np.unique(found)) > 10


def test_a_label_without_voxels_is_infinitely_far() -> None:
    found = support_distances(gather_supports([np.ones((1, 1, 2), int)], labels=[2]).of, SPACING)
    assert found.tolist() == [[0, np.inf], [np.inf, 0]]


def test_the_inner_border_leaves_out_only_what_has_six_neighbours() -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[:4, 1:4, 1:4] = True
    inside = mask & ~inner_border(mask)
    assert np.argwhere(inside).tolist() == [[1, 2, 2], [2, 2, 2]]

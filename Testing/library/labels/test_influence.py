"""Influence regions against the paper's equations 4 and 5."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from deepstroke.labels.influence import influence_regions
from deepstroke.labels.supports import gather_supports

SPACING = (1.0, 1.3, 2.1)


def scattered(seed: int) -> list[np.ndarray]:
    """Two maps of four labels whose supports are apart."""
    rng, maps = np.random.default_rng(seed), []
    centres = [(4, 4, 3), (16, 5, 8), (6, 17, 9), (17, 17, 2)]
    for _ in range(2):
        image = np.zeros((22, 22, 12), int)
        for label, centre in enumerate(centres, start=3):
            i, j, k = (c + rng.integers(-1, 2) for c in centre)
            image[i - 1 : i + 2, j - 2 : j + 1, k - 1 : k + 1] = label
        maps.append(image)
    return maps


def fudged_prior(maps: list[np.ndarray], label: int) -> np.ndarray:
    """The paper's eq. 4 in double precision."""
    share = np.mean([each == label for each in maps], axis=0)
    return np.where(share > 0, share, np.exp(-distance_transform_edt(share == 0, SPACING)) / len(maps))


@pytest.mark.parametrize("seed", [0, 1])
def test_regions_are_those_of_the_fudged_prior(seed: int) -> None:
    maps = scattered(seed)
    prior = np.stack([fudged_prior(maps, label) for label in (3, 4, 5, 6)])
    first, second = np.sort(prior, axis=0)[:-3:-1]
    clear = first > second * (1 + 1e-9)
    region = influence_regions(gather_supports(maps), [[0, 1, 2, 3]], SPACING)[0]
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(region[clear], np.argmax(prior, axis=0)[clear] + 3)


def test_far_from_all_supports_the_nearest_still_wins() -> None:
    line = np.zeros((1, 1, 900), int)
    line[0, 0, 0], line[0, 0, 5] = 1, 2
    region = influence_regions(gather_supports([line]), [[0, 1]], (1.0, 1.0, 1.0))[0].ravel()
    assert np.exp(np.float32(-300)) == 0  # where the paper's formula can't tell in single precision
    assert region[[0, 2, 3, 300, 899]].tolist() == [1, 1, 2, 2, 2]


def test_distances_are_in_mm_not_in_voxels() -> None:
    image = np.zeros((7, 1, 7), int)
    image[0, 0, 3], image[3, 0, 0] = 1, 2
    region = influence_regions(gather_supports([image]), [[0, 1]], (1.0, 1.0, 5.0))[0]
    assert region[3, 0, 3] == 1
    assert influence_regions(gather_supports([image]), [[0, 1]], (5.0, 1.0, 1.0))[0][3, 0, 3] == 2


def test_no_group_of_several_labels_has_no_region() -> None:
    assert influence_regions(gather_supports([np.ones((2, 3, 4), int)]), [], SPACING).shape == (0, 2, 3, 4)

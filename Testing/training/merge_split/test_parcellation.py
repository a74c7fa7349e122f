"""Synthetic parcellations."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import ConfigError
from deepstroke.labels import MergePlan
from deepstroke_training.merge_split.parcellation import WarpedParcellation

SMALL = WarpedParcellation((40, 48, 40), 4.0)


def test_a_case_has_all_labels_in_a_brain_of_human_size() -> None:
    image, labels = SMALL.case(0)
    assert image.shape == labels.shape == (40, 48, 40)
    assert set(np.unique(labels)) <= set(range(108))
    assert len(np.unique(labels)) > 100
    assert 1200 < np.count_nonzero(labels) * 0.064 < 1600


def test_a_case_is_always_the_same_and_another_is_not() -> None:
    first, again, other = SMALL.case(3), SMALL.case(3), SMALL.case(4)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert 0.02 < np.mean(first[1] != other[1]) < 0.3


def test_without_a_warp_right_mirrors_left_and_cases_are_alike() -> None:
    still = WarpedParcellation((40, 48, 40), 4.0, labels=21, warp_mm=0.0, noise=0.0)
    image, labels = still.case(0)
    np.testing.assert_array_equal(labels, still.case(1)[1])
    left, right = labels[:20], labels[::-1][:20]
    assert left.max() <= 10 or left.max() == 20
    np.testing.assert_array_equal(np.where((left > 0) & (left < 11), left + 10, left), right)
    assert len(np.unique(image)) == 21


def test_labels_are_few_once_merged_and_come_back() -> None:
    maps = [SMALL.case(number)[1] for number in range(3)]
    plan = MergePlan.fit(maps, SMALL.spacing_mm)
    assert plan.n_labels == 108
    assert plan.n_merged < 36
    np.testing.assert_array_equal(plan.split(plan.merge(maps[0])), maps[0])


def test_settings_out_of_range_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        WarpedParcellation((40, 4, 40), 0.0, labels=1, noise=-1)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "labels",
        "shape",
        "spacing_mm, smooth_mm",
        "warp_mm, noise",
    ]

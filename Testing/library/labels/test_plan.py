"""Merge plans: exactness as a property, and cases with answers known by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from deepstroke import atlas
from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.labels import MergePlan, degeneracy
from deepstroke.volume import LabelMap

MM = (1.0, 1.0, 1.0)


def beads(*places: tuple[int, int], length: int = 40) -> np.ndarray:
    """A line of voxels with labels (label, position)."""
    line = np.zeros((1, 1, length), np.uint16)
    for label, position in places:
        line[0, 0, position] = label
    return line


def noisy_parcellations(seed: int, maps: int, labels: int) -> list[np.ndarray]:
    """Label maps of jittered nearest seeds in a ball, some labels missing in some."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.indices((14, 12, 10)), axis=-1)
    inside = (((grid - (6.5, 5.5, 4.5)) / (7, 6, 5)) ** 2).sum(-1) < 1
    seeds = rng.uniform((0, 0, 0), (14, 12, 10), (labels, 3))
    made = []
    for _ in range(maps):
        moved = seeds + rng.normal(0, 0.7, seeds.shape)
        nearest = np.linalg.norm(grid[..., None, :] - moved, axis=-1).argmin(-1) + 1
        made.append(np.where(inside & (rng.random(inside.shape) > 0.1), nearest, 0))
    return made


@given(
    seed=st.integers(0, 2**32 - 1),
    maps=st.integers(1, 4),
    labels=st.integers(1, 25),
    delta_distance=st.sampled_from([0.0, 1.0, 2.5, 5.0]),
    delta_volume=st.sampled_from([1.0, 3.5, np.inf]),
    spacing=st.sampled_from([MM, (0.8, 1.2, 3.0)]),
)
@settings(max_examples=40, deadline=None)
def test_every_training_map_comes_back_exactly(
    seed: int,
    maps: int,
    labels: int,
    delta_distance: float,
    delta_volume: float,
    spacing: tuple[float, float, float],
) -> None:
    training = noisy_parcellations(seed, maps, labels)
    plan = MergePlan.fit(training, spacing, delta_distance, delta_volume)
    for each in training:
        merged = plan.merge(each)
        assert merged.max() < plan.n_merged
        np.testing.assert_array_equal(plan.split(merged), each)
        np.testing.assert_array_equal(merged == 0, each == 0)
    assert plan.n_merged <= degeneracy(plan.adjacent) + 2  # background is the one more
    assert sorted(label for group in plan.groups for label in group) == [0, *plan.labels]


@given(seed=st.integers(0, 2**32 - 1), delta_distance=st.sampled_from([1.0, 2.0, 4.0]))
@settings(max_examples=20, deadline=None)
def test_within_half_the_distance_a_voxel_goes_to_its_label(seed: int, delta_distance: float) -> None:
    training = noisy_parcellations(seed, 2, 20)
    spacing = (1.0, 1.5, 1.2)
    plan = MergePlan.fit(training, spacing, delta_distance, np.inf)
    for number, group in enumerate(plan.groups):
        split = plan.split(np.full(plan.shape, number))
        for label in group if number else ():
            support = np.any([each == label for each in training], axis=0)
            near = distance_transform_edt(~support, sampling=spacing) <= delta_distance / 2
            assert (split[near] == label).all()


def test_a_chain_is_merged_by_hand() -> None:
    chain = beads((1, 0), (2, 11), (3, 20), (4, 31), length=32)
    plan = MergePlan.fit([chain], MM)
    assert plan.distances_mm.tolist() == [[0, 11, 20, 31], [11, 0, 9, 20], [20, 9, 0, 11], [31, 20, 11, 0]]
    assert [sorted(pair) for pair in np.argwhere(plan.adjacent)] == [[1, 2], [1, 2]]
    assert plan.n_merged == 3
    assert plan.n_labels == 5
    assert plan.groups[0] == (0,)
    assert plan.mean_volumes_mm3.tolist() == [1, 1, 1, 1]


def test_a_prediction_off_its_place_is_split_at_the_middle() -> None:
    plan = MergePlan.fit([beads((7, 0), (9, 21), length=40)], MM)
    assert plan.groups == ((0,), (7, 9))
    split = plan.split(np.ones((1, 1, 40), int)).ravel()
    assert split[:11].tolist() == [7] * 11
    assert split[11:].tolist() == [9] * 29


def test_labels_of_unlike_volume_stay_apart() -> None:
    image = np.zeros((1, 1, 60), int)
    image[..., :7], image[..., 30:32] = 1, 2
    assert MergePlan.fit([image], MM).n_merged == 3  # 7 / 2 is 3.5, which isn't below 3.5
    image[..., 6] = 0
    assert MergePlan.fit([image], MM).n_merged == 2


def test_supports_of_all_maps_count_together() -> None:
    assert MergePlan.fit([beads((1, 0), (2, 14))], MM).n_merged == 2
    assert MergePlan.fit([beads((1, 0), (2, 14)), beads((1, 4), (2, 14))], MM).n_merged == 3


def test_a_label_in_no_map_and_one_named_alone_get_a_class_of_their_own() -> None:
    plan = MergePlan.fit([beads((1, 0), (2, 20), (3, 39))], MM, labels=[5], alone=[2])
    assert plan.groups == ((0,), (1, 3), (2,), (5,))
    assert plan.merge(np.full((1, 1, 2), 5)).tolist() == [[[3, 3]]]
    assert plan.split(np.full((1, 1, 40), 3)).max() == 5


def test_label_maps_come_back_as_label_maps() -> None:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    labels = LabelMap(beads((1, 0), (300, 20)), affine)
    plan = MergePlan.fit([labels], labels.spacing_mm)
    merged = plan.merge(labels)
    assert isinstance(merged, LabelMap)
    np.testing.assert_array_equal(merged.ijk_to_ras, affine)
    assert merged.data.dtype == np.uint8
    np.testing.assert_array_equal(plan.split(merged).data, labels.data)


def test_maps_without_any_label_have_background_alone() -> None:
    plan = MergePlan.fit([np.zeros((3, 3, 3), int)], 1.0)
    assert (plan.n_merged, plan.n_labels) == (1, 1)
    assert plan.split(plan.merge(np.zeros((3, 3, 3), int))).max() == 0


def test_merging_takes_any_shape_and_refuses_unknown_labels() -> None:
    plan = MergePlan.fit([beads((2, 0), (4, 20))], MM)
    assert plan.merge(np.array([[[4, 2], [0, 2]]])).tolist() == [[[1, 1], [0, 1]]]
    with pytest.raises(InputError, match=r"labels 1, 3, 5, 6, 7, \.\.\. were in no training map"):
        plan.merge(np.arange(12).reshape(1, 3, 4))


def test_splitting_refuses_another_grid_and_labels_of_another_plan() -> None:
    plan = MergePlan.fit([beads((2, 0), (4, 20))], MM)
    with pytest.raises(GeometryError, match=r"\(1, 1, 40\); found \(1, 1, 39\): resample first"):
        plan.split(np.zeros((1, 1, 39), int))
    with pytest.raises(InputError, match=r"merged labels are 0\.\.1, found 2"):
        plan.split(np.full((1, 1, 40), 2))


def test_settings_out_of_range_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        MergePlan.fit([beads((1, 0))], (1.0, 0.0, 1.0), delta_distance=-1, delta_volume=float("nan"))
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "spacing",
        "delta_distance",
        "delta_volume",
    ]
    with pytest.raises(ConfigError, match=r"spacing: three numbers of mm above 0 are expected, found \(1, 1\)"):
        MergePlan.fit([beads((1, 0))], (1, 1))


def test_a_plan_is_saved_and_loaded(tmp_path: Path) -> None:
    training = noisy_parcellations(4, 3, 12)
    plan = MergePlan.fit(training, (0.9, 0.9, 2.0), 2.0, 3.0, labels=[99])
    plan.save(tmp_path / "plan.npz")
    loaded = MergePlan.load(tmp_path / "plan.npz")
    for name in ("mean_volumes_mm3", "distances_mm", "volume_ratios", "adjacent", "influence"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(plan, name))
    assert (loaded.labels, loaded.groups, loaded.spacing_mm) == (plan.labels, plan.groups, plan.spacing_mm)
    assert (loaded.shape, loaded.delta_distance_mm, loaded.delta_volume) == ((14, 12, 10), 2.0, 3.0)
    np.testing.assert_array_equal(loaded.split(loaded.merge(training[1])), training[1])


def test_missing_damaged_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"plan\.npz: no such file"):
        MergePlan.load(tmp_path / "plan.npz")
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "other.npz", format=np.array("something else"))
    np.savez(tmp_path / "pickle.npz", format=np.array([{}], dtype=object))
    for name in ("text.npz", "other.npz", "pickle.npz"):
        with pytest.raises(InputError, match=f"{name} is damaged or no merge plan"):
            MergePlan.load(tmp_path / name)


def test_the_twenty_sided_aspects_regions_need_nine_classes() -> None:
    labels = atlas.load().labels
    plan = MergePlan.fit([labels], labels.spacing_mm)
    assert (plan.n_labels, plan.n_merged) == (21, 9)
    np.testing.assert_array_equal(plan.split(plan.merge(labels.data)), labels.data)

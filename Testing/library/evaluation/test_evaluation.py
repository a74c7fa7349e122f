"""Overlap and distances on masks whose answers are known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.evaluation import (
    compare_label_maps,
    dice,
    generalized_dice,
    hausdorff95,
    joint_counts,
    mean_surface_distance,
    sensitivity,
    specificity,
)
from deepstroke.volume import LabelMap


def _block(start: int, size: int, length: int = 20) -> np.ndarray:
    mask = np.zeros((length, 6, 6), bool)
    mask[start : start + size, 1:5, 1:5] = True
    return mask


def test_overlap_of_blocks_that_share_half() -> None:
    prediction, truth = _block(2, 4), _block(4, 4)
    assert dice(prediction, truth) == pytest.approx(0.5)
    assert sensitivity(prediction, truth) == pytest.approx(0.5)
    assert specificity(prediction, truth) == pytest.approx(1 - 32 / (720 - 64))


def test_empty_masks_have_no_dice() -> None:
    empty = np.zeros((3, 3, 3), bool)
    assert math.isnan(dice(empty, empty))
    assert dice(empty, ~empty) == 0.0


def test_sensitivity_and_specificity_need_both_classes() -> None:
    empty = np.zeros((3, 3, 3), bool)
    with pytest.raises(InputError, match="nothing is positive in the truth"):
        sensitivity(empty, empty)
    with pytest.raises(InputError, match="nothing is negative in the truth"):
        specificity(empty, ~empty)


def test_joint_counts_say_what_became_of_each_label() -> None:
    labels, counts = joint_counts(np.array([0, 2, 2, 300]), np.array([2, 2, 0, 0]))
    assert labels == [0, 2, 300]
    assert counts.tolist() == [[0, 1, 0], [1, 1, 0], [1, 0, 0]]


def test_joint_counts_need_equal_shapes() -> None:
    with pytest.raises(InputError, match="different shapes"):
        joint_counts(np.zeros(3), np.zeros(4))


def test_generalized_dice_weighs_small_labels_up() -> None:
    truth = np.array([0, 0, 0, 1])
    assert generalized_dice(np.array([0, 0, 1, 1]), truth, [0, 1]) == pytest.approx(0.6875)


def test_generalized_dice_without_any_label_is_refused() -> None:
    with pytest.raises(InputError, match="none of the labels"):
        generalized_dice(np.zeros(4), np.zeros(4), [3])


@pytest.mark.parametrize("measure", [dice, sensitivity, specificity])
def test_shapes_must_agree(measure) -> None:
    with pytest.raises(InputError, match="different shapes"):
        measure(np.zeros((2, 2)), np.zeros((2, 3)))


def test_surface_distances_follow_the_spacing_of_the_axis() -> None:
    prediction, truth = _block(2, 6), _block(4, 6)
    assert hausdorff95(prediction, truth, (3.0, 1.0, 1.0)) == pytest.approx(6.0)
    assert hausdorff95(prediction, truth, (1.0, 1.0, 5.0)) == pytest.approx(2.0)
    assert mean_surface_distance(truth, truth, (1, 1, 1)) == 0.0


def test_a_single_voxel_three_steps_away() -> None:
    prediction, truth = np.zeros((9, 3, 3), bool), np.zeros((9, 3, 3), bool)
    prediction[1, 1, 1] = truth[4, 1, 1] = True
    assert hausdorff95(prediction, truth, (2.0, 1.0, 1.0)) == pytest.approx(6.0)
    assert mean_surface_distance(prediction, truth, (2.0, 1.0, 1.0)) == pytest.approx(6.0)


def test_an_empty_mask_has_no_surface() -> None:
    with pytest.raises(InputError, match="not empty"):
        hausdorff95(np.zeros((3, 3, 3)), np.ones((3, 3, 3)), (1, 1, 1))


def test_label_maps_are_compared_label_by_label() -> None:
    affine = np.diag([0.5, 0.5, 5.0, 1.0])
    truth = LabelMap(_block(4, 4) * np.uint8(1) + _block(12, 4) * np.uint8(2), affine)
    prediction = LabelMap(_block(4, 4).astype(np.uint8), affine)
    first, second = compare_label_maps(prediction, truth)
    assert (first.label, first.dice, first.hausdorff95_mm) == (1, 1.0, 0.0)
    assert (second.label, second.dice, second.hausdorff95_mm) == (2, 0.0, None)
    assert second.reference_ml == pytest.approx(64 * 1.25 / 1000)


def test_label_maps_on_other_grids_are_refused() -> None:
    one = LabelMap(_block(1, 2).astype(np.uint8), np.eye(4))
    moved = np.eye(4)
    moved[0, 3] = 1.0
    with pytest.raises(GeometryError, match="another grid"):
        compare_label_maps(LabelMap(one.data, moved), one)


def test_two_empty_label_maps_are_refused() -> None:
    empty = LabelMap(np.zeros((3, 3, 3), np.uint8), np.eye(4))
    with pytest.raises(InputError, match="nothing to compare"):
        compare_label_maps(empty, empty)


def test_a_comparison_agrees_with_the_measures_of_single_masks() -> None:
    rng = np.random.default_rng(3)
    prediction, truth = (LabelMap(rng.integers(0, 4, (9, 8, 7)).astype(np.uint8), np.eye(4)) for _ in range(2))
    for found in compare_label_maps(prediction, truth):
        masks = prediction.data == found.label, truth.data == found.label
        assert found.dice == pytest.approx(dice(*masks))
        assert found.sensitivity == pytest.approx(sensitivity(*masks))
        assert found.specificity == pytest.approx(specificity(*masks))
        assert found.hausdorff95_mm == pytest.approx(hausdorff95(*masks, (1, 1, 1)))
        assert found.mean_surface_distance_mm == pytest.approx(mean_surface_distance(*masks, (1, 1, 1)))


def test_distances_are_those_of_monai() -> None:
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    place = np.indices((30, 28, 20))
    truth = sum((place[axis] - 13) ** 2 / size for axis, size in enumerate((64, 49, 25))) < 1
    prediction = sum((place[axis] - 12) ** 2 / size for axis, size in enumerate((81, 36, 30))) < 1
    spacing = (1.0, 0.8, 2.5)
    batch = [torch.tensor(mask)[None, None].float() for mask in (prediction, truth)]
    hd95 = metrics.compute_hausdorff_distance(*batch, include_background=True, percentile=95, spacing=spacing)
    mean = metrics.compute_average_surface_distance(*batch, include_background=True, symmetric=True, spacing=spacing)
    assert hausdorff95(prediction, truth, spacing) == pytest.approx(hd95.item(), rel=1e-5)
    assert mean_surface_distance(prediction, truth, spacing) == pytest.approx(mean.item(), rel=1e-5)

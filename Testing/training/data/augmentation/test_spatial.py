"""Moved heads: places, sides and coordinates known by hand; SciPy gives the same values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from deepstroke_training.data.augmentation import AugmentationSettings, HeadBatch
from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.spatial import Move, move, other_side, rotation, sample, sampling_grid

CPU = torch.device("cpu")
Batch = Callable[..., HeadBatch]


def moved(batch: HeadBatch, matrix: np.ndarray, bend: torch.Tensor | None = None) -> HeadBatch:
    moves = [Move(matrix, bend)] * len(batch.image)
    return sample(batch, sampling_grid(moves, batch.shape, batch.shape, 2.0, CPU))


def standing(**values: float) -> AugmentationSettings:
    return AugmentationSettings("none", **values)


def test_nothing_happens_without_a_reason(batch: Batch) -> None:
    heads = batch(2)
    assert move(heads, [Draws(1), Draws(2)], standing(), 2.0, None, False) is heads


def test_a_quarter_turn_about_the_vertical_is_exact(batch: Batch) -> None:
    heads = batch()
    square = HeadBatch(
        *(t[..., :24, 2:26, :] for t in (heads.image, heads.label, heads.brain)), None, heads.fill_hu, heads.strip
    )
    turned = moved(square, np.concatenate([rotation(np.array([0.0, 0.0, 90.0])), np.zeros((3, 1))], axis=1))
    for name in ("image", "label", "brain"):
        # A voxel takes its value from where it lies after the turn from x to y.
        expected = torch.rot90(getattr(square, name), -1, (2, 3))
        assert torch.allclose(getattr(turned, name).float(), expected.float(), atol=0.5), name
    assert not torch.equal(turned.label, square.label)


def test_values_are_those_of_scipy(batch: Batch) -> None:
    heads = batch()
    linear = rotation(np.array([4.0, -9.0, 14.0])) @ np.diag([1.1, 0.9, 1.05])
    shift_mm = np.array([3.0, -5.0, 2.0])
    found = moved(heads, np.concatenate([linear, shift_mm[:, None]], axis=1))
    middle = (np.array(heads.shape) - 1) / 2
    offset = middle + shift_mm / 2.0 - linear @ middle
    image = ndimage.affine_transform(
        np.pad(heads.image[0, 0].numpy(), 1, constant_values=-1024), linear, offset + 1 - linear @ [0, 0, 0],
        output_shape=heads.shape, order=1, cval=-1024,
    )  # fmt: skip
    assert np.abs(found.image[0, 0].numpy() - image).max() < 0.5
    label = ndimage.affine_transform(heads.label[0, 0].numpy(), linear, offset, order=0)
    assert (found.label[0, 0].numpy() != label).mean() < 0.001, "ties between neighbours alone may differ"


def test_coordinates_say_where_each_voxel_came_from(batch: Batch) -> None:
    heads = batch()
    matrix = np.concatenate([rotation(np.array([5.0, 8.0, -12.0])), [[4.0], [-2.0], [1.0]]], axis=1)
    bend = torch.stack([Draws(3).smooth(axis, heads.shape, 2.0, 30.0, CPU) for axis in "xyz"])
    found = moved(heads, matrix, bend)
    assert found.template_mm is not None
    axes = [(torch.arange(n) - (n - 1) / 2) * 2.0 for n in heads.shape]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    expected = torch.einsum("ab,bxyz->axyz", torch.tensor(matrix[:, :3]).float(), points) + torch.tensor(
        matrix[:, 3]
    ).float().reshape(3, 1, 1, 1)
    inside = found.brain[0, 0]
    assert torch.allclose(found.template_mm[0][:, inside], (expected + bend)[:, inside], atol=1e-3)


def test_mirrored_heads_keep_their_sides(batch: Batch) -> None:
    """The boxes are symmetric but for their sides, so that exchanging both gives them back."""
    heads = batch()
    sided = move(heads, [Draws(1)], standing(flip_probability=1.0), 2.0, None, sided=True)
    assert torch.equal(sided.label, heads.label)
    assert torch.allclose(sided.template_mm, heads.template_mm, atol=1e-4)  # type: ignore[arg-type]
    unsided = move(heads, [Draws(1)], standing(flip_probability=1.0), 2.0, None, sided=False)
    assert torch.equal(unsided.label, heads.label.flip(2))


@pytest.mark.parametrize("preset", ["standard", "strong"])
def test_sides_and_coordinates_agree_and_no_label_is_new(batch: Batch, preset: str) -> None:
    settings = AugmentationSettings(preset)  # type: ignore[arg-type]
    heads = move(batch(12), [Draws(seed) for seed in range(12)], settings, 2.0, None, sided=True)
    assert heads.template_mm is not None
    assert set(heads.label.unique().tolist()) == {0, 6, 16}
    x = heads.template_mm[:, :1]
    assert float(x[heads.label == 6].max()) < 0 < float(x[heads.label == 16].min())
    for image, label in zip(heads.image, heads.label, strict=True):
        left, right = (float(image[label == number].median()) for number in (6, 16))
        assert sorted([left, right]) == pytest.approx([30, 60], abs=8), "the bright box is the left one, or mirrored"


def test_beyond_the_grid_there_is_air_and_nothing_else(batch: Batch) -> None:
    found = moved(batch(), np.eye(3, 4, k=0) + np.array([[0, 0, 0, 24.0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    assert torch.equal(found.image[:, :, -12:], torch.full_like(found.image[:, :, -12:], -1024))
    assert not found.label[:, :, -12:].any()
    assert not found.brain[:, :, -12:].any()
    assert torch.equal(found.label[:, :, :12], batch().label[:, :, 12:])


def test_a_patch_is_cut_out_as_it_is(batch: Batch) -> None:
    heads = batch(6)
    found = move(heads, [Draws(seed) for seed in range(6)], standing(), 2.0, (16, 16, 12), False)
    assert found.image.shape == (6, 1, 16, 16, 12)
    assert found.template_mm is not None
    corners = set()
    for index in range(6):
        first = (found.template_mm[index, :, 0, 0, 0] / 2.0 + (torch.tensor(heads.shape) - 1) / 2).round().int()
        i, j, k = first.tolist()
        cut = heads.label[index, :, i : i + 16, j : j + 16, k : k + 12]
        assert torch.equal(found.label[index], cut)
        image = heads.image[index, :, i : i + 16, j : j + 16, k : k + 12]
        assert torch.allclose(found.image[index], image, atol=0.05)
        corners.add((i, j, k))
    assert len(corners) > 3, "patches come from different places"


def test_sides_are_exchanged_in_numbers() -> None:
    labels = torch.tensor([0, 1, 10, 11, 20], dtype=torch.uint8)
    assert other_side(labels).tolist() == [0, 11, 20, 1, 10]
    assert torch.equal(other_side(other_side(labels)), labels)


def test_rotations_follow_the_right_hand() -> None:
    assert np.allclose(rotation(np.array([0, 0, 90.0])) @ [1, 0, 0], [0, 1, 0])
    assert np.allclose(rotation(np.array([90.0, 0, 0])) @ [0, 1, 0], [0, 0, 1])
    assert np.allclose(rotation(np.array([0, 90.0, 0])) @ [0, 0, 1], [1, 0, 0])
    assert np.linalg.det(rotation(np.array([13.0, -40.0, 70.0]))) == pytest.approx(1.0)


@pytest.mark.gpu
def test_a_gpu_moves_labels_to_the_same_places(batch: Batch) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    heads, draws = batch(4), [Draws(seed) for seed in range(4)]
    settings = standing(affine_probability=1.0, rotation_degrees=15.0, scale=0.1, flip_probability=0.5)
    there = replace(heads, **{f.name: getattr(heads, f.name).cuda() for f in fields(heads)})
    here, away = (move(one, draws, settings, 2.0, None, True) for one in (heads, there))
    assert (here.label != away.label.cpu()).float().mean() < 1e-3
    assert torch.allclose(here.image, away.image.cpu(), atol=0.5)

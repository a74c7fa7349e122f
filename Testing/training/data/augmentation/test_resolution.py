"""Matrices along axes: what they do to lines is known by hand or by SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy import ndimage

from deepstroke_training.data.augmentation import AugmentationSettings, HeadBatch
from deepstroke_training.data.augmentation.draws import Draws
from deepstroke_training.data.augmentation.resolution import (
    along_axes,
    change_resolution,
    gaussian,
    sharpening,
    thick_slices,
)


def test_a_gaussian_is_that_of_scipy() -> None:
    line = np.random.default_rng(1).normal(size=40)
    expected = ndimage.gaussian_filter1d(line, 1.7, truncate=8.0)
    assert np.allclose((gaussian(40, 1.7) @ line)[12:-12], expected[12:-12], atol=1e-6)
    assert np.array_equal(gaussian(5, 0.0), np.eye(5))


def test_no_weight_is_too_small_for_quick_products() -> None:
    weights = gaussian(96, 1.0)
    assert weights[weights > 0].min() > np.finfo(np.float32).tiny * 1e3


@pytest.mark.parametrize("matrix", [gaussian(20, 2.0), sharpening(20, 0.8), thick_slices(20, 3.7, 0.4)])
def test_what_is_even_stays_even(matrix: np.ndarray) -> None:
    assert np.allclose(matrix @ np.full(20, 37.0), 37.0)


def test_slices_of_four_average_four_and_are_joined_by_lines() -> None:
    ramp = thick_slices(12, 4.0, 0.0) @ np.arange(12.0)
    assert np.allclose(ramp, [1.5, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 9.5, 9.5])
    impulse = thick_slices(12, 4.0, 0.0) @ (np.arange(12) == 5)
    assert np.allclose(impulse[5:7], 0.25 * np.array([1 - 0.5 / 4, 1 - 0.5 / 4]))


def test_slices_of_one_voxel_are_what_they_were() -> None:
    assert np.allclose(thick_slices(9, 1.0, 0.0), np.eye(9))


def test_a_harder_kernel_overshoots_at_edges() -> None:
    edge = (np.arange(20) >= 10).astype(float)
    sharp = sharpening(20, 1.0) @ edge
    assert sharp[10] > 1.1
    assert sharp[9] < -0.1


def test_axes_are_not_confused() -> None:
    random = np.random.default_rng(2)
    images = random.normal(size=(2, 3, 4, 5))
    matrices = [random.normal(size=(2, n, n)) for n in (3, 4, 5)]
    expected = np.einsum("bxyz,bix,bjy,bkz->bijk", images, *matrices)
    found = along_axes(torch.tensor(images), [torch.tensor(matrix) for matrix in matrices])
    assert np.allclose(found.numpy(), expected)


def test_thick_slices_mix_slices_and_nothing_within_them(batch: Callable[..., HeadBatch]) -> None:
    settings = AugmentationSettings("none", thick_slice_probability=1.0, thick_slice_mm=8.0)
    heads = batch(3)
    heads.image[:, :, :, :, 10] += 100.0
    found = change_resolution(heads, [Draws(seed) for seed in range(3)], settings, 2.0)
    change = (found.image - heads.image)[:, 0, 8:16, 8:16]
    assert torch.allclose(change, change[:, :1, :1].expand_as(change), atol=100.0)
    column = found.image[:, 0, 7, 9]
    assert torch.allclose(found.image[:, 0, 8, 10], column, atol=1e-3), "even within a slice"
    assert float(column[:, 10].max()) < 155.0


def test_only_some_samples_are_changed(batch: Callable[..., HeadBatch]) -> None:
    settings = AugmentationSettings("none", blur_probability=0.5, blur_mm=3.0)
    heads = batch(8)
    found = change_resolution(heads, [Draws(seed) for seed in range(8)], settings, 2.0)
    same = [torch.equal(found.image[n], heads.image[n]) for n in range(8)]
    assert 0 < sum(same) < 8
    assert torch.equal(found.label, heads.label)

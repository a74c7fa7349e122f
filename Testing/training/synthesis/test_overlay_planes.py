"""Outlines follow their regions, keep gaps, and sit in the image in each way of storing them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.volume import Volume
from deepstroke_training.synthesis.dicom_writer import SeriesTags, image_dataset
from deepstroke_training.synthesis.overlay_planes import OutlineStyle, add_overlays, draw_outlines, draw_style

CLEAN = OutlineStyle(gaps=0.0, dropout=0.0, jitter_pixels=0.0)


@pytest.fixture
def labels() -> NDArray:
    """Region 6 (left) on the right of the image, region 16 on its left, rows by columns."""
    drawn = np.zeros((60, 80), np.uint8)
    drawn[10:40, 50:75] = 6
    drawn[15:45, 5:25] = 16
    return drawn


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_clean_outline_is_the_border_of_its_regions(labels: NDArray) -> None:
    (plane,) = draw_outlines(labels, CLEAN, random())
    expected = sum((labels == label) & ~ndimage.binary_erosion(labels == label) for label in (6, 16))
    assert np.array_equal(plane, expected.astype(bool))


def test_gaps_dropout_and_missing_regions_take_points_away(labels: NDArray) -> None:
    (whole,) = draw_outlines(labels, CLEAN, random())
    (gappy,) = draw_outlines(labels, replace(CLEAN, gaps=0.4), random(1))
    (sparse,) = draw_outlines(labels, replace(CLEAN, dropout=0.5), random(1))
    (one_side,) = draw_outlines(labels, replace(CLEAN, missing_regions=(16,)), random())
    assert 0.55 * whole.sum() < gappy.sum() < 0.85 * whole.sum()
    assert 0.4 * whole.sum() < sparse.sum() < 0.6 * whole.sum()
    assert not one_side[:, :40].any()
    assert one_side[:, 40:].sum() == whole[:, 40:].sum()


def test_the_hand_strays_by_about_its_jitter(labels: NDArray) -> None:
    (whole,) = draw_outlines(labels, CLEAN, random())
    (shaky,) = draw_outlines(labels, replace(CLEAN, jitter_pixels=1.5), random(3))
    away = ndimage.distance_transform_edt(~whole)[shaky]
    assert 0.4 < away.mean() < 2.0


def test_sides_go_to_groups_of_their_own(labels: NDArray) -> None:
    left, right = draw_outlines(labels, replace(CLEAN, split_sides=True), random())
    assert not left[:, :40].any()
    assert not right[:, 40:].any()


def test_a_slice_left_out_is_empty(labels: NDArray) -> None:
    (plane,) = draw_outlines(labels, replace(CLEAN, missing_slices=1.0), random())
    assert not plane.any()


@pytest.mark.parametrize("off_image", [False, True])
def test_planes_come_back_where_they_were(labels: NDArray, off_image: bool) -> None:
    volume = Volume(np.full((80, 60, 1), 30.0), np.eye(4))
    for storage in ("plane", "cropped"):
        style = replace(CLEAN, storage=storage, off_image=off_image)
        (plane,) = draw_outlines(labels, style, random())
        dataset = image_dataset(volume, 0, SeriesTags("P"))
        add_overlays(dataset, [plane], style)
        top, left = dataset[0x6000, 0x0050].value
        found = np.argwhere(dataset.overlay_array(0x6000)) + np.array([top - 1, left - 1])
        assert np.array_equal(found, np.argwhere(plane))
    assert ((top, left) == (-2, -4)) is off_image


def test_an_embedded_plane_leaves_the_pixels_as_they_were(labels: NDArray) -> None:
    hu = np.arange(80 * 60, dtype=float).reshape(80, 60, 1) - 1000
    dataset = image_dataset(Volume(hu, np.eye(4)), 0, SeriesTags("P"))
    before = np.frombuffer(dataset.PixelData, "<u2").reshape(60, 80)
    style = replace(CLEAN, storage="embedded", split_sides=True)
    planes = draw_outlines(labels, style, random())
    add_overlays(dataset, planes, style)
    after = np.frombuffer(dataset.PixelData, "<u2").reshape(60, 80)
    assert np.array_equal(after & 0x0FFF, before)
    for number, plane in enumerate(planes):
        bit = dataset[0x6000 + 2 * number, 0x0102].value
        assert np.array_equal((after >> bit) & 1, plane)
        assert (0x6000 + 2 * number, 0x3000) not in dataset


def test_styles_vary_over_all_ways_of_storing() -> None:
    styles = [draw_style(random(seed)) for seed in range(60)]
    assert {style.storage for style in styles} == {"plane", "cropped", "embedded"}
    assert any(style.missing_regions for style in styles)
    assert any(style.missing_slices for style in styles)
    assert draw_style(random(4)) == styles[4]

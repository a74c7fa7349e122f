"""Labels brought onto a volume's voxels, the levels, and the plane between the hemispheres. No Slicer is needed."""

from __future__ import annotations

import numpy as np
import pytest
from readings import SHAPE, TILTED, block_labels

from deepstroke.preprocess.resampling import Grid, resample
from deepstroke.report import axial
from deepstroke.volume import Volume
from DeepStrokeASPECTSLib.placing import (
    SUPRAGANGLIONIC_HEIGHT_MM,
    Placed,
    choose_levels,
    mirror_plane,
    place_labels,
    slice_affines,
)


def place(slices: list[np.ndarray] | None = None, labels: Volume | None = None) -> Placed:
    steps = place_labels(labels or block_labels(), SHAPE, slices or slice_affines(SHAPE, TILTED))
    fractions = []
    while True:
        try:
            fractions.append(next(steps))
        except StopIteration as finished:
            assert fractions == sorted(fractions)
            assert len(fractions) == SHAPE[2]
            return finished.value


def test_each_voxel_of_a_tilted_volume_gets_the_label_at_its_position() -> None:
    expected = resample(block_labels(), Grid(SHAPE, TILTED), order=0)
    found = place()
    differs = found.labels != expected.data
    assert np.count_nonzero(expected.data) > 2000
    assert differs.mean() < 1e-3, "positions half-way between two voxels may fall either way"


@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_the_order_of_axes_in_memory_does_not_matter(order: str) -> None:
    labels = block_labels()
    stored = np.repeat(labels.data, 2, axis=0)[::2] if order == "strided" else labels.data.copy(order=order)
    np.testing.assert_array_equal(place(labels=labels.with_data(stored)).labels, place().labels)


def test_left_stays_left() -> None:
    labels = place().labels
    left, right = np.argwhere(labels == 6).mean(axis=0), np.argwhere(labels == 16).mean(axis=0)
    assert left[0] > right[0], "i runs to the patient's left in this volume"


def test_unevenly_spaced_slices_lie_where_their_headers_say() -> None:
    slices = slice_affines(SHAPE, TILTED)
    for affine in slices[8:]:
        affine[2, 3] += 20.0
    moved, even = place(slices), place()
    np.testing.assert_array_equal(moved.labels[:, :, :8], even.labels[:, :, :8])
    assert np.count_nonzero(moved.counts[8:].sum(axis=0)[1:]) < np.count_nonzero(even.counts[8:].sum(axis=0)[1:])


def test_counts_and_centres_are_those_of_the_voxels() -> None:
    placed = place()
    np.testing.assert_array_equal(placed.counts.sum(axis=0)[1:], np.bincount(placed.labels.ravel(), minlength=21)[1:])
    voxels = np.argwhere(placed.labels == 6)
    expected = (np.c_[voxels, np.ones(len(voxels))] @ TILTED.T)[:, :3].mean(axis=0)
    np.testing.assert_allclose(placed.centres_ras[6], expected, atol=1e-6)


def test_the_levels_show_their_regions() -> None:
    placed = place()
    levels = choose_levels(placed)
    deep = placed.counts[:, [2, 4, 12, 14]].sum(axis=1)
    assert deep[levels.ganglionic] == deep.max()
    assert placed.counts[levels.supraganglionic, 8:11].sum() > 0
    assert placed.heights_mm[levels.supraganglionic] > placed.heights_mm[levels.ganglionic]


def test_the_rule_is_the_reports() -> None:
    assert axial.SUPRAGANGLIONIC_HEIGHT_MM == SUPRAGANGLIONIC_HEIGHT_MM
    rng = np.random.default_rng(3)
    for _ in range(20):
        labels = rng.integers(0, 21, (12, 12, 9)).astype(np.uint8)
        slices = axial.AxialSlices(labels.T, labels.T, pixel_mm=(1.0, 1.0), slice_mm=5.0)
        expected = axial.choose_levels(slices)
        counts = np.array([np.bincount(labels[:, :, k].ravel(), minlength=21) for k in range(9)])
        found = choose_levels(Placed(labels, counts, np.zeros((21, 3)), 5.0 * np.arange(9.0)))
        assert (found.ganglionic, found.supraganglionic) == (expected.ganglionic, expected.supraganglionic)


def test_the_mirror_plane_lies_between_both_sides() -> None:
    plane = mirror_plane(place(), TILTED)
    np.testing.assert_allclose(plane.normal, [1.0, 0.0, 0.0], atol=0.02)
    assert plane.point[0] == pytest.approx(0.0, abs=1.5)
    reflection = plane.reflection()
    np.testing.assert_allclose(reflection @ reflection, np.eye(4), atol=1e-9)
    image = reflection @ (20.0, 5.0, 3.0, 1.0)
    assert image[0] == pytest.approx(-20.0, abs=3.5)


def test_a_rolled_head_is_mirrored_within_its_slices() -> None:
    placed = place()
    roll = np.eye(4)
    roll[0, 2], roll[2, 0] = 0.1, -0.1
    rolled = Placed(placed.labels, placed.counts, placed.centres_ras @ roll[:3, :3].T, placed.heights_mm)
    normal = mirror_plane(rolled, TILTED).normal
    assert normal @ np.cross(TILTED[:3, 0], TILTED[:3, 1]) == pytest.approx(0.0, abs=1e-9)
    assert normal[0] > 0.98


def test_without_regions_there_are_neither_levels_nor_a_plane() -> None:
    empty = Placed(np.zeros(SHAPE, np.uint8), np.zeros((16, 21), int), np.full((21, 3), np.nan), np.arange(16.0))
    assert choose_levels(empty).ganglionic is None
    assert choose_levels(empty).supraganglionic is None
    assert mirror_plane(empty, TILTED) is None

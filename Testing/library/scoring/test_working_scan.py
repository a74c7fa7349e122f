"""The working grid: block means by hand, orientation, and what lies outside the brain."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.scoring.working_scan import reduce_scan
from deepstroke.volume import LabelMap, Volume


def fine_scan() -> tuple[Volume, LabelMap, LabelMap]:
    """0.6 x 0.6 x 1.5 mm: three voxels in and through the plane make a working voxel."""
    hu = np.full((30, 24, 18), -1000.0, np.float32)
    brain, labels = np.zeros(hu.shape, np.uint8), np.zeros(hu.shape, np.uint8)
    inner = (slice(6, 24), slice(6, 18), slice(3, 15))
    hu[inner], brain[inner] = 30.0, 1
    labels[6:12, 6:12, 3:9] = 5
    hu[6:12, 6:12, 3:9] = 24.0
    hu[6, 6, 3] = 51.0  # one of 27 voxels is 27 HU brighter
    affine = np.diag([0.6, 0.6, 1.5, 1.0])
    return Volume(hu, affine), LabelMap(labels, affine), LabelMap(brain, affine)


def test_blocks_hold_means_and_keep_their_place() -> None:
    volume, labels, brain = fine_scan()
    scan = reduce_scan(volume, labels, brain)
    assert scan.spacing_mm == pytest.approx((1.8, 1.8, 4.5))
    assert np.count_nonzero(scan.brain) == 6 * 4 * 4
    assert np.count_nonzero(scan.labels == 5) == 2 * 2 * 2
    found = np.sort(scan.hu[scan.labels == 5])
    assert found[:-1] == pytest.approx([24.0] * 7)
    assert found[-1] == pytest.approx(25.0)
    brightest = np.argwhere((scan.labels == 5) & (scan.hu > 24.5))[0]
    middle = scan.ijk_to_ras[:3, :3] @ brightest + scan.ijk_to_ras[:3, 3]
    assert middle == pytest.approx([7 * 0.6, 7 * 0.6, 4 * 1.5])  # voxels 6, 7, 8 and 3, 4, 5


def test_blocks_of_a_borders_voxel_hold_the_brain_alone() -> None:
    volume, labels, brain = fine_scan()
    part = brain.data.copy()
    part[22:24, 6:12] = 0  # two columns of outermost blocks keep one of their three layers
    scan = reduce_scan(volume, labels, LabelMap(part, brain.ijk_to_ras))
    assert scan.hu[scan.brain].min() >= 24.0
    assert np.count_nonzero(scan.brain) == 6 * 4 * 4 - 2 * 4  # a third isn't half


def test_any_orientation_gives_the_same_grid() -> None:
    volume, labels, brain = fine_scan()
    turn = np.eye(4)
    turn[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, -1]]  # i to anterior, j to left, k downwards
    turned = [type(x)(x.data, turn @ x.ijk_to_ras) for x in (volume, labels, brain)]
    scan = reduce_scan(*turned)  # type: ignore[arg-type]
    assert np.diag(scan.ijk_to_ras)[:3] == pytest.approx((1.8, 1.8, 4.5))
    assert np.count_nonzero(scan.labels == 5) == 8


def test_coarse_voxels_are_kept() -> None:
    data, affine = np.full((12, 12, 10), 30.0, np.float32), np.diag([2.4, 2.4, 5.0, 1.0])
    labels = np.zeros(data.shape, np.uint8)
    labels[4:8, 4:8, 4:6] = 3
    scan = reduce_scan(Volume(data, affine), LabelMap(labels, affine), LabelMap(np.ones_like(labels), affine))
    assert scan.spacing_mm == pytest.approx((2.4, 2.4, 5.0))
    assert np.count_nonzero(scan.labels) == 32
    assert np.count_nonzero(scan.brain) == data.size

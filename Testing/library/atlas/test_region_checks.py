"""Checks region by region, on a small map."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.atlas.checks import volumes_ml
from deepstroke.atlas.layers import Overlap
from deepstroke.atlas.region_checks import RegionCheck, check_region
from deepstroke.volume import LabelMap

AFFINE = np.array([[2.0, 0, 0, -20.0], [0, 2.0, 0, 5.0], [0, 0, 5.0, 0], [0, 0, 0, 1]])


@pytest.fixture
def drawn() -> np.ndarray:
    """M1 on both sides, 4 x 3 x 2 voxels of 0.02 ml."""
    data = np.zeros((21, 8, 4), np.uint8)
    data[2:6, 2:5, 1:3], data[15:19, 2:5, 1:3] = 5, 15
    return data


def check(data: np.ndarray, label: int, parent: np.ndarray, overlaps: tuple[Overlap, ...] = ()) -> RegionCheck:
    labels = LabelMap(data, AFFINE)
    return check_region(labels, label, volumes_ml(labels), volumes_ml(LabelMap(parent, AFFINE)), overlaps)


def codes(found: RegionCheck) -> list[str]:
    return [placed.finding.code for placed in found.findings]


def test_a_sound_region_has_no_findings_and_a_place_inside(drawn: np.ndarray) -> None:
    found = check(drawn, 5, drawn)
    assert codes(found) == []
    assert (found.volume_ml, found.parent_ml, found.change) == (pytest.approx(0.48), pytest.approx(0.48), 0.0)
    i, j, k = np.rint(LabelMap(drawn, AFFINE).ijk_of(found.place_ras)).astype(int)
    assert drawn[i, j, k] == 5


def test_a_missing_region_has_no_place(drawn: np.ndarray) -> None:
    found = check(np.where(drawn == 5, 0, drawn).astype(np.uint8), 5, drawn)
    assert codes(found) == ["label-missing"]
    assert found.place_ras is None
    assert found.findings[0].place_ras is None
    assert found.change == -1.0


def test_a_fragment_is_shown_where_it_is(drawn: np.ndarray) -> None:
    parent = drawn.copy()
    drawn[0, 7, 3] = drawn[0, 6, 3] = 5
    (placed,) = check(drawn, 5, parent).findings
    assert placed.finding.message == "in 2 pieces, 2 voxels beside the largest"
    i, j, k = np.rint(LabelMap(drawn, AFFINE).ijk_of(placed.place_ras)).astype(int)
    assert (i, k) == (0, 3)
    assert j in (6, 7)


def test_an_overlap_is_told_to_both_regions_alone(drawn: np.ndarray) -> None:
    overlap = Overlap((5, 6), 3, np.array([1.0, 2, 3]))
    (placed,) = check(drawn, 5, drawn, (overlap,)).findings
    assert placed.finding.message == "left M1 and left M2 overlap in 3 voxels"
    assert placed.place_ras is overlap.place_ras
    assert check(drawn, 15, drawn, (overlap,)).findings == ()


def test_asymmetry_and_change_against_the_parent(drawn: np.ndarray) -> None:
    parent = drawn.copy()
    drawn[2:4][drawn[2:4] == 5] = 0
    assert codes(check(drawn, 5, parent)) == ["label-asymmetry", "label-volume"]
    assert codes(check(drawn, 15, parent)) == ["label-asymmetry"]
    assert check(drawn, 5, parent).change == pytest.approx(-0.5)


def test_a_region_that_the_parent_lacks_is_not_compared_with_it(drawn: np.ndarray) -> None:
    found = check(drawn, 5, np.zeros_like(drawn))
    assert found.change is None
    assert codes(found) == []

"""Volumes and HU per region on an anisotropic, oblique grid, known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke.errors import GeometryError, InputError
from deepstroke.regions import SIDED_REGIONS
from deepstroke.scoring.measures import RegionMeasures, measure_regions, report_obstacles
from deepstroke.volume import LabelMap, Volume

SPACING_MM = (0.5, 0.8, 5.0)
VOXEL_ML = 0.002
SHAPE = (60, 50, 9)


def oblique_affine() -> NDArray[np.float64]:
    """Voxel axes turned by 20 degrees about the right-left axis; the volume of a voxel stays 2 mm^3."""
    angle = np.radians(20.0)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(SPACING_MM)
    affine[:3, 3] = (-10.0, 25.0, 3.0)
    return affine


def blank() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    return np.full(SHAPE, 30.0, np.float32), np.zeros(SHAPE, np.uint8)


def measure(hu: NDArray, labels: NDArray) -> dict[int, RegionMeasures]:
    affine = oblique_affine()
    measures = measure_regions(Volume(hu, affine), LabelMap(labels, affine))
    assert [(m.region, m.side) for m in measures] == list(SIDED_REGIONS)
    return dict(enumerate(measures, start=1))


def test_volume_mean_and_median_are_those_drawn() -> None:
    hu, labels = blank()
    labels[10:20, 10:20, 2:4] = 6  # left M2: 10 * 10 * 2 voxels of 2 mm^3 = 0.4 ml
    labels[40:50, 10:20, 2:6] = 16  # right M2: twice that
    hu[10:20, 10:20, 2:4] = 28.0
    hu[10:14, 10:20, 2:4] = 18.0  # 40 % of the left one
    hu[10, 10, 2] = 1028.0  # one calcified voxel moves the mean, not the median
    found = measure(hu, labels)
    assert found[6].volume_ml == pytest.approx(200 * VOXEL_ML)
    assert found[6].mean_hu == pytest.approx((120 * 28 + 79 * 18 + 1028) / 200)
    assert found[6].median_hu == 28.0
    assert found[6].assessable
    assert found[16].volume_ml == pytest.approx(0.8)
    assert found[16].mean_hu == found[16].median_hu == 30.0


def test_an_absent_region_has_no_hu_and_is_not_assessable() -> None:
    hu, labels = blank()
    labels[10:20, 10:20, 2:4] = 6
    found = measure(hu, labels)
    assert found[16] == RegionMeasures(*SIDED_REGIONS[15], 0.0, None, None, "absent")
    assert sum(m.assessable for m in found.values()) == 1


def test_a_remnant_is_not_assessable() -> None:
    hu, labels = blank()
    labels[10:20, 10:19, 4] = 3  # 0.18 ml
    labels[10:20, 10:20, 6] = 4  # 0.20 ml
    found = measure(hu, labels)
    assert (found[3].obstacle, found[3].mean_hu) == ("too-small", 30.0)
    assert found[4].obstacle is None


@pytest.mark.parametrize("unscanned", [-1024.0, np.nan])
def test_what_was_not_scanned_is_left_out_of_the_mean(unscanned: float) -> None:
    hu, labels = blank()
    labels[10:20, 10:20, 2:4] = 5
    labels[40:50, 10:20, 2:4] = 15
    hu[10, 10:20, 2:4] = unscanned  # a tenth of the left region
    hu[40:42, 10:20, 2:4] = unscanned  # a fifth of the right one
    found = measure(hu, labels)
    assert found[5].mean_hu == found[15].mean_hu == 30.0
    assert found[5].assessable
    assert found[15].obstacle == "outside-field-of-view"
    hu[40:50, 10:20, 2:4] = unscanned
    assert (found := measure(hu, labels))[15].median_hu is None
    assert found[15].volume_ml == pytest.approx(0.4)


@pytest.mark.parametrize(("axis", "end"), [(0, 0), (1, 0), (2, 0), (0, -1), (1, -1), (2, -1)])
def test_a_region_cut_by_the_edge_of_the_scan_is_not_assessable(axis: int, end: int) -> None:
    hu, labels = blank()
    cut, whole = np.moveaxis(labels, axis, 0), labels
    layers = [0, 1, 2] if end == 0 else [-1, -2, -3]
    cut[layers, 2:32, 3:6] = 10
    whole[30:40, 20:30, 3:6] = 20
    found = measure(hu, labels)
    assert found[10].obstacle == "outside-field-of-view"
    assert found[20].assessable
    cut[layers[0]] = 0
    cut[layers[0], 2:14, 3:6] = 10  # only a tip of 40 % of the cross-section reaches the edge
    assert measure(hu, labels)[10].assessable


def test_grids_and_labels_that_do_not_fit() -> None:
    hu, labels = blank()
    with pytest.raises(GeometryError, match="the label map lies on another grid"):
        measure_regions(Volume(hu, oblique_affine()), LabelMap(labels, np.eye(4)))
    labels[0, 0, 0] = 21
    with pytest.raises(InputError, match=r"0\.\.20, found 21"):
        measure(hu, labels)


def test_regions_that_cannot_be_judged_are_named_in_one_warning() -> None:
    hu, labels = blank()
    for label in range(1, 21):
        labels[2 * label + 5 : 2 * label + 7, 10:40, 2:6] = label
    assert report_obstacles(measure(hu, labels).values()) == ()
    labels[labels == 13] = 0
    labels[labels == 9] = 0
    labels[24, 20, 4] = 9
    (finding,) = report_obstacles(measure(hu, labels).values())
    assert finding.code == "region-not-assessable"
    assert finding.message == (
        "These regions can't be judged: left M5 (only a remnant was labelled), right IC (no voxel was labelled)."
    )


def test_hu_is_taken_over_the_brain_and_volume_over_the_whole_region() -> None:
    hu, labels = blank()
    labels[10:20, 10:30, 2:6] = 6
    hu[15:20] = 900.0  # bone at the border of the region
    affine = oblique_affine()
    brain = np.zeros(SHAPE, np.uint8)
    brain[:15] = 1
    measures = measure_regions(Volume(hu, affine), LabelMap(labels, affine), LabelMap(brain, affine))
    assert measures[5].mean_hu == pytest.approx(30.0)
    assert measures[5].volume_ml == pytest.approx(10 * 20 * 4 * VOXEL_ML)
    assert measures[5].assessable


def test_a_brain_on_another_grid_is_refused() -> None:
    hu, labels = blank()
    affine = oblique_affine()
    with pytest.raises(GeometryError, match="the brain mask lies on another grid"):
        measure_regions(Volume(hu, affine), LabelMap(labels, affine), LabelMap(labels, np.eye(4)))

"""Records of single cases whose figures are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.volume import LabelMap
from deepstroke_training.evaluation import CaseName, RegionRecord
from deepstroke_training.evaluation.records import has_sides, measure_case, without_sides
from phantoms_regions import REGION_ML, VOXELS, boxes

_NAME = CaseName("case", "patient")


def _records(prediction: LabelMap, truth: LabelMap, sided: bool = True) -> dict[tuple[str, str], RegionRecord]:
    return {(r.region, r.side): r for r in measure_case(_NAME, prediction, truth, sided)}


def test_a_shift_by_one_of_eight_voxels() -> None:
    records = _records(boxes(shift_k=1), boxes())
    assert len(records) == 21
    for (region, _), record in records.items():
        if region != "background":
            assert record.dice == pytest.approx(7 / 8)
            assert record.hausdorff95_mm == pytest.approx(2.0)
            # Three of a box's 24 voxels, which are all surface, lie 2 mm from the other box.
            assert record.surface_distance_mm == pytest.approx(2.0 / 8)
            assert (record.volume_ml, record.reference_ml) == (pytest.approx(REGION_ML), pytest.approx(REGION_ML))
            assert (record.volume_error_ml, record.volume_error_percent) == (0.0, 0.0)
            assert (record.missing, record.spurious, record.side_error) == (False, False, False)


def test_the_background_has_dice_and_volume_alone() -> None:
    background = _records(boxes(shift_k=1), boxes())["background", "both"]
    voxels = 24 * 12 * 14 - 20 * VOXELS
    assert background.dice == pytest.approx((voxels - 20 * 3) / voxels)
    assert background.reference_ml == pytest.approx(voxels * 0.002)
    assert background.hausdorff95_mm is None


def test_a_missing_region() -> None:
    record = _records(boxes(without=(6,)), boxes())["M2", "left"]
    assert (record.dice, record.missing, record.spurious) == (0.0, True, False)
    assert (record.hausdorff95_mm, record.surface_distance_mm) == (None, None)
    assert (record.volume_error_ml, record.volume_error_percent) == (pytest.approx(-REGION_ML), -100.0)


def test_a_region_that_the_truth_lacks() -> None:
    record = _records(boxes(), boxes(without=(6,)))["M2", "left"]
    assert (record.dice, record.missing, record.spurious) == (0.0, False, True)
    assert record.volume_error_percent is None


def test_a_region_that_both_lack_has_no_dice() -> None:
    record = _records(boxes(without=(6,)), boxes(without=(6,)))["M2", "left"]
    assert (record.dice, record.missing, record.spurious, record.volume_error_ml) == (None, False, False, 0.0)


def test_regions_on_the_wrong_side() -> None:
    records = _records(boxes(swapped=True), boxes())
    regions = [record for (region, _), record in records.items() if region != "background"]
    assert all(record.side_error and record.dice == 0.0 for record in regions)
    assert regions[0].wrong_side_ml == pytest.approx(REGION_ML)
    assert not any(record.side_error for record in _records(boxes(shift_k=2), boxes()).values())


def test_without_sides_there_is_one_record_a_region() -> None:
    records = _records(boxes(shift_k=1, sided=False), boxes(sided=False), sided=False)
    assert [side for region, side in records if region != "background"] == ["both"] * 10
    assert records["M6", "both"].reference_ml == pytest.approx(2 * REGION_ML)
    assert records["M6", "both"].dice == pytest.approx(7 / 8)
    assert records["M6", "both"].wrong_side_ml is None


def test_sides_are_dropped() -> None:
    assert has_sides(boxes())
    dropped = without_sides(boxes())
    assert not has_sides(dropped)
    assert np.array_equal(dropped.data, boxes(sided=False).data)


def test_what_can_t_be_compared_is_refused() -> None:
    empty = LabelMap(np.zeros(boxes().shape, np.uint8), boxes().ijk_to_ras)
    with pytest.raises(InputError, match="nothing to compare"):
        _records(empty, empty)
    with pytest.raises(InputError, match=r"case: labels of the prediction are 0\.\.10, found 20"):
        _records(boxes(), boxes(sided=False), sided=False)
    with pytest.raises(GeometryError, match="another grid"):
        _records(LabelMap(boxes().data, np.eye(4)), boxes())

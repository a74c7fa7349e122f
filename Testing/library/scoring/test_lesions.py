"""Blood, old defects and the mirror plane on a brain of boxes."""

from __future__ import annotations

import numpy as np
import pytest

import phantoms_score as phantom
from deepstroke.scoring.lesions import find_lesions, find_mirror, without_lesions
from deepstroke.scoring.tissue import Tissue, classify
from deepstroke.scoring.working_scan import WorkingScan, reduce_scan
from deepstroke.volume import LabelMap, Volume


def working(volume: Volume, labels: LabelMap, brain: LabelMap) -> WorkingScan:
    return reduce_scan(volume, labels, brain)


def test_the_mirror_lies_between_the_sides() -> None:
    mirror = find_mirror(working(*phantom.brain_of_boxes()))
    assert mirror is not None
    assert mirror.normal == pytest.approx([1.0, 0.0, 0.0], abs=1e-6)
    assert mirror.offset_mm == pytest.approx(0.0, abs=1e-6)


def test_too_few_pairs_give_no_mirror() -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    few = labels.with_labels(np.where(np.isin(labels.data, (1, 2, 11, 12)), labels.data, 0))
    assert find_mirror(working(volume, few, brain)) is None


def test_the_scans_own_tissue_is_the_reference() -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    tissue = classify(working(volume.with_data(volume.data + 4.0), labels, brain))  # another scanner
    assert tissue.median_hu == pytest.approx(36.0, abs=0.1)
    assert np.count_nonzero(tissue.classes == Tissue.FLUID) == 0


@pytest.mark.parametrize(
    ("hu", "kind"), [(65.0, "blood"), (phantom.CSF_HU, "defects"), (200.0, None)], ids=["clot", "defect", "calcified"]
)
def test_a_box_of_5_ml_is_found_with_side_and_volume(hu: float, kind: str | None) -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    box = (slice(40, 50), slice(20, 30), slice(6, 9))  # 10 x 10 x 3 voxels of 0.02 ml on the right
    scan = working(phantom.with_hu(volume, box, hu), labels, brain)
    tissue = classify(scan)
    lesions = find_lesions(scan, tissue, find_mirror(scan))
    found = {name: getattr(lesions, name) for name in ("blood", "defects", "foreign") if getattr(lesions, name)}
    assert list(found) == ([kind] if kind else [])
    for (lesion,) in found.values():
        assert lesion.side == "right"
        assert lesion.ml == pytest.approx(6.0, rel=0.1)
        around = without_lesions(tissue, lesions).classes
        assert np.count_nonzero(around == Tissue.FOREIGN) == pytest.approx(4 * 8 * 3, abs=6)  # a rim in each slice


def test_ventricles_on_both_sides_are_no_defect() -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    for box in ((slice(22, 29), slice(20, 32), slice(6, 10)), (slice(32, 39), slice(20, 32), slice(6, 10))):
        volume = phantom.with_hu(volume, box, phantom.CSF_HU)
    scan = working(volume, labels, brain)
    assert find_lesions(scan, classify(scan), find_mirror(scan)).defects == ()

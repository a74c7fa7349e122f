"""The score of a phantom whose regions' densities, and so whose ASPECTS, are known by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import phantoms_score as phantom
from deepstroke.errors import GeometryError, InputError
from deepstroke.findings import Finding
from deepstroke.regions import BY_ABBREVIATION, SIDED_REGIONS
from deepstroke.scoring import AspectsScore, score
from deepstroke.volume import LabelMap, Volume

M2, M5, INSULA = (BY_ABBREVIATION[name].label("left") for name in ("M2", "M5", "I"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return phantom.write_hand_model(tmp_path)


def scored(model: Path, volume: Volume, labels: LabelMap, brain: LabelMap | None, **options: object) -> AspectsScore:
    return score(volume, labels, brain=brain, model=model, **options)  # type: ignore[arg-type]


def test_two_dark_regions_cost_two_points_of_their_side(model: Path) -> None:
    found = scored(model, *phantom.brain_of_boxes({M2: -6.0, M5: -5.0}))
    assert (found.side, found.score, found.left, found.right) == ("left", 8, 8, 10)
    assert (found.total.lowest, found.total.highest, found.total.withheld) == (8, 8, ())
    assert [(r.region.abbreviation, r.side) for r in found.regions if r.involved] == [("M2", "left"), ("M5", "left")]
    assert [(r.region, r.side) for r in found.regions] == list(SIDED_REGIONS)
    assert found.findings == ()


def test_probability_difference_and_reason_are_those_by_hand(model: Path) -> None:
    entry = scored(model, *phantom.brain_of_boxes({M2: -6.0}, noise_hu=0.5)).of("M2", "left")
    assert entry.tissue is not None
    assert entry.tissue.difference_hu == pytest.approx(-6.0, abs=1e-4)  # both sides have the same noise
    assert entry.tissue.mean_hu == pytest.approx(26.0, abs=0.1)
    assert entry.probability == pytest.approx(1 / (1 + np.exp(-3.0)), abs=1e-4)
    (reason,) = entry.reasons
    assert (reason.measure, reason.text) == ("difference_hu", "mean 6.0 HU below the other side")
    assert reason.push == pytest.approx(3.0, abs=1e-3)


def test_in_the_mirror_the_side_swaps_and_the_score_stays(model: Path) -> None:
    head = phantom.brain_of_boxes({M2: -6.0, M5: -5.0, INSULA: -4.0})
    seen, reflected = scored(model, *head), scored(model, *phantom.mirrored(*head))
    assert (seen.side, reflected.side) == ("left", "right")
    assert seen.score == reflected.score == 7
    other = {"left": "right", "right": "left"}
    for entry in seen.regions:
        twin = reflected.of(entry.region.abbreviation, other[entry.side])  # type: ignore[arg-type]
        assert twin.probability == pytest.approx(entry.probability, abs=1e-9)


def test_a_healthy_brain_has_ten_points_and_no_side(model: Path) -> None:
    found = scored(model, *phantom.brain_of_boxes())
    assert (found.side, found.score, found.left, found.right) == (None, 10, 10, 10)


def test_a_side_that_is_named_is_scored(model: Path) -> None:
    found = scored(model, *phantom.brain_of_boxes({M2: -6.0}), side="right")
    assert (found.side, found.score, found.total.side_given) == ("right", 10, True)


def test_csf_calcification_and_blood_are_left_out_and_shown(model: Path) -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    i, j, k = phantom.boxes()[M2]
    volume = phantom.with_hu(volume, (i, slice(j.start, j.start + 1), k), phantom.CSF_HU)  # a tenth of the region
    volume = phantom.with_hu(volume, (i, slice(j.start + 1, j.start + 2), slice(k.start, k.start + 2)), 200.0)
    volume = phantom.with_hu(volume, (i, slice(j.start + 1, j.start + 2), slice(k.start + 2, k.stop)), 65.0)
    entry = scored(model, volume, labels, brain).of("M2", "left")
    assert entry.tissue is not None
    assert (entry.excluded.fluid, entry.excluded.calcification, entry.excluded.blood) == pytest.approx(
        (0.1, 0.05, 0.05)
    )
    assert entry.tissue.mean_hu == pytest.approx(32.0, abs=0.3)
    assert entry.tissue.tissue_ml == pytest.approx(0.8 * 160 * 0.02)
    assert entry.involved is False


def test_a_clot_withholds_the_total_and_hides_its_region(model: Path) -> None:
    volume, labels, brain = phantom.brain_of_boxes({M5: -6.0})
    found = scored(model, phantom.with_hu(volume, phantom.boxes()[M2], 65.0), labels, brain)
    assert found.total.withheld == ("haemorrhage",)
    assert (found.score, found.left, found.right, found.side) == (None, None, None, "left")
    assert "haemorrhage" in {finding.code for finding in found.findings}
    clot = found.of("M2", "left")
    assert (clot.assessable, clot.involved, clot.probability) == (False, None, None)
    assert "haemorrhage" in clot.obstacles
    assert found.of("M2", "right").obstacles == ("no-mirror",)
    assert found.of("M5", "left").involved


def test_an_old_defect_is_named_and_its_region_not_judged(model: Path) -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    found = scored(model, phantom.with_hu(volume, phantom.boxes()[M2], phantom.CSF_HU), labels, brain)
    (finding,) = [f for f in found.findings if f.code == "old-infarct"]
    assert "left M2" in finding.message
    entry = found.of("M2", "left")
    assert entry.involved is None
    assert "old-infarct" in entry.obstacles
    assert (found.score, found.total.lowest, found.total.highest) == (10, 9, 10)
    assert "region-not-assessable" in {f.code for f in found.findings}


def test_what_is_not_judged_widens_the_span_of_the_affected_side(model: Path) -> None:
    volume, labels, brain = phantom.brain_of_boxes({M5: -6.0})
    found = scored(model, phantom.with_hu(volume, phantom.boxes()[M2], phantom.CSF_HU), labels, brain)
    assert (found.score, found.total.lowest, found.total.highest) == (9, 8, 9)


def test_a_dark_area_outside_the_regions_is_no_infarct_of_the_middle_cerebral_artery(model: Path) -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    in_front = (slice(8, 26), slice(47, 56), slice(3, 13))  # 18 x 9 x 10 voxels: 32 ml at the left front
    data = volume.data.copy()
    data[in_front] -= 9.0
    found = scored(model, volume.with_data(data), labels, brain)
    (finding,) = [f for f in found.findings if f.code == "infarct-outside-mca"]
    assert "on the left" in finding.message
    assert "in front of" in finding.message
    assert found.score == 10


def test_low_confidence_is_not_judged(model: Path) -> None:
    entry = scored(model, *phantom.brain_of_boxes({M2: -6.0}), confidence={M2: 0.3}).of("M2", "left")
    assert (entry.obstacles, entry.involved) == (("low-confidence",), None)


def test_doubts_of_other_stages_are_passed_on(model: Path) -> None:
    noticed = (Finding("movement", "The head moved."), Finding("gantry-tilt", "Tilted."))
    found = scored(model, *phantom.brain_of_boxes(), findings=noticed)
    assert [f.code for f in found.findings] == ["score-doubtful"]
    assert "the head moved" in found.findings[0].message


def test_an_absent_region_leaves_its_twin_without_comparison(model: Path) -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    without = labels.with_labels(np.where(labels.data == M2, 0, labels.data))
    found = scored(model, volume, without, brain)
    assert found.of("M2", "left").obstacles == ("absent",)
    assert found.of("M2", "right").obstacles == ("no-mirror",)


def test_without_a_brain_mask_the_tissue_around_takes_its_place(model: Path) -> None:
    volume, labels, _ = phantom.brain_of_boxes({M2: -6.0})
    assert scored(model, volume, labels, None).score == 9


def test_both_sides_are_warned_of(model: Path) -> None:
    found = scored(model, *phantom.brain_of_boxes({M2: -6.0, M5 + 10: -6.0}))
    assert "both-sides-involved" in {f.code for f in found.findings}
    assert (found.left, found.right) == (9, 9)


def test_errors(model: Path) -> None:
    volume, labels, brain = phantom.brain_of_boxes()
    with pytest.raises(InputError, match="no region is labelled"):
        scored(model, volume, labels.with_labels(np.zeros_like(labels.data)), brain)
    with pytest.raises(GeometryError, match="the label map lies on another grid"):
        scored(model, volume, LabelMap(labels.data, np.eye(4)), brain)
    with pytest.raises(InputError, match="hardly any brain tissue"):
        scored(model, volume.with_data(np.full_like(volume.data, 500.0)), labels, brain)

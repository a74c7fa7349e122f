"""Doubts and refusals, each from one figure beyond its limit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepstroke.errors import ConfigError, InputError
from deepstroke.inference import GuardLimits, InferenceSettings, agreement_of
from deepstroke.inference.guard import Evidence, doubts, gather, refuse_foreign
from deepstroke.inference.pose import Pose
from deepstroke.volume import LabelMap, Volume
from phantoms_regions import boxes

LIMITS = GuardLimits()
EXPECTED = dict.fromkeys(range(1, 21), 5.0)
SOUND = Evidence(
    pose=Pose(np.eye(4), 2.5),
    usual_residual_mm=3.0,
    confidence=dict.fromkeys(range(1, 21), 0.9),
    mean_confidence=0.9,
    volumes_ml=dict.fromkeys(range(1, 21), 5.0),
    loose=dict.fromkeys(range(1, 21), 0.0),
)


def _with_volumes(**changed: float) -> Evidence:
    return replace(SOUND, volumes_ml=SOUND.volumes_ml | {int(n[1:]): ml for n, ml in changed.items()})


def test_a_sound_answer_gives_no_doubt() -> None:
    refuse_foreign(SOUND, LIMITS)
    assert doubts(SOUND, LIMITS, EXPECTED) == ()


@pytest.mark.parametrize(
    ("evidence", "code", "message"),
    [
        (replace(SOUND, pose=Pose(np.eye(4), 7.0)), "doubtful-pose", "scatter by 7.0 mm, usual are 3 mm"),
        (replace(SOUND, confidence={**SOUND.confidence, 6: 0.41}), "low-confidence", r"unsure of left M2 \(0.41\)"),
        (replace(SOUND, loose={**SOUND.loose, 13: 0.2}), "region-in-pieces", r"left out: right IC \(20 %\)"),
        (_with_volumes(n7=0.0, n17=0.0), "region-missing", "no voxel of left M3, right M3"),
        (_with_volumes(n5=15.0, n15=15.0), "region-volume", r"left M1 \(15.0 ml\), right M1 \(15.0 ml\)"),
        (_with_volumes(n4=3.0, n14=5.0), "side-ratio", r"I \(3.0 ml left, 5.0 ml right\)"),
    ],
)
def test_each_doubt_is_named_with_its_figure(evidence: Evidence, code: str, message: str) -> None:
    import re

    (finding,) = doubts(evidence, LIMITS, EXPECTED)
    assert finding.code == code
    assert re.search(message, finding.message)


def test_volumes_are_judged_at_the_heads_size() -> None:
    small = replace(SOUND, pose=Pose(np.diag([1.2, 1.2, 1.2, 1.0]), 2.0))
    assert doubts(small, LIMITS, dict.fromkeys(range(1, 21), 5.0 * 1.2**3)) == ()
    giant = replace(SOUND, pose=Pose(np.diag([0.8, 0.8, 0.8, 1.0]), 2.0))
    assert {f.code for f in doubts(giant, LIMITS, EXPECTED)} == {"head-size"}


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        (replace(SOUND, pose=Pose(np.eye(4), 20.0)), r"template coordinates scatter by 20.0 mm \(at most 12\)"),
        (
            replace(SOUND, pose=Pose(np.diag([2.0, 2.0, 2.0, 1.0]), 2.0)),
            "differs from the template's by a factor of 8.0",
        ),
        (_with_volumes(**{f"n{n}": 0.0 for n in range(1, 11)}), "10 of 20 regions are missing: left C, left L"),
        (replace(SOUND, mean_confidence=0.2), r"mean probability of the regions is 0.20 \(at least 0.35\)"),
    ],
)
def test_what_the_network_does_not_know_is_refused(evidence: Evidence, message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        refuse_foreign(evidence, LIMITS)
    assert refused.value.code == "out-of-domain"


def test_without_a_pose_the_regions_are_still_judged() -> None:
    blind = replace(SOUND, pose=None)
    refuse_foreign(blind, LIMITS)
    assert doubts(blind, LIMITS, EXPECTED) == ()


def test_evidence_is_gathered_by_label() -> None:
    labels = LabelMap(np.array([[[1, 1, 12, 0]]], np.uint8), np.diag([10.0, 10.0, 10.0, 1.0]))
    found = gather(labels, Volume(np.array([[[0.8, 0.6, 0.5, 0.1]]]), labels.ijk_to_ras), None, 3.0, {})
    assert found.confidence == pytest.approx({1: 0.7, 12: 0.5})
    assert found.mean_confidence == pytest.approx(1.9 / 3)
    assert (found.volumes_ml[1], found.volumes_ml[12]) == pytest.approx((2.0, 1.0))
    assert len(found.missing) == 18


def test_routes_that_agree_give_no_finding() -> None:
    agreement = agreement_of(boxes(), boxes(), 0.6)
    assert set(agreement.dice.values()) == {1.0}
    assert agreement.findings == ()


def test_routes_part_where_boxes_were_moved() -> None:
    # Each box of eight slices moved by one: 7 of 8 slices in common, a Dice of 7/8; two of them missing on one side.
    agreement = agreement_of(boxes(without=(3, 14)), boxes(shift_k=1), 0.6)
    assert agreement.dice[1] == pytest.approx(7 / 8)
    assert agreement.dice[3] == agreement.dice[14] == 0.0
    assert agreement.mean == pytest.approx(18 / 20 * 7 / 8)
    (finding,) = agreement.findings
    assert finding.code == "routes-part"
    assert "left IC (0.00), right I (0.00)" in finding.message
    content = agreement.as_dict()
    assert content["regions"][2] == {"region": "IC", "side": "left", "dice": 0.0}
    assert (content["limit"], len(content["regions"])) == (0.6, 20)


def test_settings_out_of_range_are_refused_all_at_once() -> None:
    with pytest.raises(
        ConfigError, match=r"backend of auto, torch, openvino, found 'magic'; least_agreement in 0\.\.1"
    ):
        InferenceSettings(backend="magic", least_agreement=2.0)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"most_residual above 0, found -1; doubtful_volume of 1 or more, found 0\.5"):
        GuardLimits(most_residual=-1, doubtful_volume=0.5)

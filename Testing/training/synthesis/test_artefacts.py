"""Metal, motion and calibration change the slices they should, by what is set."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke_training.synthesis.artefact_settings import ArtefactSettings, Metal
from deepstroke_training.synthesis.artefacts import SlicePlanes, add_metal, calibrated, ghosted

AXIS = torch.arange(-60.0, 61.0, 2.0)


def planes(numbers: range = range(5)) -> SlicePlanes:
    """Upright slices 10 mm apart about z = 0, 5 mm thick."""
    heights = torch.tensor([10.0 * (n - 2) for n in numbers])[:, None].expand(-1, 61)
    return SlicePlanes(numbers, AXIS, AXIS, heights, (2.0, 2.0), 1.0, 5.0)


def test_metal_lies_where_the_head_carries_it_and_streaks_its_slice_alone() -> None:
    tissue = torch.full((5, 61, 61), 30.0)
    tissue[:, :5] = -1000.0
    moved = np.eye(4)
    moved[:3, 3] = (10.0, -4.0, 10.0)
    shown = add_metal(tissue, planes(), [Metal((0.0, 0.0, 0.0), 4.0, 50.0)], moved, seed=1)
    changed = (shown != tissue).flatten(1).any(1)
    assert changed.tolist() == [False, False, False, True, False]
    assert float(shown[3, 35, 28]) > 2000
    assert (shown[3] > 2000).nonzero().float().mean(0).tolist() == pytest.approx([35.0, 28.0])
    near, far = (float((shown[3] - 30)[d].std()) for d in (slice(38, 44), slice(56, 61)))
    assert near > far > 2
    assert torch.equal(shown[3, :5], tissue[3, :5]), "air carries no streaks"
    assert torch.equal(shown, add_metal(tissue, planes(), [Metal((0.0, 0.0, 0.0), 4.0, 50.0)], moved, seed=1))


def test_half_a_slice_of_metal_is_half_as_dense() -> None:
    tissue = torch.zeros(5, 61, 61)
    thick = add_metal(tissue, planes(), [Metal((0.0, 0.0, 2.5), 2.5, 0.0)], np.eye(4), seed=1)
    assert float(thick[2, 30, 30]) == pytest.approx(0.5 * 3071, rel=0.01)


def test_a_ghost_is_a_faint_second_image_at_its_distance() -> None:
    slices = torch.zeros(5, 61, 61)
    slices[:, 29:32, 29:32] = 100.0
    settings = ArtefactSettings(ghost=0.3, ghost_mm=20.0, ghost_part=1.0)
    shown = ghosted(slices, planes(), settings, seed=3)
    for image in shown:
        assert float(image[30, 30]) == pytest.approx(70.0, abs=0.1)
        second = (image - 0.7 * slices[0]).clamp_min(0)
        place = torch.stack([(second.sum(1) * AXIS).sum(), (second.sum(0) * AXIS).sum()]) / second.sum()
        assert float(place.norm()) == pytest.approx(20.0, abs=0.3)
        assert float(second.sum()) == pytest.approx(0.3 * 900, rel=0.02)


def test_motion_touches_part_of_the_slices_by_their_numbers() -> None:
    slices = torch.rand(40, 61, 61)
    settings = ArtefactSettings(ghost=0.3, ghost_mm=6.0, ghost_part=0.4)
    whole = ghosted(slices, planes(range(40)), settings, seed=3)
    changed = (whole != slices).flatten(1).any(1)
    assert 8 <= int(changed.sum()) <= 24
    assert torch.allclose(ghosted(slices[10:25], planes(range(10, 25)), settings, seed=3), whole[10:25])


def test_a_turn_is_about_the_middle_of_the_slice() -> None:
    slices = torch.zeros(1, 61, 61)
    slices[0, 28:33, 48:53] = 100.0
    settings = ArtefactSettings(ghost=0.5, ghost_mm=0.0, ghost_degrees=30.0, ghost_part=1.0)
    second = (2 * ghosted(slices, planes(range(1)), settings, seed=4) - slices)[0].clamp_min(0)
    place = torch.stack([(second.sum(1) * AXIS).sum(), (second.sum(0) * AXIS).sum()]) / second.sum()
    assert float(place.norm()) == pytest.approx(40.0, abs=0.5)
    assert 1.0 < abs(float(torch.rad2deg(torch.atan2(place[0], place[1])))) < 30.1


def test_calibration_scales_shifts_and_drifts_by_slice() -> None:
    slices = torch.full((6, 4, 4), 30.0)
    assert float(calibrated(slices, range(6), ArtefactSettings(hu_gain=1.1, hu_shift=-2.0), 1)[3, 2, 2]) == 31.0
    drift = calibrated(slices, range(6), ArtefactSettings(slice_drift_hu=1.0), 1)[:, 0, 0]
    assert float(drift.std()) > 0.3
    assert torch.equal(calibrated(slices[2:], range(2, 6), ArtefactSettings(slice_drift_hu=1.0), 1)[:, 0, 0], drift[2:])
    assert calibrated(slices, range(6), ArtefactSettings(), 1) is slices


def test_impossible_artefacts_name_every_fault() -> None:
    with pytest.raises(ConfigError, match=r"hu_gain is 0.5..1.5, found 2; ghost is 0..0.5, found 0.9"):
        ArtefactSettings(hu_gain=2.0, ghost=0.9)
    with pytest.raises(ConfigError, match=r"metal: radius_mm is 0.5..15, found 40"):
        Metal((0, 0, 0), radius_mm=40)

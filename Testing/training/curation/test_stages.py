"""The stages on small volumes with answers known by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deepstroke.errors import ConfigError, GeometryError
from deepstroke.findings import Finding
from deepstroke.register.quality import RegistrationQuality
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.curation.quality import CaseQuality, agreement, flags
from deepstroke_training.curation.settings import CurationSettings, ReviewLimits
from deepstroke_training.curation.stages import distances_to_outlines, strip, sum_of, whole_hu

GRID = np.diag([0.5, 0.5, 5.0, 1.0])
GOOD = RegistrationQuality(
    ncc=0.9,
    lncc=0.5,
    mask_dice=0.95,
    jacobian_min=0.4,
    jacobian_p1=0.6,
    affine_scale=1.1,
    rotation_deg=5.0,
    inverse_error_mean_mm=0.02,
    inverse_error_p99_mm=0.1,
)


def test_whole_hu_rounds_and_keeps_within_16_bits() -> None:
    volume = Volume(np.array([[[-1024.4, 39.6, 1e6]]], np.float32), GRID)
    assert whole_hu(volume).data.tolist() == [[[-1024, 40, 32767]]]
    assert whole_hu(volume).data.dtype == np.int16


def test_stripping_leaves_the_brain_alone() -> None:
    volume = Volume(np.full((2, 2, 2), 35, np.int16), GRID)
    brain = np.zeros((2, 2, 2), np.uint8)
    brain[0, 1, 1] = 1
    stripped = strip(volume, LabelMap(brain, GRID))
    assert stripped.data.sum() == 35
    assert stripped.data[0, 1, 1] == 35
    with pytest.raises(GeometryError, match="the brain mask lies on another grid"):
        strip(volume, LabelMap(brain, np.eye(4)))


def test_distances_are_in_millimetres_from_the_nearest_outline() -> None:
    labels = np.zeros((20, 20, 3), np.uint8)
    labels[5:10, 5:10, 1] = 3
    points = np.array([[2.5, 3.5, 5.0], [6.5, 3.5, 5.0], [3.5, 3.5, 5.0], [2.5, 3.5, 10.0]])
    assert distances_to_outlines(points, LabelMap(labels, GRID)).tolist() == [0.0, 2.0, 1.0, 5.0]


def test_a_carried_overlay_becomes_a_sum_of_one_case() -> None:
    carried = Volume(np.array([[[-1, 0, 7]]], np.int32), np.eye(4))
    alone = sum_of(carried)
    assert alone.outline.tolist() == [[[0, 0, 7]]]
    assert alone.covered.tolist() == [[[0, 1, 1]]]
    assert alone.plus(alone).covered.max() == alone.plus(alone).cases == 2


def test_good_figures_raise_no_flag_and_each_bad_one_its_own() -> None:
    assert flags(CaseQuality(GOOD, 1400.0, 20), (), ReviewLimits()) == ()
    far = agreement(np.array([5.0, 6.0]), np.array([4.0, 5.0]))
    noticed = [Finding(code, "") for code in ("missing-slices", "gantry-tilt", "doubtful-registration")]
    assert flags(CaseQuality(replace(GOOD, jacobian_min=0.01), 900.0, 18, far), noticed, ReviewLimits()) == (
        "doubtful-registration",
        "missing-slices",
        "overlay-apart",
        "regions-missing",
        "strong-deformation",
    )


def test_figures_of_the_overlay_become_columns() -> None:
    near = agreement(np.array([1.0, 3.0, 5.0]), np.array([0.5, 1.0, 2.0]))
    columns = CaseQuality(GOOD, 1400.0, 20, near).as_dict()
    assert (columns["overlay_points"], columns["overlay_first_mm"], columns["overlay_final_mm"]) == (3, 3.0, 1.0)
    assert columns["overlay_final_p95_mm"] == pytest.approx(1.9)
    assert "overlay_points" not in CaseQuality(GOOD, 1400.0, 20).as_dict()


def test_settings_name_all_their_faults() -> None:
    with pytest.raises(ConfigError, match=r"engine is one of.*selection is one of.*reserve_mb is 0 or more"):
        CurationSettings(engine="none", selection="some", reserve_mb=-1)  # type: ignore[arg-type]

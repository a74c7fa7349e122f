"""The cavity on the coarse grid: where it ends below, and what is no head."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.preprocess.cavity import SPACING_MM, find_cavity
from deepstroke.volume import Volume
from phantoms_head import FORAMEN_Z, HeadPhantom, head_grid


def test_the_cavity_is_cut_just_below_the_foramen_magnum() -> None:
    cavity = find_cavity(HeadPhantom().sample(head_grid())[0])
    assert cavity.cut_at_foramen
    assert cavity.enclosed > 0.95
    assert cavity.head.spacing_mm == pytest.approx((SPACING_MM,) * 3)
    lowest = cavity.head.ras_of(np.argwhere(cavity.brain))[:, 2].min()
    assert FORAMEN_Z - 6.0 <= lowest <= FORAMEN_Z + 6.0
    assert not (cavity.brain & cavity.skull).any()


def test_a_scan_that_ends_above_the_foramen_is_not_cut() -> None:
    cavity = find_cavity(HeadPhantom().sample(head_grid(bottom_mm=-28.0))[0])
    assert not cavity.cut_at_foramen
    assert cavity.brain[:, :, 0].any()


def test_the_whole_body_below_the_head_is_left_out() -> None:
    """A scan down to the chest: the head is looked for in the upper 280 mm of the bones."""
    volume, _ = HeadPhantom().sample(head_grid((2.0, 2.0, 4.0), bottom_mm=-400.0))
    cavity = find_cavity(volume)
    lowest = cavity.head.ras_of(np.array([0, 0, 0]))[2]
    assert lowest > -230.0
    assert cavity.brain.sum() * SPACING_MM**3 / 1000 == pytest.approx(1440.0, rel=0.05)


def test_without_bone_there_is_no_head() -> None:
    with pytest.raises(InputError, match="no bone in the volume") as refusal:
        find_cavity(Volume(np.zeros((60, 60, 60), np.float32), np.diag([2.0, 2.0, 2.0, 1.0])))
    assert refusal.value.code == "not-a-head"

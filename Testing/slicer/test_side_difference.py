"""Each place against its mirror image: HU of a phantom whose left is 5 HU darker. No Slicer is needed."""

from __future__ import annotations

import numpy as np
import pytest
from readings import SHAPE, TILTED, brain_mask, tilted_ct

from deepstroke.volume import Volume
from DeepStrokeASPECTSLib.placing import MirrorPlane, slice_affines
from DeepStrokeASPECTSLib.side_difference import side_difference

MIDLINE = MirrorPlane(np.array([-0.5, 0.0, 0.0]), np.array([1.0, 0.0, 0.0]))


def difference(volume: Volume, brain: Volume | None = None) -> np.ndarray:
    steps = side_difference(volume.data, brain or brain_mask(), slice_affines(SHAPE, TILTED), MIDLINE)
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def test_the_darker_side_is_below_zero_and_the_other_as_much_above() -> None:
    found = difference(tilted_ct())
    assert found.shape == SHAPE
    # i runs to the patient's left: 5 HU less from i = 32 on; the midline's own blur is left out.
    assert found[44:50, 16:48, 6:10] == pytest.approx(-5.0, abs=0.05)
    assert found[14:20, 16:48, 6:10] == pytest.approx(5.0, abs=0.05)


def test_a_symmetric_head_shows_nothing() -> None:
    even = tilted_ct()
    found = difference(even.with_data(np.where(even.data > 0, 33, even.data)))
    assert np.abs(found).max() < 0.01


def test_what_is_no_tissue_or_no_brain_is_left_out() -> None:
    volume = tilted_ct()
    data = volume.data.copy()
    data[36:40, 20:40] = 400  # bone or calcium: not a difference of tissue
    found = difference(volume.with_data(data))
    assert np.abs(found).max() < 5.5
    assert not found[:6].any(), "air"
    brain = brain_mask()
    assert not difference(volume, brain.with_labels(np.zeros_like(brain.data))).any()

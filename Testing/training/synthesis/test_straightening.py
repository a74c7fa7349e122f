"""A leaning stack becomes orthogonal without moving anything in the patient."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.volume import LabelMap, Volume
from deepstroke_training.synthesis.straightening import straightened


@pytest.mark.parametrize("lean", [2.0, -2.0])
def test_a_bead_stays_where_it_is_in_the_patient(lean: float) -> None:
    sheared = np.array([[1.0, 0, 0, -5], [0, 2.0, lean, 7], [0, 0, 5.0, 20], [0, 0, 0, 1]])
    data = np.zeros((6, 8, 5), np.float32)
    data[2, 4, 3] = 100.0
    straight = straightened(Volume(data, sheared), order=1, fill=-1.0)
    assert straight.is_orthogonal
    assert straight.spacing_mm == pytest.approx((1.0, 2.0, 5.0))
    found = np.argwhere(straight.data == 100.0)
    assert straight.ras_of(found)[0] == pytest.approx(sheared[:3] @ (2, 4, 3, 1))
    assert (straight.data == -1.0).sum() == 6 * 5 * (straight.shape[1] - 8)


def test_labels_stay_labels_and_straight_volumes_untouched() -> None:
    tilted = np.array([[1.0, 0, 0, 0], [0, 1.0, 0.7, 0], [0, 0, 5.0, 0], [0, 0, 0, 1]])
    data = np.zeros((4, 9, 4), np.uint8)
    data[1:3, 3:6] = 17
    assert straightened(LabelMap(data, tilted), order=0, fill=0).present() == [17]
    upright = Volume(data, np.eye(4))
    assert straightened(upright, order=0, fill=0) is upright

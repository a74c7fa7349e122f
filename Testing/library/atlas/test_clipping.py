"""Clipping takes away what it says and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.atlas.clipping import clip_labels


@pytest.fixture
def slices() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.full((2, 20, 20), 6, np.uint8)
    hu = np.full((2, 20, 20), 35.0, np.float32)
    hu[:, :, 10:16] = 5.0  # a ventricle
    hu[0, 3, 3] = 0.0  # one noisy pixel
    brain = np.zeros((2, 20, 20), bool)
    brain[:, :, :18] = True
    return labels, hu, brain


def test_none_keeps_everything(slices) -> None:
    labels, hu, brain = slices
    assert clip_labels(labels, hu, brain, "none", (0.5, 0.5)) is labels


def test_brain_cuts_outside_the_mask_only(slices) -> None:
    labels, hu, brain = slices
    assert np.array_equal(clip_labels(labels, hu, brain, "brain", (0.5, 0.5)) > 0, brain)


def test_csf_cuts_the_ventricle_and_keeps_a_noisy_pixel(slices) -> None:
    labels, hu, brain = slices
    clipped = clip_labels(labels, hu, brain, "csf", (0.5, 0.5))
    assert not clipped[:, :, 11:15].any()
    assert clipped[0, 3, 3] == 6
    assert clipped[:, :, :8].all()
    assert labels.all()  # the input stays

"""Varied batches: image, lesion and tissue move together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke.networks import InPlanePose, mirrored
from deepstroke_training.asymmetry.augmentation import PoseAugmentation
from deepstroke_training.asymmetry.cases import StrokeBatch
from deepstroke_training.asymmetry.settings import AsymmetrySettings


def batch() -> StrokeBatch:
    """A bar of lesion along j on one side, in brain of tissue 2."""
    image = torch.zeros(2, 1, 24, 24, 16)
    image[:, :, 4:20, 4:20, 4:12] = 0.5
    lesion = torch.zeros_like(image)
    lesion[:, :, 6:9, 6:18, 4:12] = 1
    tissue = torch.where(image > 0, 2, 0).to(torch.uint8)
    return StrokeBatch(torch.where(lesion > 0, 0.25, image), lesion, tissue, InPlanePose.identity(2))


def test_nothing_changes_without_any_variation() -> None:
    before = batch()
    after = PoseAugmentation(0, 0, 0, 0).varied(before, np.random.default_rng(0))
    torch.testing.assert_close(after.image, before.image)
    assert torch.equal(after.lesion, before.lesion)
    assert torch.equal(after.tissue, before.tissue)


def test_a_sure_flip_is_the_mirror_image_of_all() -> None:
    before = batch()
    after = PoseAugmentation(0, 0, 1, 0).varied(before, np.random.default_rng(0))
    assert torch.equal(after.lesion, before.lesion.flip(2))
    assert torch.equal(after.tissue, before.tissue.flip(2))
    torch.testing.assert_close(after.image, before.image.flip(2))


def test_the_lesion_stays_where_the_image_is_dark() -> None:
    after = PoseAugmentation(30, 0.1, 0.5, 0).varied(batch(), np.random.default_rng(1))
    inside, brain = after.lesion > 0, after.tissue == 2
    assert 0.6 < float(inside.sum()) / float(batch().lesion.sum()) <= 1.1
    assert float(after.image[inside].mean()) < 0.33
    assert float(after.image[brain & ~inside].mean()) > 0.42


@pytest.mark.parametrize("flip", [0, 1])
def test_the_pose_goes_along(flip: float) -> None:
    """Copies on their own poses lie as the heads do on theirs, or as their mirror images."""
    before = batch()
    before = replace(before, pose=InPlanePose.of(torch.tensor([0.2, -0.3]), torch.tensor([[1.0, 2.0], [-2.0, 0.5]])))
    after = PoseAugmentation(15, 0.08, flip, 0).varied(before, np.random.default_rng(3))
    wanted = before.pose.align(before.image)
    wanted = mirrored(wanted) if flip else wanted
    assert float((after.pose.align(after.image) - wanted).abs().mean()) < 0.01
    assert float((before.pose.align(after.image) - wanted).abs().mean()) > 0.02


def test_gamma_keeps_the_range() -> None:
    after = PoseAugmentation(0, 0, 0, 1).varied(batch(), np.random.default_rng(2))
    assert 0 <= float(after.image.min()) <= float(after.image.max()) <= 1
    assert not torch.allclose(after.image, batch().image)


def test_presets_differ_and_faults_are_told() -> None:
    assert AsymmetrySettings(preset="paper").copies is None
    assert AsymmetrySettings(preset="reference").copies == PoseAugmentation()
    with pytest.raises(ConfigError) as caught:
        PoseAugmentation(turn_deg=-1, flip=2)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["turn_deg", "flip"]

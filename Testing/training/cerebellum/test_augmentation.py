"""Turned and shifted copies."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import ConfigError
from deepstroke_training.cerebellum.augmentation import Augmentation, RandomPose, augmented


def point(*at: int) -> np.ndarray:
    image = np.zeros((21, 21, 21), np.uint8)
    image[at] = 1
    return image


@pytest.mark.parametrize(
    ("axis", "start", "end"),
    [(0, (10, 15, 10), (10, 10, 15)), (1, (10, 10, 15), (15, 10, 10)), (2, (15, 10, 10), (10, 15, 10))],
)
def test_a_quarter_turn_is_right_handed_about_each_axis(
    axis: int, start: tuple[int, ...], end: tuple[int, ...]
) -> None:
    pose = RandomPose(axis, 90.0, (0, 0, 0))
    assert np.argwhere(pose.of_mask(point(*start))).tolist() == [list(end)]


def test_shifts_follow_the_rotation_along_each_axis() -> None:
    pose = RandomPose(2, 90.0, (1, -2, 3))
    assert np.argwhere(pose.of_mask(point(15, 10, 10))).tolist() == [[11, 13, 13]]
    assert pose.of_image(point(15, 10, 10))[11, 13, 13] == pytest.approx(1, abs=1e-5)


def test_images_are_interpolated_and_masks_are_not() -> None:
    pose = RandomPose(0, 0.0, (0.4, 0, 0))
    assert pose.of_image(point(10, 10, 10))[10:12, 10, 10].tolist() == pytest.approx([0.6, 0.4])
    assert set(np.unique(RandomPose(1, 33.0, (0.3, 0.2, 0)).of_mask(np.ones((9, 9, 9), np.uint8)))) == {0, 1}


def test_poses_are_within_the_limits_and_about_every_axis() -> None:
    settings, rng = Augmentation(), np.random.default_rng(0)
    poses = [RandomPose.drawn(settings, rng) for _ in range(300)]
    assert {pose.axis for pose in poses} == {0, 1, 2}
    assert 40 < max(abs(pose.angle_deg) for pose in poses) <= 45
    shifts = np.abs([pose.shift_voxels for pose in poses])
    assert (shifts.max(0) > 18).all()
    assert shifts.max() <= 20


def test_ten_copies_are_made_and_image_and_mask_move_together() -> None:
    ball = (np.linalg.norm(np.indices((32, 32, 32)) - 15.5, axis=0) < 6).astype(np.uint8)
    copies = list(augmented(ball, ball, Augmentation(shift_voxels=5), np.random.default_rng(1)))
    assert len(copies) == 10
    assert all(np.mean((image > 0.5) != mask) < 0.01 for image, mask in copies)


def test_negative_limits_are_refused() -> None:
    with pytest.raises(ConfigError, match="angle_deg: 0 or more is expected, found -1"):
        Augmentation(angle_deg=-1)

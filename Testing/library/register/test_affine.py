from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import phantoms_registration as phantoms
from deepstroke.errors import RegistrationError
from deepstroke.frames import apply_affine
from deepstroke.register.affine import affine_fixed_to_moving
from deepstroke.register.settings import AffineSettings
from deepstroke.register.working_image import WorkingImage, working_image
from deepstroke.volume import LabelMap, Volume

CPU = torch.device("cpu")


def pose(pitch: float, roll: float, yaw: float, scale: float = 1.0) -> np.ndarray:
    """A fixed-to-moving affine: turned about the axes R, A, S, scaled, and shifted."""
    affine = np.eye(4)
    affine[:3, :3] = scale * Rotation.from_euler("xyz", [pitch, roll, yaw], degrees=True).as_matrix()
    affine[:3, 3] = (12.0, -7.0, 5.0)
    return affine


def prepared(head: phantoms.Head) -> WorkingImage:
    return working_image(head.image, head.brain, 2.0, 8.0)


@pytest.fixture(scope="module")
def moving() -> WorkingImage:
    return prepared(phantoms.head(phantoms.grid((3.0, 3.0, 3.0))))


def turned(fixed_to_moving: np.ndarray) -> phantoms.Head:
    """The head, lying so that the given affine leads from it to the straight one."""
    grid = phantoms.grid()
    ijk_to_ras = grid.ijk_to_ras.copy()
    ijk_to_ras[:3, 3] += np.linalg.inv(fixed_to_moving)[:3, 3]
    return phantoms.head(Volume(grid.data, ijk_to_ras), lambda ras: apply_affine(fixed_to_moving, ras))


@pytest.mark.parametrize(
    ("pitch", "roll", "yaw", "scale"),
    [
        (10, -5, 8, 1.1),
        (40, 0, 0, 1.0),
        (-35, 10, 25, 0.95),
        (0, 0, -30, 1.0),
        (0, 0, 90, 1.0),
        (5, 0, 180, 1.0),
        (0, 180, 0, 1.0),
    ],
)
def test_a_known_pose_is_found(pitch: float, roll: float, yaw: float, scale: float, moving: WorkingImage) -> None:
    true = pose(pitch, roll, yaw, scale)
    found = affine_fixed_to_moving(prepared(turned(true)), moving, AffineSettings(), CPU)
    points = apply_affine(np.linalg.inv(true), phantoms.inside_points())
    apart = np.linalg.norm(apply_affine(found, points) - apply_affine(true, points), axis=1)
    # A head on the wrong side or upside down would be off by 40 mm and more.
    assert apart.mean() < 2.0
    assert np.linalg.det(found[:3, :3]) > 0


def test_a_cut_base_does_not_pull_the_head_down(moving: WorkingImage) -> None:
    head = phantoms.head(phantoms.grid())
    low = int(np.flatnonzero(head.brain.mask.any(axis=(0, 1)))[0]) + 7
    ijk_to_ras = head.image.ijk_to_ras.copy()
    ijk_to_ras[2, 3] += 4 * low
    image, brain = (v.data[..., low:] for v in (head.image, head.brain))
    cut = working_image(Volume(image, ijk_to_ras), LabelMap(brain, ijk_to_ras), 2.0, 8.0)
    points = phantoms.inside_points()
    found = affine_fixed_to_moving(cut, moving, AffineSettings(), CPU)
    assert np.linalg.norm(apply_affine(found, points) - points, axis=1).mean() < 2.0


def test_a_given_start_replaces_the_search(moving: WorkingImage) -> None:
    true = pose(0, 0, 115)
    fixed = prepared(turned(true))
    found = affine_fixed_to_moving(fixed, moving, AffineSettings(), CPU, initial=pose(0, 0, 100))
    np.testing.assert_allclose(found[:3, :3], true[:3, :3], atol=0.04)


def test_a_mirrored_start_is_refused(moving: WorkingImage) -> None:
    fixed = prepared(phantoms.head(phantoms.grid()))
    with pytest.raises(RegistrationError, match="mirrored"):
        affine_fixed_to_moving(fixed, moving, AffineSettings(), CPU, initial=np.diag([-1.0, 1, 1, 1]))

"""The mid-sagittal plane of heads turned by known angles, healthy and not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.frames import apply_affine
from deepstroke.preprocess.brain import HeadAnalysis
from deepstroke.preprocess.midsagittal import MidsagittalPlane, find_midsagittal_plane
from deepstroke.volume import Volume
from phantoms_head import Ball, HeadPhantom, head_grid

INFARCT: Ball = ((35.0, 0.0, 15.0), 24.0, 12.0)
HAEMORRHAGE: Ball = ((-38.0, 10.0, 10.0), 22.0, 70.0)


@pytest.mark.parametrize(
    ("rotation_degrees", "balls", "bottom_mm"),
    [
        ((0.0, 0.0, 0.0), (), -100.0),
        ((0.0, 20.0, 0.0), (INFARCT,), -100.0),
        ((15.0, -12.0, 20.0), (INFARCT,), -100.0),
        ((-20.0, 28.0, -25.0), (HAEMORRHAGE,), -100.0),
        ((0.0, 10.0, -8.0), (HAEMORRHAGE,), -25.0),
    ],
    ids=["straight", "yaw", "pitch-yaw-roll", "far", "base-cut"],
)
def test_the_plane_of_a_turned_head(
    rotation_degrees: tuple[float, float, float], balls: tuple[Ball, ...], bottom_mm: float
) -> None:
    head = HeadPhantom(rotation_degrees=rotation_degrees, offset_mm=(6.0, -4.0, 5.0), balls=balls)
    volume, _ = head.sample(head_grid((1.5, 1.5, 5.0), bottom_mm=bottom_mm))
    plane = find_midsagittal_plane(volume)

    right = head.rotation[:, 0]
    assert np.degrees(np.arccos(np.clip(right @ plane.normal, -1, 1))) < 2.0
    assert abs(plane.signed_distance(np.array(head.offset_mm))) < 2.0
    lesions = [np.array(head.offset_mm) + head.rotation @ centre for centre, _, _ in balls]
    for (centre, _, _), ras in zip(balls, lesions, strict=True):
        assert np.sign(plane.signed_distance(ras)) == np.sign(centre[0])


def test_the_plane_does_not_depend_on_how_the_voxels_are_stored() -> None:
    head = HeadPhantom(rotation_degrees=(0.0, 10.0, 5.0))
    volume, _ = head.sample(head_grid((2.0, 2.0, 4.0)))
    stored = Volume(
        np.ascontiguousarray(volume.data[::-1, :, ::-1].transpose(2, 0, 1)),
        volume.ijk_to_ras @ _flip_and_permute(volume.shape),
    )
    plane, other = find_midsagittal_plane(volume), find_midsagittal_plane(stored)
    assert other.normal == pytest.approx(plane.normal, abs=1e-3)
    assert other.offset_mm == pytest.approx(plane.offset_mm, abs=0.1)


def _flip_and_permute(shape: tuple[int, int, int]) -> np.ndarray:
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])
    flip[:3, 3] = (shape[0] - 1, 0.0, shape[2] - 1)
    return flip @ np.eye(4)[[1, 2, 0, 3]]


def _plane() -> MidsagittalPlane:
    normal = np.array([0.9, 0.3, -0.2])
    return MidsagittalPlane(normal / np.linalg.norm(normal), 4.0, 0.0)


def test_the_reflection_mirrors_about_the_plane() -> None:
    plane = _plane()
    point = np.array([30.0, 20.0, 10.0])
    mirrored = apply_affine(plane.reflection, point)
    assert plane.signed_distance(mirrored) == pytest.approx(-plane.signed_distance(point))
    assert np.allclose(plane.reflection @ plane.reflection, np.eye(4))
    assert np.linalg.det(plane.reflection) == pytest.approx(-1.0)


def test_the_aligned_frame_has_the_plane_at_zero_and_is_rigid() -> None:
    plane = _plane()
    points = np.array([[30.0, 20.0, 10.0], [-5.0, 60.0, 33.0]])
    aligned = apply_affine(plane.ras_to_aligned, points)
    assert aligned[:, 0] == pytest.approx(plane.signed_distance(points))
    rotation = plane.ras_to_aligned[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    angle = np.degrees(np.arccos((np.trace(rotation) - 1) / 2))
    assert angle == pytest.approx(plane.tilt_degrees), "the smallest rotation"


@pytest.mark.parametrize(("name", "tilt"), [("ct/ge-head", 11.0), ("ct/toshiba-study", 6.0)])
def test_real_heads(real_head: Callable[[str], HeadAnalysis], name: str, tilt: float) -> None:
    """Both patients turn their heads; the tilts were read off the falx in the pictures."""
    plane = real_head(name).plane
    assert plane.tilt_degrees == pytest.approx(tilt, abs=2.0)
    assert plane.difference_hu < 12.0


def test_half_a_head_has_no_plane() -> None:
    volume, _ = HeadPhantom().sample(head_grid((2.0, 2.0, 4.0)))
    half = Volume(np.ascontiguousarray(volume.data[: volume.shape[0] // 2]), volume.ijk_to_ras)
    with pytest.raises(InputError, match="no plane of symmetry"):
        find_midsagittal_plane(half)

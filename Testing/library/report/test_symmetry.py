"""The plane between the hemispheres, from regions whose mirror images are known."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.report.symmetry import label_centroids, region_reflection
from deepstroke.volume import LabelMap


def mirrored_boxes(turn_deg: float, shift_mm: float) -> LabelMap:
    """Left and right C and M6 mirror-symmetric about a plane turned about z and moved to the right."""
    angle = np.radians(turn_deg)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine[:3, 3] = affine[:3, :3] @ (-20.0 + shift_mm, -20.0, 0.0)
    data = np.zeros((41, 41, 8), np.uint8)
    for region, (near, far), row in ((1, (4, 8), 30), (10, (10, 16), 5)):
        data[20 - far : 20 - near, row : row + 5, 2:6] = region
        data[21 + near : 21 + far, row : row + 5, 2:6] = region + 10
    return LabelMap(data, affine)


@pytest.mark.parametrize(("turn_deg", "shift_mm"), [(0.0, 0.0), (0.0, 3.0), (10.0, 2.0)])
def test_the_reflection_swaps_sides(turn_deg: float, shift_mm: float) -> None:
    labels = mirrored_boxes(turn_deg, shift_mm)
    reflection = region_reflection(labels)
    centroids = label_centroids(labels)
    for left, right in ((1, 11), (10, 20)):
        np.testing.assert_allclose((reflection @ [*centroids[left], 1])[:3], centroids[right], atol=1e-9)
    np.testing.assert_allclose(reflection @ reflection, np.eye(4), atol=1e-12)
    assert np.linalg.det(reflection) == pytest.approx(-1)


def test_a_region_of_one_side_has_no_say() -> None:
    labels = mirrored_boxes(0.0, 0.0)
    labels.data[0:3, 0:3, 0] = 5
    np.testing.assert_allclose(region_reflection(labels), np.diag([-1.0, 1.0, 1.0, 1.0]), atol=1e-9)


def test_one_side_alone_gives_no_plane() -> None:
    labels = mirrored_boxes(0.0, 0.0)
    labels.data[labels.data > 10] = 0
    with pytest.raises(InputError, match="no region is labelled on both sides"):
        region_reflection(labels)

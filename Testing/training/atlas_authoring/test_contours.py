"""Drawn outlines on polygons whose distances are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke_training.atlas_authoring import drawings, frame
from deepstroke_training.atlas_authoring.contours import Contour, DrawnStructure

SQUARE = DrawnStructure(
    name="square",
    contours=(Contour(0, "10 10, 20 10, 20 30, 10 30"), Contour(4, "14 10, 24 10, 24 30, 14 30")),
    drawn_on="nothing",
)


def at(field: np.ndarray, u: int, y: float, z: float) -> float:
    return float(field[u, frame.index_of_y(y), frame.index_of_z(z)])


def test_distances_inside_and_outside() -> None:
    field = SQUARE.distance()
    assert at(field, 15, 20, 0) == pytest.approx(5.0)
    assert at(field, 15, 12, 0) == pytest.approx(2.0)
    assert at(field, 7, 20, 0) == pytest.approx(-3.0)
    assert at(field, 7, 6, 0) == pytest.approx(-5.0)


def test_the_outline_moves_between_slices_and_ends_at_the_last() -> None:
    mask = SQUARE.mask()
    rows = {z: np.flatnonzero(mask[:, frame.index_of_y(20), frame.index_of_z(z)]) for z in (-1, 0, 2, 4, 5)}
    assert (rows[0].min(), rows[0].max()) == (11, 19)
    assert (rows[2].min(), rows[2].max()) == (13, 21)
    assert (rows[4].min(), rows[4].max()) == (15, 23)
    assert len(rows[-1]) == len(rows[5]) == 0
    assert SQUARE.z_range == (0, 4)


def test_a_concave_corner_is_outside() -> None:
    notch = DrawnStructure(
        "notch", (Contour(0, "0 0, 20 0, 20 20, 10 5, 0 20"), Contour(1, "0 0, 9 0, 9 9")), "nothing"
    )
    field = notch.distance()
    assert at(field, 10, 15, 0) < 0
    assert at(field, 10, 3, 0) > 0


@pytest.mark.parametrize(
    "structure",
    [
        drawings.CAUDATE,
        drawings.LENTIFORM,
        drawings.THALAMUS,
        drawings.INTERNAL_CAPSULE,
        drawings.INSULA,
        drawings.FRONTAL_HORN_AND_BODY,
        drawings.ATRIUM_AND_TEMPORAL_HORN,
    ],
    ids=lambda structure: structure.name,
)
def test_every_drawing_is_in_rising_z_within_the_brain(structure: DrawnStructure) -> None:
    levels = [contour.z_mm for contour in structure.contours]
    assert levels == sorted(set(levels))
    for contour in structure.contours:
        points = contour.points()
        assert points.shape[1] == 2
        assert len(points) >= 4
        assert (points[:, 0] >= 0).all()
        assert (points[:, 0] < 60).all()
        assert (np.abs(points[:, 1]) < 90).all()

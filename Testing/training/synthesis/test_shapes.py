"""Distances of simple solids at points whose distance is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke_training.synthesis.shapes import Coordinates, Field, box, ellipsoid, shell, tube, union


def at(u: float, y: float, z: float) -> Coordinates:
    return Coordinates(*(np.array([c], dtype=np.float32) for c in (u, y, z)))


def only(field: Field) -> float:
    return float(field[0])


def test_a_sphere_is_as_far_as_its_centre_less_its_radius() -> None:
    assert only(ellipsoid(at(3, 4, 0), (0, 0, 0), (2, 2, 2))) == pytest.approx(3.0)
    assert only(ellipsoid(at(0, 1, 0), (0, 0, 0), (2, 2, 2))) == pytest.approx(-1.0)


def test_an_ellipsoid_is_zero_on_each_axis_end() -> None:
    for point in ((5, 0, 0), (0, 3, 0), (0, 0, 7)):
        assert only(ellipsoid(at(*point), (0, 0, 0), (5, 3, 7))) == pytest.approx(0.0, abs=1e-5)


def test_a_tube_widens_along_its_path() -> None:
    path: list[tuple[tuple[float, float, float], float]] = [((0, 0, 0), 1.0), ((0, 10, 0), 3.0)]
    assert only(tube(at(4, 0, 0), path)) == pytest.approx(3.0)
    assert only(tube(at(4, 5, 0), path)) == pytest.approx(2.0)
    assert only(tube(at(0, 16, 0), path)) == pytest.approx(3.0)


def test_a_box_measures_to_faces_and_corners() -> None:
    assert only(box(at(5, 0, 0), (-1, -1, -1), (1, 1, 1))) == pytest.approx(4.0)
    assert only(box(at(4, 5, 0), (-1, -1, -1), (1, 1, 1))) == pytest.approx(5.0)
    assert only(box(at(0, 0.5, 0), (-1, -1, -1), (1, 1, 1))) == pytest.approx(-0.5)


def test_a_shell_lies_outside_the_surface_and_a_union_takes_the_nearer() -> None:
    sphere = ellipsoid(at(3, 0, 0), (0, 0, 0), (2, 2, 2))
    assert only(shell(sphere, 2.0)) == pytest.approx(-1.0)
    assert only(union(sphere, sphere - 5.0)) == pytest.approx(-4.0)

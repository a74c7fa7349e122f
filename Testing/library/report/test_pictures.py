"""Slices for the browser: the image is the slice, and the paths are its outlines."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepstroke.report.axial import axial_slices, choose_levels
from deepstroke.report.outlines import MOVE, trace_outlines
from deepstroke.report.pictures import UNITS_PER_MM, picture_slices, spread_slices
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]


def points_of(path: str) -> list[NDArray[np.int_]]:
    """Corners of the polygons of an SVG path of the form ``M x y l dx dy ... z``."""
    polygons = []
    for start, steps in re.findall(r"M(-?\d+ -?\d+)l([-\d ]+)z", path):
        moves = [[int(v) for v in start.split()], *np.reshape([int(v) for v in steps.split()], (-1, 2)).tolist()]
        polygons.append(np.cumsum(moves, axis=0))
    assert "".join(re.split(r"M[-\d ]+l[-\d ]+z", path)) == ""
    return polygons


def test_every_slice_has_its_image(head: Head) -> None:
    slices = axial_slices(*head)
    pictures = picture_slices(slices, choose_levels(slices))
    assert [picture.number for picture in pictures] == list(range(1, 25))
    assert [picture.height_mm for picture in pictures[:3]] == [0.0, 5.0, 10.0]
    kind, data = pictures[9].image.split(",")
    assert kind == "data:image/webp;base64"
    grey = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"), dtype=float)
    assert grey.shape == slices.grey(9).shape
    assert np.abs(grey - slices.grey(9)).mean() < 3.0


def test_paths_are_the_outlines_without_drift(head: Head) -> None:
    slices = axial_slices(*head)
    picture = picture_slices(slices, choose_levels(slices))[9]
    outlines = list(trace_outlines(slices, 9))
    assert [(p.region, p.side) for p in picture.paths] == [(o.region, o.side) for o in outlines]
    for path, outline in zip(picture.paths, outlines, strict=True):
        polygons = points_of(path.path)
        assert len(polygons) == int((outline.codes == MOVE).sum())
        drawn = np.concatenate(polygons)
        exact = np.rint(outline.points_mm * UNITS_PER_MM)
        assert {tuple(p) for p in drawn.tolist()} <= {tuple(int(v) for v in p) for p in exact.tolist()}
        np.testing.assert_array_equal(drawn.min(axis=0), exact.min(axis=0))
        np.testing.assert_array_equal(drawn.max(axis=0), exact.max(axis=0))
        assert len(drawn) < len(exact) / 3  # straight runs are one step


def test_thin_slices_are_thinned_out_but_both_levels_are_kept(head: Head) -> None:
    slices = axial_slices(*head)
    numbers = [picture.number for picture in picture_slices(slices, choose_levels(slices), most=4)]
    assert numbers == [1, 9, 10, 15, 16, 24]


@pytest.mark.parametrize(
    ("count", "most", "expected"), [(3, 5, [0, 1, 2]), (10, 4, [0, 3, 6, 9]), (5, 5, [0, 1, 2, 3, 4])]
)
def test_spread_slices_keep_the_ends(count: int, most: int, expected: list[int]) -> None:
    assert spread_slices(range(count), most) == expected

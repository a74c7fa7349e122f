"""Outlines run along the pixels' borders."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke.report.axial import AxialSlices
from deepstroke.report.outlines import MOVE, Outline, trace_outlines

HEIGHT_MM, WIDTH_MM = 2.0, 0.5


def outlines_of(labels: NDArray) -> list[Outline]:
    slices = AxialSlices(np.zeros((1, *labels.shape)), labels[None].astype(np.uint8), (HEIGHT_MM, WIDTH_MM), 5.0)
    return list(trace_outlines(slices, 0))


def area(outline: Outline) -> float:
    """Area of all polygons, holes counted off (the shoelace formula)."""
    total = 0.0
    for polygon in np.split(outline.points_mm, np.flatnonzero(outline.codes == MOVE)[1:]):
        x, y = polygon.T
        total += 0.5 * float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return abs(total)


def test_a_rectangle_is_outlined_at_its_pixels_edges() -> None:
    labels = np.zeros((12, 30), np.uint8)
    labels[3:6, 10:20] = 15
    (outline,) = outlines_of(labels)
    assert (outline.region.abbreviation, outline.side) == ("M1", "right")
    np.testing.assert_allclose(outline.points_mm.min(axis=0), [10 * WIDTH_MM, 3 * HEIGHT_MM])
    np.testing.assert_allclose(outline.points_mm.max(axis=0), [20 * WIDTH_MM, 6 * HEIGHT_MM])
    corners_cut = 4 * 0.5 * 0.25 * HEIGHT_MM * WIDTH_MM
    assert area(outline) == pytest.approx(3 * 10 * HEIGHT_MM * WIDTH_MM - corners_cut)
    x, y = outline.centre_mm
    assert y == pytest.approx(4.5 * HEIGHT_MM)
    assert 10 * WIDTH_MM < x < 20 * WIDTH_MM


def test_holes_and_separate_parts_are_kept() -> None:
    labels = np.zeros((20, 40), np.uint8)
    labels[2:12, 2:22] = 1
    labels[5:9, 8:16] = 2
    labels[15:18, 30:38] = 1
    first, second = outlines_of(labels)
    assert [int((o.codes == MOVE).sum()) for o in (first, second)] == [3, 1]
    assert area(first) == pytest.approx(10 * 20 - 4 * 8 + 3 * 8, abs=2.0)
    assert area(second) == pytest.approx(4 * 8, abs=1.0)


def test_a_region_at_the_edge_of_the_slice_is_closed() -> None:
    labels = np.zeros((6, 8), np.uint8)
    labels[0:2, 0:3] = 20
    (outline,) = outlines_of(labels)
    np.testing.assert_allclose(outline.points_mm.min(axis=0), [0, 0])
    np.testing.assert_array_equal(outline.points_mm[0], outline.points_mm[-1])


def test_a_slice_without_labels_has_no_outline() -> None:
    assert outlines_of(np.zeros((6, 8), np.uint8)) == []

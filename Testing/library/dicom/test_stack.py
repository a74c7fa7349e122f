"""Slices in their places: order, missing geometry, and sampling outside the grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.dicom import choose_series, inspect, read_scan
from deepstroke.dicom.stack import stack_slices
from deepstroke.errors import GeometryError
from deepstroke.volume import LabelMap
from phantoms import axial_stack, ct_slices, write_series


def test_labels_keep_their_type_and_are_zero_outside_the_grid(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(axial_stack()))
    slices = read_scan(choose_series(inspect(tmp_path))).slices
    small = LabelMap(np.full((10, 12, 8), 7, np.uint8), np.diag([2.0, 2.0, 5.0, 1.0]))
    sampled = slices.sample(small)
    assert sampled.dtype == np.uint8
    assert sampled.shape == slices.shape == (32, 88, 80)
    ras = np.stack([slices.pixel_ras(k) for k in range(len(slices))])
    inside = ((ras > [-1, -1, -2.5]) & (ras < [19, 23, 37.5])).all(axis=-1)
    assert np.array_equal(sampled == 7, inside)


def test_offsets_rise_along_the_normal(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(axial_stack(tilt_deg=15.0)))
    slices = read_scan(choose_series(inspect(tmp_path))).slices
    assert np.allclose(np.diff(slices.offsets_mm), 5 * np.cos(np.radians(15)))
    assert np.allclose(slices.normal_ras, [0, -np.sin(np.radians(15)), np.cos(np.radians(15))])
    assert slices.tilt_deg == pytest.approx(15.0)
    assert len(slices.paths) == len(slices.read_sources()) == 32


def test_a_slice_without_a_place_makes_no_stack(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(axial_stack(), ImagePositionPatient=None))
    (record,) = inspect(tmp_path).series
    with pytest.raises(GeometryError, match=r"IM\d+: position, orientation or pixel spacing is missing"):
        stack_slices(record.headers)

"""Volumes know their place; label maps hold whole numbers; grids are compared in millimetres."""

from __future__ import annotations

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.volume import LabelMap, Volume

GRID = np.array([[0.5, 0, 0, -20.0], [0, 0.5, 0, -30.0], [0, 0, 5.0, 40.0], [0, 0, 0, 1.0]])


@pytest.mark.parametrize("shape", [(4,), (4, 4), (4, 0, 4), (2, 2, 2, 2)])
def test_a_volume_needs_three_axes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="three non-empty axes"):
        Volume(np.zeros(shape), GRID)


@pytest.mark.parametrize("dtype", [complex, object, "U3"])
def test_a_volume_holds_numbers(dtype: object) -> None:
    with pytest.raises(InputError, match="holds numbers"):
        Volume(np.zeros((2, 2, 2), dtype=dtype), GRID)  # type: ignore[call-overload]


def test_a_volume_checks_its_affine() -> None:
    with pytest.raises(GeometryError, match="singular"):
        Volume(np.zeros((2, 2, 2)), np.diag([1.0, 1.0, 0.0, 1.0]))


def test_measures_of_a_grid() -> None:
    volume = Volume(np.zeros((4, 5, 6)), GRID)
    assert volume.shape == (4, 5, 6)
    assert volume.spacing_mm == (0.5, 0.5, 5.0)
    assert volume.voxel_ml == pytest.approx(0.00125)
    assert volume.ras_of(np.array([2, 0, 1])).tolist() == [-19.0, -30.0, 45.0]
    assert volume.ijk_of(np.array([-19.0, -30.0, 45.0])) == pytest.approx([2.0, 0.0, 1.0])


def test_grids_are_the_same_within_a_thousandth_of_a_millimetre() -> None:
    volume = Volume(np.zeros((4, 5, 6)), GRID)
    near, far = GRID.copy(), GRID.copy()
    near[0, 3] += 5e-4
    far[2, 2] += 1e-3  # 5 mm further up at the sixth slice
    assert volume.same_grid(Volume(np.ones((4, 5, 6)), near))
    assert not volume.same_grid(Volume(np.ones((4, 5, 6)), far))
    assert not volume.same_grid(Volume(np.ones((4, 5, 7)), GRID))
    with pytest.raises(GeometryError, match="the mask lies on another grid"):
        volume.require_same_grid(Volume(np.ones((4, 5, 6)), far), "the mask")


def test_reoriented_volumes_keep_their_class_and_values() -> None:
    flipped = LabelMap(np.arange(8).reshape(2, 2, 2), np.diag([-1.0, 1.0, 1.0, 1.0]))
    upright = flipped.reoriented_to_ras()
    assert isinstance(upright, LabelMap)
    assert upright.data[1, 0, 0] == flipped.data[0, 0, 0]
    assert upright.ras_of(np.array([1, 0, 0])) == pytest.approx(flipped.ras_of(np.array([0, 0, 0])))


def test_other_data_must_fit_the_grid() -> None:
    volume = Volume(np.zeros((2, 3, 4)), GRID)
    assert volume.with_labels(np.ones((2, 3, 4), bool)).data.dtype == np.uint8
    assert type(LabelMap(np.zeros((2, 3, 4)), GRID).with_data(np.ones((2, 3, 4)))) is Volume
    with pytest.raises(GeometryError, match="doesn't fit the grid"):
        volume.with_data(np.zeros((4, 3, 2)))


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ([0.0, 1.5], "whole numbers"),
        ([0.0, np.nan], "whole numbers"),
        ([0.0, np.inf], "not finite or beyond"),
        ([0.0, 3e9], "not finite or beyond"),
        ([0, -1], "start at 0, found -1"),
    ],
)
def test_what_is_no_label_map_is_refused(values: list[float], cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        LabelMap(np.array(values).reshape(2, 1, 1), GRID)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(bool, np.uint8), (np.float32, np.uint8), (np.int64, np.uint8), (np.uint8, np.uint8), (np.int16, np.uint8)],
)
def test_small_labels_are_kept_in_bytes(given: type, kept: type) -> None:
    labels = LabelMap(np.array([0, 1], dtype=given).reshape(2, 1, 1), GRID)
    assert labels.data.dtype == kept
    assert labels.mask.ravel().tolist() == [False, True]


def test_large_labels_keep_their_type() -> None:
    assert LabelMap(np.array([0, 300], np.int16).reshape(2, 1, 1), GRID).data.dtype == np.int16


def test_present_labels_and_their_volumes() -> None:
    data = np.zeros((4, 5, 6), np.uint8)
    data[0] = 7
    data[1, 0] = 20
    labels = LabelMap(data, GRID)
    assert labels.present() == [7, 20]
    assert labels.volume_ml(7) == pytest.approx(30 * 0.00125)
    assert labels.volume_ml() == pytest.approx(36 * 0.00125)
    assert labels.volume_ml(3) == 0.0

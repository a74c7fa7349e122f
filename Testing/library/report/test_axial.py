"""Slices as radiologists see them, from any grid."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke.errors import GeometryError, InputError
from deepstroke.regions import BY_ABBREVIATION
from deepstroke.report.axial import Levels, axial_slices, choose_levels
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]


def centre_of(labels: NDArray, label: int) -> NDArray[np.float64]:
    """Mean slice, row and column of a label."""
    return np.argwhere(labels == label).mean(axis=0)


def test_left_is_on_the_right_anterior_on_top_and_the_base_comes_first(head: Head) -> None:
    slices = axial_slices(*head)
    for region in BY_ABBREVIATION.values():
        left, right = (centre_of(slices.labels, region.label(side)) for side in ("left", "right"))
        assert left[2] > right[2] + 5
    m1, m3, m4 = (centre_of(slices.labels, BY_ABBREVIATION[name].label("left")) for name in ("M1", "M3", "M4"))
    assert m1[1] < m3[1]
    assert m1[0] < m4[0]
    lesion = slices.hu[slices.labels == BY_ABBREVIATION["M2"].label("left")]
    assert (lesion == 24.0).all()
    assert (slices.pixel_mm, slices.slice_mm) == ((1.2, 0.9), 5.0)


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flipped", [(), (0,), (0, 1, 2)])
def test_the_order_of_voxel_axes_does_not_matter(
    head: Head, axes: tuple[int, int, int], flipped: tuple[int, ...]
) -> None:
    volume, labels = head
    turn = np.zeros((4, 4))
    turn[3, 3] = 1.0
    for new, old in enumerate(axes):
        turn[old, new] = -1.0 if new in flipped else 1.0
        turn[old, 3] = volume.shape[old] - 1 if new in flipped else 0.0

    def turned(data: NDArray) -> NDArray:
        return np.flip(data.transpose(axes), flipped)

    affine = volume.ijk_to_ras @ turn
    expected = axial_slices(volume, labels)
    found = axial_slices(Volume(turned(volume.data), affine), LabelMap(turned(labels.data), affine))
    np.testing.assert_array_equal(found.hu, expected.hu)
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert found.pixel_mm == pytest.approx(expected.pixel_mm)


def test_slices_are_cropped_to_the_skull_without_the_head_holder(head: Head) -> None:
    slices = axial_slices(*head)
    # The widest labelled slice crosses the skull at 2 * 72 by 2 * 90 mm; a margin of 12 mm stands around it, or what
    # the grid leaves of it: its last row lies 12 mm behind the skull.
    assert slices.width_mm == pytest.approx(144 + 24, abs=2.5)
    assert slices.height_mm == pytest.approx(180 + 24, abs=3.0)


def test_a_stripped_volume_is_cropped_to_the_brain(head: Head) -> None:
    volume, labels = head
    stripped = volume.with_data(np.where(volume.data == 900.0, -1000.0, volume.data))
    assert axial_slices(stripped, labels).width_mm == pytest.approx(0.92 * 144 + 24, abs=2.5)


def test_grey_is_the_stroke_window(head: Head) -> None:
    volume, labels = head
    hu = np.full(volume.shape, 20.0, np.float32)
    hu[:, :, 0] = np.nan
    hu[:, :, 1], hu[:, :, 2], hu[:, :, 3] = 40.0, 60.0, 3000.0
    slices = axial_slices(volume.with_data(hu), labels)
    assert [int(slices.grey(k)[0, 0]) for k in range(5)] == [0, 128, 255, 255, 0]


def test_levels_are_where_they_were_drawn(head: Head) -> None:
    # Lentiform and insula are widest at z = 5 (slice 9); M4-M6 begin at z = 16, so at slice 12 (z = 20), and the
    # slice 10 mm above that is 14.
    assert choose_levels(axial_slices(*head)) == Levels(9, 14)


def test_a_level_that_is_not_in_the_scan_is_none(head: Head) -> None:
    volume, labels = head
    upper = [BY_ABBREVIATION[name].label(side) for name in ("M4", "M5", "M6") for side in ("left", "right")]
    no_upper = labels.with_labels(np.where(np.isin(labels.data, upper), 0, labels.data))
    assert choose_levels(axial_slices(volume, no_upper)) == Levels(9, None)
    only_upper = labels.with_labels(np.where(np.isin(labels.data, upper), labels.data, 0))
    assert choose_levels(axial_slices(volume, only_upper)) == Levels(None, 14)


def test_what_cannot_be_shown(head: Head) -> None:
    volume, labels = head
    with pytest.raises(InputError, match="the label map is empty"):
        axial_slices(volume, labels.with_labels(np.zeros(labels.shape, np.uint8)))
    with pytest.raises(GeometryError, match="the label map lies on another grid"):
        axial_slices(volume, LabelMap(labels.data[1:], labels.ijk_to_ras))

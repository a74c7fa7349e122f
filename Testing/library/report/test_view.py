"""What the page's viewer holds: HU, place and labels of the scan, and how much is averaged."""

from __future__ import annotations

import base64
import gzip

import nibabel
import numpy as np
import pytest

from deepstroke.errors import GeometryError
from deepstroke.report.view import averaging_factors, make_view, to_base64
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]


def test_hu_and_places_are_kept(head: Head) -> None:
    volume, labels = head
    view = make_view(volume, labels)
    assert view.factors == (1, 1, 1)
    i, j, k = np.argwhere(view.labels.data == 6)[0]
    assert view.volume.data[i, j, k] == 24 + 100  # the lesion's HU above the lowest
    at = volume.ijk_of(view.volume.ras_of(np.array([i, j, k])))
    assert labels.data[tuple(np.rint(at).astype(int))] == 6
    assert np.bincount(view.labels.data.ravel())[1:].tolist() == np.bincount(labels.data.ravel())[1:].tolist()


def test_values_beyond_a_byte_are_limited(head: Head) -> None:
    view = make_view(*head)
    assert view.volume.data.min() == 0  # air of -1000 HU
    assert view.volume.data.max() == 255  # bone of 900 HU
    assert str(view) == "cropped to the head and limited to −100 to 155 HU in whole HU"


def test_what_is_unknown_is_shown_black(head: Head) -> None:
    volume, labels = head
    hu = volume.data.copy()
    hu[93, 86, 12] = np.nan
    assert make_view(volume.with_data(hu), labels).volume.data.min() == 0


def test_the_page_holds_a_nifti_that_other_software_reads(head: Head) -> None:
    view = make_view(*head)
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(to_base64(view.volume))))
    np.testing.assert_allclose(image.affine, view.volume.ijk_to_ras, atol=1e-4)
    np.testing.assert_array_equal(image.get_fdata(), view.volume.data.astype(float) - 100)
    labels = nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(to_base64(view.labels))))
    np.testing.assert_array_equal(np.asarray(labels.dataobj), view.labels.data)


@pytest.mark.parametrize(
    ("shape", "spacing", "factors"),
    [
        ((400, 480, 30), (0.45, 0.45, 5.0), (1, 1, 1)),
        ((400, 480, 260), (0.45, 0.45, 0.6), (1, 1, 5)),  # 49.9 million voxels into slices of 3 mm
        ((800, 900, 40), (0.2, 0.2, 5.0), (2, 2, 1)),
    ],
)
def test_thin_slices_are_averaged_before_pixels(
    shape: tuple[int, ...], spacing: tuple[float, float, float], factors: tuple[int, int, int]
) -> None:
    assert averaging_factors(shape, spacing) == factors


def test_an_averaged_block_lies_where_its_voxels_lay(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepstroke.report.view.MOST_VOXELS", 100_000)
    volume, labels = head
    view = make_view(volume, labels)
    assert view.factors[0] == view.factors[1] > 1
    places = np.argwhere(view.labels.data == 6)
    inside = volume.ijk_of(view.volume.ras_of(places.mean(axis=0)))
    np.testing.assert_allclose(inside, np.argwhere(labels.data == 6).mean(axis=0), atol=view.factors[0])
    assert view.volume.data[tuple(places[len(places) // 2])] == pytest.approx(124, abs=1)
    assert f"{view.factors[0]} × {view.factors[0]} pixels averaged" in str(view)


def test_two_grids_are_refused(head: Head) -> None:
    volume, labels = head
    with pytest.raises(GeometryError, match="lies on another grid"):
        make_view(Volume(volume.data, np.diag([2.0, 2.0, 5.0, 1.0])), labels)

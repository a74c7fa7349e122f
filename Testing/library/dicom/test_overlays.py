"""Outlines in overlay planes: packing, placing, pixel bits, byte order, frames, damage, and where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGLSLossless, RLELossless

from deepstroke.dicom import choose_series, inspect, read_scan
from deepstroke.dicom.overlays import OverlayPlanes, overlay_points, point_cloud, read_overlays
from deepstroke.dicom.stack import stack_slices
from deepstroke.errors import DicomSeriesError, GeometryError
from phantoms import (
    LANDMARK_RADIUS_MM,
    LANDMARK_RAS,
    Stack,
    axial_stack,
    ct_slices,
    multi_frame,
    set_stored,
    stored_values,
    write,
    write_series,
)

#: An odd number of columns, so that rows don't start on bytes.
STACK = axial_stack(columns=81, rows=87, spacing=(2.5, 2.2))


def outline(stack: Stack, k: int) -> NDArray[np.bool_]:
    """Pixels of slice k at the border of the landmark's ball, known from the definition of the phantom."""
    distance = np.linalg.norm(stack.pixel_lps(k) - LANDMARK_RAS * (-1, -1, 1), axis=-1)
    return np.abs(distance - LANDMARK_RADIUS_MM) < 1.3


OUTLINES = np.stack([outline(STACK, k) for k in range(len(STACK))])


def packed(mask: NDArray[np.bool_]) -> bytes:
    data = np.packbits(mask.ravel(), bitorder="little").tobytes()
    return data + b"\0" * (len(data) % 2)


def add_overlay(
    dataset: pydicom.Dataset, mask: NDArray[np.bool_], group: int = 0x6000, **changes: Any
) -> pydicom.Dataset:
    """Add an overlay (rows, columns) or (frames, rows, columns); ``changes`` set or, with None, leave out elements."""
    elements: dict[str, tuple[int, str, Any]] = {
        "rows": (0x10, "US", mask.shape[-2]),
        "columns": (0x11, "US", mask.shape[-1]),
        "frames": (0x15, "IS", mask.shape[0] if mask.ndim == 3 else None),
        "type": (0x40, "CS", "G"),
        "origin": (0x50, "SS", [1, 1]),
        "first_frame": (0x51, "US", None),
        "allocated": (0x100, "US", 1),
        "bit": (0x102, "US", 0),
        "label": (0x1500, "LO", "Secret^Person"),
        "data": (0x3000, "OW", packed(mask)),
    }
    for name, (element, vr, value) in elements.items():
        value = changes.get(name, value)
        if value is not None:
            dataset.add_new(group << 16 | element, vr, value)
    return dataset


def embed(dataset: pydicom.Dataset, mask: NDArray[np.bool_], bit: int = 12, group: int = 0x6000) -> pydicom.Dataset:
    """Put an overlay into an unused bit of the pixels."""
    set_stored(dataset, (stored_values(dataset).astype(np.uint16) | (mask.astype(np.uint16) << bit)).astype(np.uint16))
    return add_overlay(dataset, mask, group, data=None, allocated=16, bit=bit)


def read(folder: Path) -> OverlayPlanes:
    return read_overlays(choose_series(inspect(folder)))


def codes(planes: OverlayPlanes) -> list[str]:
    return [finding.code for finding in planes.findings]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
def test_an_outline_reads_back_bit_by_bit_in_every_byte_order(tmp_path: Path, syntax: str) -> None:
    slices = [add_overlay(d, OUTLINES[k]) for k, d in enumerate(ct_slices(STACK))]
    if syntax == ExplicitVRBigEndian:
        for dataset in slices:
            swapped = np.frombuffer(dataset[0x60003000].value, "<u2").byteswap().tobytes()
            dataset[0x60003000].value = swapped
    write_series(tmp_path, slices, syntax)
    planes = read(tmp_path)
    assert list(planes.groups) == [0x6000]
    np.testing.assert_array_equal(planes.groups[0x6000], OUTLINES)
    assert planes.findings == ()
    assert not planes.incomplete.any()


def test_the_outline_lies_in_the_patient_where_it_was_drawn(tmp_path: Path) -> None:
    tilted = axial_stack(tilt_deg=17.0, columns=81, rows=87)
    drawn = [add_overlay(d, outline(tilted, k)) for k, d in enumerate(ct_slices(tilted))]
    write_series(tmp_path, drawn)
    scan = read_scan(choose_series(inspect(tmp_path)))
    points = overlay_points(read_overlays(scan.series), scan.slices)
    lps = np.concatenate([tilted.pixel_lps(k)[outline(tilted, k)] for k in range(len(tilted))])
    np.testing.assert_allclose(sorted(points.tolist()), sorted((lps * (-1, -1, 1)).tolist()), atol=1e-6)
    radii = np.linalg.norm(points - LANDMARK_RAS, axis=1)
    assert np.abs(radii - LANDMARK_RADIUS_MM).max() < 1.3
    cloud = point_cloud(points, scan.volume)
    assert cloud.data.sum() == len(points)
    voxels = cloud.ras_of(np.argwhere(cloud.data))
    assert np.abs(np.linalg.norm(voxels - LANDMARK_RAS, axis=1) - LANDMARK_RADIUS_MM).max() < 1.3 + 4.2
    assert (voxels[:, 0] < 0).all()


@pytest.mark.parametrize("origin", [(11, 5), (-3, 1), (60, 70)])
def test_an_overlay_is_placed_at_its_origin_and_what_leaves_the_image_is_flagged(
    tmp_path: Path, origin: tuple[int, int]
) -> None:
    small = np.zeros((30, 13), bool)
    small[0, 0] = small[7, 12] = small[29, 3] = True
    slices = [add_overlay(d, small, origin=list(origin)) for d in ct_slices(STACK)]
    write_series(tmp_path, slices)
    planes = read(tmp_path)
    expected = {(r + origin[0] - 1, c + origin[1] - 1) for r, c in ((0, 0), (7, 12), (29, 3))}
    inside = {(r, c) for r, c in expected if 0 <= r < 87 and 0 <= c < 81}
    for plane in planes.groups[0x6000]:
        assert {tuple(place) for place in np.argwhere(plane).tolist()} == inside
    clipped = inside != expected
    assert codes(planes) == (["overlay-clipped"] if clipped else []) + ["overlay-off-origin"]
    assert planes.incomplete.all() == clipped


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
@pytest.mark.parametrize("is_signed", [False, True])
def test_outlines_in_pixel_bits_are_read_and_the_image_is_as_without_them(
    tmp_path: Path, syntax: str, is_signed: bool
) -> None:
    tags = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": int(is_signed)}
    tags["RescaleIntercept"] = 0.0 if is_signed else -1024.0
    plain, drawn = (ct_slices(STACK, **tags) for _ in range(2))
    for dataset in (*plain, *drawn):
        set_stored(dataset, stored_values(dataset).astype(np.int64) & 0x0FFF if is_signed else stored_values(dataset))
    for k, dataset in enumerate(drawn):
        dataset.PixelRepresentation = 0
        embed(dataset, OUTLINES[k], bit=14)
        embed(dataset, OUTLINES[k][::-1], bit=12, group=0x6002)
        dataset.PixelRepresentation = int(is_signed)
    write_series(tmp_path / "plain", plain, syntax)
    write_series(tmp_path / "drawn", drawn, syntax)
    scans = [read_scan(choose_series(inspect(tmp_path / name))) for name in ("plain", "drawn")]
    np.testing.assert_array_equal(scans[1].volume.data, scans[0].volume.data)
    assert scans[1].volume.data.min() < -900
    planes = read_overlays(scans[1].series)
    np.testing.assert_array_equal(planes.groups[0x6000], OUTLINES)
    np.testing.assert_array_equal(planes.groups[0x6002], OUTLINES[:, ::-1])
    assert planes.findings == ()


def test_an_outline_that_transcoding_dropped_is_flagged(tmp_path: Path) -> None:
    slices = [embed(d, OUTLINES[k], bit=13) for k, d in enumerate(ct_slices(STACK, BitsStored=12, HighBit=11))]
    for dataset in slices:
        set_stored(dataset, stored_values(dataset) & 0x0FFF)
    write_series(tmp_path, slices, JPEGLSLossless)
    planes = read(tmp_path)
    assert codes(planes) == ["overlay-lost"]
    assert planes.is_empty
    assert planes.incomplete.all()


def test_a_truncated_overlay_keeps_the_image_and_flags_the_label(tmp_path: Path) -> None:
    slices = [add_overlay(d, OUTLINES[k]) for k, d in enumerate(ct_slices(STACK))]
    slices[18] = add_overlay(slices[18], OUTLINES[18], data=packed(OUTLINES[18])[:400])
    write_series(tmp_path, slices)
    scan = read_scan(choose_series(inspect(tmp_path)))
    assert scan.volume.shape[2] == len(STACK)
    planes = read_overlays(scan.series)
    assert codes(planes) == ["overlay-truncated"]
    assert "6000 is cut short on 1 of 32 slices" in planes.findings[0].message
    assert np.flatnonzero(planes.incomplete).tolist() == [18]
    kept = np.arange(87 * 81).reshape(87, 81) < 400 * 8
    np.testing.assert_array_equal(planes.groups[0x6000][18], OUTLINES[18] & kept)
    np.testing.assert_array_equal(planes.groups[0x6000][17], OUTLINES[17])


def test_frames_of_a_multi_frame_overlay_lie_on_the_frames_of_the_image(tmp_path: Path) -> None:
    order = np.random.default_rng(4).permutation(len(STACK))
    image = multi_frame(ct_slices(STACK), order)
    add_overlay(image, OUTLINES[order][3:20], first_frame=4)
    add_overlay(image, OUTLINES[0] | OUTLINES[18], group=0x601E)
    write(image, tmp_path / "IM1")
    planes = read(tmp_path)
    drawn = np.isin(np.arange(len(STACK)), order[3:20])
    np.testing.assert_array_equal(planes.groups[0x6000], OUTLINES & drawn[:, None, None])
    assert (planes.groups[0x601E] == (OUTLINES[0] | OUTLINES[18])).all()
    assert OUTLINES[drawn].any()


def test_a_group_beyond_601e_is_flagged_and_not_read(tmp_path: Path) -> None:
    write_series(tmp_path, [add_overlay(d, OUTLINES[18], group=0x6020) for d in ct_slices(STACK)])
    planes = read(tmp_path)
    assert codes(planes) == ["overlay-beyond-601E"]
    assert planes.groups == {}
    assert planes.union() is None


@pytest.mark.parametrize("changes", [{"rows": 65535}, {"rows": 0}, {"columns": 60000}, {"rows": None}, {"bit": 99}])
def test_an_impossible_overlay_is_left_out(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_series(tmp_path, [add_overlay(d, OUTLINES[18], **changes) for d in ct_slices(STACK)])
    planes = read(tmp_path)
    assert codes(planes) == ["overlay-impossible"]
    assert planes.is_empty
    assert planes.incomplete.all()


def test_no_text_of_the_overlay_reaches_findings(tmp_path: Path) -> None:
    write_series(tmp_path, [add_overlay(d, OUTLINES[18], origin=[40, 40]) for d in ct_slices(STACK)])
    assert "Secret" not in str(read(tmp_path).findings)


def test_a_series_without_overlays_has_none(tmp_path: Path) -> None:
    write_series(tmp_path, ct_slices(STACK))
    planes = read(tmp_path)
    assert planes.is_empty
    assert planes.findings == ()
    slices = stack_slices(choose_series(inspect(tmp_path)).headers)
    assert overlay_points(planes, slices).shape == (0, 3)


def test_overlays_of_another_series_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "a", [add_overlay(d, OUTLINES[18]) for d in ct_slices(STACK)])
    write_series(tmp_path / "b", ct_slices(STACK.only(range(30))))
    slices = stack_slices(choose_series(inspect(tmp_path / "b")).headers)
    with pytest.raises(GeometryError, match=r"\(32, 87, 81\) slices, rows and columns don't fit"):
        overlay_points(read(tmp_path / "a"), slices)


def test_a_file_that_vanished_is_an_error(tmp_path: Path) -> None:
    paths = write_series(tmp_path, [add_overlay(d, OUTLINES[18]) for d in ct_slices(STACK)])
    series = choose_series(inspect(tmp_path))
    paths[3].unlink()
    with pytest.raises(DicomSeriesError, match=f"{paths[3].name}: can't be read"):
        read_overlays(series)

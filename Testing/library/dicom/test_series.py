"""What one series identifier mixes is parted, copies are dropped, and what can't be told apart is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from deepstroke.dicom import SeriesRecord, choose_series, inspect, read_scan
from deepstroke.errors import DicomSeriesError
from phantoms import axial_stack, ct_slices, set_stored, stored_values, write, write_series

STACK = axial_stack()
SERIES = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.3.5"}


def slices(stack: Any = STACK, **tags: Any) -> list[pydicom.Dataset]:
    return ct_slices(stack, series=SERIES, **tags)


def records(folder: Path, *parts: list[pydicom.Dataset]) -> tuple[SeriesRecord, ...]:
    write_series(folder, [dataset for part in parts for dataset in part])
    return inspect(folder).series


def codes(record: SeriesRecord) -> set[str]:
    return {reason.code for reason in record.reasons}


def test_a_localizer_in_the_series_is_split_out(tmp_path: Path) -> None:
    scout = axial_stack([0.0], column_direction=(0, 0, -1), rows=64)
    head, localizer = records(tmp_path, slices(), slices(scout, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))
    assert (head.slices, head.usable, head.part) == (32, True, 1)
    assert (localizer.slices, codes(localizer), localizer.part) == (1, {"localizer"}, 2)
    assert "split-series" in {finding.code for finding in head.findings}


@pytest.mark.parametrize(
    "other",
    [
        axial_stack(rows=64),
        axial_stack(spacing=(1.5, 1.5)),
        axial_stack(tilt_deg=20.0),
    ],
    ids=["size", "spacing", "orientation"],
)
def test_a_mix_of_geometries_is_parted_and_the_whole_stack_is_usable(other: Any, tmp_path: Path) -> None:
    head, rest = records(tmp_path, slices(), slices(other.only([3, 4, 5])))
    assert (head.slices, head.usable) == (32, True)
    assert (rest.slices, rest.usable) == (3, False)
    assert choose_series(inspect(tmp_path), "1.2.3.4").slices == 32


def test_slices_of_another_size_in_the_middle_leave_a_gap(tmp_path: Path) -> None:
    whole = slices()
    odd = slices(axial_stack(rows=64).only([16]))
    head, _ = records(tmp_path, whole[:16] + whole[17:], odd)
    assert "gap-in-series" in codes(head)


def test_exact_copies_are_dropped_by_their_pixels(tmp_path: Path) -> None:
    whole = slices()
    copy = slices()[7]
    copy.SOPInstanceUID = generate_uid()
    (record,) = records(tmp_path, whole, [copy])
    assert (record.slices, record.usable) == (32, True)
    assert [f.message for f in record.findings if f.code == "duplicates-removed"] == [
        "1 exact copies of slices were left out"
    ]


def _with_noise(datasets: list[pydicom.Dataset]) -> list[pydicom.Dataset]:
    for seed, dataset in enumerate(datasets):
        noise = np.random.default_rng(seed).integers(0, 3, (dataset.Rows, dataset.Columns))
        set_stored(dataset, stored_values(dataset) + noise)
    return datasets


@pytest.mark.parametrize(
    "tags",
    [{"AcquisitionNumber": 2}, {"ConvolutionKernel": "SOFT"}, {"AcquisitionTime": "120000"}, {"KVP": 80}],
    ids=lambda tags: next(iter(tags)),
)
def test_a_repeated_scan_is_parted_by_what_tells_it_apart(tags: dict[str, Any], tmp_path: Path) -> None:
    first, second = records(tmp_path, slices(), _with_noise(slices(**tags)))
    assert first.slices == second.slices == 32
    assert first.usable
    assert second.usable
    assert {first.part, second.part} == {1, 2}
    assert not np.array_equal(read_scan(first).volume.data, read_scan(second).volume.data)


def test_a_repeated_scan_is_parted_by_consecutive_instance_numbers(tmp_path: Path) -> None:
    again = _with_noise(slices())
    for number, dataset in enumerate(again, start=33):
        dataset.InstanceNumber = number
    first, second = records(tmp_path, slices(), again)
    assert first.slices == second.slices == 32
    assert {header.instance_number for header in first.headers} in ({*range(1, 33)}, {*range(33, 65)})


def test_other_pixels_at_one_place_are_refused_where_nothing_tells_them_apart(tmp_path: Path) -> None:
    (record,) = records(tmp_path, slices(), _with_noise(slices())[10:12])
    assert codes(record) == {"same-position"}
    assert "2 places hold several slices" in record.reasons[0].message
    with pytest.raises(DicomSeriesError, match="nothing tells them apart"):
        choose_series(inspect(tmp_path))


def test_rounded_orientations_are_one_stack(tmp_path: Path) -> None:
    whole = slices(axial_stack(tilt_deg=18.5))
    for number, dataset in enumerate(whole):
        dataset.ImageOrientationPatient = [1, 0, 0, 0, round(0.9483237 + 1e-4 * (number % 2), 4), -0.3173]
    (record,) = records(tmp_path, whole)
    assert record.usable
    assert record.tilt_deg == pytest.approx(18.5, abs=0.05)


@pytest.mark.parametrize("orientation", [[1, 0, 0, 0, 0.9, 0], [1, 0, 0, 0.2, 0.98, 0], [0, 0, 0, 0, 0, 0]])
def test_axes_that_are_not_orthonormal_are_refused(orientation: list[float], tmp_path: Path) -> None:
    (record,) = records(tmp_path, slices(ImageOrientationPatient=orientation))
    assert codes(record) == {"bad-orientation"}


@pytest.mark.parametrize(
    ("keyword", "code"),
    [
        ("ImagePositionPatient", "no-position"),
        ("ImageOrientationPatient", "no-orientation"),
        ("PixelSpacing", "no-pixel-spacing"),
        ("FrameOfReferenceUID", "no-frame-of-reference"),
        ("RescaleSlope", "no-rescale"),
        ("RescaleIntercept", "no-rescale"),
    ],
)
def test_what_geometry_and_density_need_is_named_where_it_is_missing(keyword: str, code: str, tmp_path: Path) -> None:
    (record,) = records(tmp_path, slices(**{keyword: None}))
    assert codes(record) == {code}
    with pytest.raises(DicomSeriesError, match="32 of 32 slices"):
        choose_series(inspect(tmp_path))


def test_one_slice_without_a_position_stands_apart_from_the_rest(tmp_path: Path) -> None:
    whole = slices()
    del whole[31].ImagePositionPatient
    first, second = records(tmp_path, whole)
    assert (first.slices, codes(first)) == (31, set())
    assert (second.slices, codes(second)) == (1, {"no-position"})


@pytest.mark.parametrize("spacing", [[0, 0], [-1, 1]])
def test_a_pixel_spacing_that_is_not_positive_is_refused(spacing: list[float], tmp_path: Path) -> None:
    (record,) = records(tmp_path, slices(PixelSpacing=spacing))
    assert codes(record) == {"no-pixel-spacing"}


def test_positions_that_are_no_numbers_count_as_missing(tmp_path: Path) -> None:
    for path in write_series(tmp_path, slices()):
        data = path.read_bytes()
        at = data.index(b"\x20\x00\x32\x00DS") + 8
        path.write_bytes(data[:at] + b"abc" + data[at + 3 :])
    (record,) = inspect(tmp_path).series
    assert codes(record) == {"no-position"}


def test_files_without_a_series_are_rejected(tmp_path: Path) -> None:
    write(ct_slices(STACK, SeriesInstanceUID=None)[0], tmp_path / "IM1")
    (entry,) = inspect(tmp_path).rejected
    assert entry.code == "no-series-uid"

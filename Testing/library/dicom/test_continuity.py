"""Gaps, missing ends, coverage and uneven steps are found and stated in mm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepstroke.dicom import SeriesRecord, choose_series, inspect
from deepstroke.errors import DicomSeriesError
from phantoms import axial_stack, ct_slices, write_series

#: Steps of 4 mm below, one overlap, 7 mm above, as a real scanner does it.
TWO_STEPS = [*np.arange(-77.0, -44.0, 4.0), -43.9, *np.arange(-36.9, 75.0, 7.0)]


def record_of(folder: Path, heights: Sequence[float] | None = None, keep: Any = None, **tags: Any) -> SeriesRecord:
    thickness = tags.pop("thickness", 5.0)
    slices = ct_slices(axial_stack(heights, thickness=thickness), **tags)
    write_series(folder, slices if keep is None else [slices[k] for k in keep])
    (record,) = inspect(folder).series
    return record


def messages(record: SeriesRecord, code: str) -> list[str]:
    return [entry.message for entry in (*record.reasons, *record.findings) if entry.code == code]


def test_a_missing_middle_slice_is_refused_with_its_gap_in_mm(tmp_path: Path) -> None:
    record = record_of(tmp_path, keep=[k for k in range(32) if k != 15])
    (message,) = messages(record, "gap-in-series")
    assert "a gap of 10.00 mm between slices 15 and 16 of 31, where 5.00 mm is usual" in message
    assert "instance numbers jump from 15 to 17" in message
    with pytest.raises(DicomSeriesError, match=r"gap of 10\.00 mm") as caught:
        choose_series(inspect(tmp_path))
    assert caught.value.code == "gap-in-series"


def test_a_small_gap_of_a_thin_series_is_bridged_and_flagged(tmp_path: Path) -> None:
    heights = np.arange(-77.0, 78.0, 2.0)
    record = record_of(tmp_path, heights, keep=[k for k in range(len(heights)) if k != 30], thickness=2.0)
    assert record.usable
    assert "4.00 mm" in messages(record, "small-gap")[0]


def test_a_change_of_step_within_the_series_is_no_gap(tmp_path: Path) -> None:
    record = record_of(tmp_path, TWO_STEPS)
    assert record.usable
    assert messages(record, "uneven-steps") == [
        "the step between slices varies from 1.10 to 7.00 mm; true positions were used"
    ]


def test_a_missing_slice_is_found_in_a_series_that_changes_its_step(tmp_path: Path) -> None:
    record = record_of(tmp_path, TWO_STEPS, keep=[k for k in range(len(TWO_STEPS)) if k != 18], thickness=7.0)
    assert "a gap of 14.00 mm" in messages(record, "gap-in-series")[0]


def test_slices_with_planned_gaps_between_them_are_usable(tmp_path: Path) -> None:
    assert record_of(tmp_path, np.arange(-77.0, 78.0, 7.0), thickness=5.0).usable


def test_missing_end_slices_show_in_the_instance_numbers(tmp_path: Path) -> None:
    record = record_of(tmp_path, keep=range(3, 32))
    assert record.usable
    assert messages(record, "missing-slices") == [
        "instance numbers 1-3 are missing (found 4 to 32); check that no slice was lost"
    ]


def test_announced_slices_that_are_not_there_are_missed(tmp_path: Path) -> None:
    record = record_of(tmp_path, keep=range(28), ImagesInAcquisition=32)
    assert messages(record, "missing-slices")[0].startswith("28 of 32 announced slices")


def test_half_a_brain_is_refused_with_its_height(tmp_path: Path) -> None:
    record = record_of(tmp_path, keep=range(14))
    assert messages(record, "coverage") == ["the slices cover 70 mm; a whole brain needs about 100 mm or more"]
    with pytest.raises(DicomSeriesError, match="cover 70 mm"):
        choose_series(inspect(tmp_path))


def test_little_more_than_a_brain_is_flagged(tmp_path: Path) -> None:
    record = record_of(tmp_path, keep=range(6, 28))
    assert record.usable
    assert record.coverage_mm == pytest.approx(110.0)
    assert messages(record, "short-coverage")


def test_a_vertex_that_lies_above_the_highest_slice_is_flagged(tmp_path: Path) -> None:
    assert messages(record_of(tmp_path / "whole"), "vertex-missing") == []
    record = record_of(tmp_path / "cut", keep=range(24))
    assert "brain; the vertex is missing" in messages(record, "vertex-missing")[0]


def test_two_slices_make_no_volume(tmp_path: Path) -> None:
    (message,) = messages(record_of(tmp_path, keep=range(2)), "too-few-slices")
    assert message == "2 slices; a volume needs 3 or more, so give the folder that holds the whole series"


def test_slices_side_by_side_make_no_stack(tmp_path: Path) -> None:
    slices = ct_slices(axial_stack())
    slices[4].ImagePositionPatient = [
        float(v) + d for v, d in zip(slices[5].ImagePositionPatient, (9, 0, 0), strict=True)
    ]
    write_series(tmp_path, slices)
    (record,) = inspect(tmp_path).series
    assert [reason.code for reason in record.reasons] == ["same-plane"]


@pytest.mark.parametrize("tilt", [-18.5, 0.0, 10.5])
def test_tilt_comes_from_the_positions_and_never_from_its_tag(tilt: float, tmp_path: Path) -> None:
    slices = ct_slices(axial_stack(tilt_deg=tilt), GantryDetectorTilt=-33.0)
    write_series(tmp_path, slices)
    (record,) = inspect(tmp_path).series
    assert record.tilt_deg == pytest.approx(abs(tilt), abs=1e-3)
    assert bool(messages(record, "gantry-tilt")) == (tilt != 0)

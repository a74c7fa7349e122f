"""What tags say against a series: each kind of it is excluded by name, and plain CT with odd wording isn't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deepstroke.dicom import SeriesRecord, choose_series, inspect
from deepstroke.errors import DicomSeriesError
from phantoms import axial_stack, ct_slices, write_series

STACK = axial_stack()


def record_of(folder: Path, **tags: Any) -> SeriesRecord:
    write_series(folder, ct_slices(STACK, **tags))
    (record,) = inspect(folder).series
    return record


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"Modality": "MR"}, "not-ct"),
        ({"Modality": "PT"}, "not-ct"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "secondary-capture"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"SeriesDescription": "Topogram 0.6 T80f"}, "localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "SeriesDescription": "Dose Report"}, "derived"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "derived"),
        ({"ImageType": ["DERIVED", "PRIMARY", "MIP"]}, "derived"),
        ({"SeriesDescription": "Patient Protocol"}, "derived"),
        ({"SeriesDescription": "CBF map"}, "derived"),
        ({"RescaleType": "EDW"}, "not-hounsfield"),
        ({"RescaleSlope": None, "RescaleIntercept": None}, "no-rescale"),
        ({"BodyPartExamined": "CHEST", "SeriesDescription": "Lung 5.0"}, "not-a-head"),
        ({"ContrastBolusAgent": "Iomeprol 400"}, "contrast"),
        ({"SeriesDescription": "CTA Head 1.0"}, "contrast"),
        ({"SeriesDescription": "HEAD W CONTRAST"}, "contrast"),
        ({"SeriesDescription": "Head +C 5.0"}, "contrast"),
        ({"SeriesDescription": "Brain CE"}, "contrast"),
        ({"SeriesDescription": "POST_CON_HEAD"}, "contrast"),
        ({"SeriesDescription": "Enhanced head"}, "contrast"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_series_that_is_no_plain_head_ct_is_excluded_by_name(tags: dict[str, Any], code: str, tmp_path: Path) -> None:
    record = record_of(tmp_path, **tags)
    assert [reason.code for reason in record.reasons] == [code]
    with pytest.raises(DicomSeriesError, match="no usable non-contrast head CT") as caught:
        choose_series(inspect(tmp_path))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "description",
    [
        "HEAD WO CONTRAST",
        "HEAD W/O CONTRAST",
        "Head without contrast",
        "NON-CONTRAST HEAD",
        "Head noncon",
        "HEAD C-",
        "HEAD -C 5.0",
        "NCCT",
        "Unenhanced brain",
        "CCT nativ",
        "Craneo sin contraste",
        "Routine Head 5.0 H31s",
        "C-spine and head",
        "",
    ],
)
def test_descriptions_of_plain_ct_are_not_taken_for_contrast(description: str, tmp_path: Path) -> None:
    record = record_of(tmp_path, SeriesDescription=description)
    assert record.usable
    assert not record.contrast


@pytest.mark.parametrize("agent", ["", "NONE", "No", "W/O", "0"])
def test_an_agent_that_says_none_is_none(agent: str, tmp_path: Path) -> None:
    assert record_of(tmp_path, ContrastBolusAgent=agent).usable


def test_tags_that_contradict_each_other_on_contrast_are_flagged(tmp_path: Path) -> None:
    record = record_of(tmp_path, SeriesDescription="HEAD WO CONTRAST", ContrastBolusAgent="Iomeprol")
    assert record.usable
    assert "contrast-contradiction" in {finding.code for finding in record.findings}


@pytest.mark.parametrize(("column", "plane"), [((0, 0, -1), "coronal"), (None, "sagittal")])
def test_reformats_are_excluded_and_named(column: Any, plane: str, tmp_path: Path) -> None:
    row = (1, 0, 0) if column else (0, 1, 0)
    stack = axial_stack(row_direction=row, column_direction=(0, 0, -1))
    write_series(tmp_path, ct_slices(stack, ImageType=["DERIVED", "PRIMARY", "MPR"]))
    (record,) = inspect(tmp_path).series
    assert record.orientation == plane
    assert [reason.code for reason in record.reasons] == [plane]
    assert record.reasons[0].message == f"{plane} slices; the axial series is needed"


def test_derived_axial_slices_are_usable_but_second_best(tmp_path: Path) -> None:
    write_series(tmp_path / "a", ct_slices(STACK, ImageType=["DERIVED", "PRIMARY", "AXIAL"], SeriesNumber=1))
    write_series(tmp_path / "b", ct_slices(STACK, SeriesNumber=2))
    original, derived = inspect(tmp_path).series
    assert (original.number, derived.number) == (2, 1)
    assert derived.usable
    assert original.score > derived.score


def test_a_wrong_body_part_is_overruled_by_the_description(tmp_path: Path) -> None:
    assert record_of(tmp_path, BodyPartExamined="ABDOMEN", SeriesDescription="Brain 5.0").usable

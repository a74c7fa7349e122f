"""Structured reports: what is said of each region and side comes back by its codes, and is valid DICOM."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from deepstroke.dicom.seg import Algorithm, write_segmentation
from deepstroke.dicom.sr import (
    Assessment,
    RegionStatement,
    ScoreStatement,
    read_report,
    write_structured_report,
)
from deepstroke.errors import InputError
from deepstroke.regions import SIDE_CODE, SIDED_REGIONS
from phantoms_slices import ct_series, drawn_labels

ATLAS = Algorithm("atlas", parameters={"engine": "fast", "atlas": "test 1.0"})
#: The left IC has no voxel; it can't be judged. The left M2 is involved.
ABSENT = 3


def statements() -> tuple[RegionStatement, ...]:
    """A volume, a mean and a median of each region that no other region has."""
    made = []
    for label, (region, side) in enumerate(SIDED_REGIONS, start=1):
        if label == ABSENT:
            made.append(RegionStatement(region, side, 0.0, verdict="indeterminate"))
            continue
        verdict = "present" if (region.abbreviation, side) == ("M2", "left") else "absent"
        made.append(RegionStatement(region, side, label + 0.25, 30 + label / 4, 31 + label / 4, verdict, 0.5, 0.75))
    return tuple(made)


def assessment() -> Assessment:
    scores = (ScoreStatement("left", 9, 8), ScoreStatement("right", 10, 10))
    return Assessment(statements(), scores, ATLAS, "left", ("The gantry was tilted by 18.5 degrees.",))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[pydicom.Dataset], Path, Path]:
    """The source slices, their segmentation and the report."""
    folder = tmp_path_factory.mktemp("sr")
    series, labels = ct_series(), drawn_labels()
    labels[labels == ABSENT] = 0
    write_segmentation(series, labels, folder / "labels.seg.dcm", algorithm=ATLAS)
    write_structured_report(series, folder / "labels.seg.dcm", assessment(), folder / "report.sr.dcm")
    return series, folder / "labels.seg.dcm", folder / "report.sr.dcm"


def test_every_statement_comes_back(written: tuple) -> None:
    stored = read_report(written[2])
    assert tuple(stored.regions[place] for place in SIDED_REGIONS) == statements()
    assert stored.scores == {"left": 9, "right": 10}
    assert stored.notes[0].startswith("Research use only. Not a medical device.")
    assert stored.notes[1:] == ("The gantry was tilted by 18.5 degrees.",)


def walk(item: pydicom.Dataset) -> list[pydicom.Dataset]:
    return [node for child in item.get("ContentSequence", []) for node in (child, *walk(child))]


def meaning(item: pydicom.Dataset) -> str:
    names = item.get("ConceptNameCodeSequence")
    return str(names[0].CodeMeaning) if names else ""


def test_segment_site_and_side_of_a_group_agree(written: tuple) -> None:
    """Read with pydicom alone, independent of the code under test."""
    report, segmentation = pydicom.dcmread(written[2]), pydicom.dcmread(written[1])
    groups = [item for item in walk(report) if meaning(item) == "Measurement Group"]
    assert len(groups) == 22
    seen = {}
    for group in groups[:20]:
        site = next(item for item in group.ContentSequence if meaning(item) == "Finding Site")
        sides = [item.ConceptCodeSequence[0].CodeValue for item in walk(site) if meaning(item) == "Laterality"]
        numbers = [
            item.ReferencedSOPSequence[0].ReferencedSegmentNumber
            for item in group.ContentSequence
            if item.ValueType == "IMAGE" and "ReferencedSegmentNumber" in item.ReferencedSOPSequence[0]
        ]
        volume = next(item for item in group.ContentSequence if meaning(item) == "Volume")
        seen[site.ConceptCodeSequence[0].CodeValue, sides[0]] = (
            numbers, float(volume.MeasuredValueSequence[0].NumericValue),
        )  # fmt: skip
    for label, (region, side) in enumerate(SIDED_REGIONS, start=1):
        expected = ([], 0.0) if label == ABSENT else ([label], label + 0.25)
        assert seen[region.code.value, SIDE_CODE[side].value] == expected
    assert segmentation.SegmentSequence[5].SegmentLabel == "Left M2"


def test_codes_and_units(written: tuple) -> None:
    report = pydicom.dcmread(written[2])
    units = {
        meaning(item): item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue
        for item in walk(report)
        if item.ValueType == "NUM"
    }
    assert units["Attenuation Coefficient"] == "[hnsf'U]"
    assert units["Volume"] == "cm3"
    assert units["Alberta Stroke Program Early CT Score"] == "{score}"
    finding_types = {item.ConceptCodeSequence[0].CodeValue for item in walk(report) if meaning(item) == "Finding"}
    assert "1290003007" in finding_types
    text = str([item.to_json() for item in walk(report)])
    assert "414722000" not in text  # arteries that are called M1 and M2 too
    assert "414723005" not in text
    assert report.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99DEEPSTROKE"


def test_it_belongs_to_the_study_and_carries_nothing_more_of_the_patient(written: tuple) -> None:
    series, _, path = written
    report = pydicom.dcmread(path)
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber", "StudyDate"):
        assert report[keyword].value == series[0][keyword].value
    assert "lives alone" not in str(report)  # the source's patient comments
    assert report.CompletionFlag == "COMPLETE"
    assert report.VerificationFlag == "UNVERIFIED"


def test_without_a_score_no_number_is_written(written: tuple, tmp_path: Path) -> None:
    series, segmentation, _ = written
    unscored = Assessment(
        tuple(replace(one, verdict=None, probability=None, confidence=None) for one in statements()),
        (ScoreStatement("left", None), ScoreStatement("right", None)),
        ATLAS,
    )
    write_structured_report(series, segmentation, unscored, tmp_path / "r.dcm")
    stored = read_report(tmp_path / "r.dcm")
    assert stored.scores == {"left": None, "right": None}
    assert {one.verdict for one in stored.regions.values()} == {None}


def test_faulty_input_is_refused(written: tuple, tmp_path: Path) -> None:
    series, segmentation, report = written

    def write(said: Assessment, sources: list[pydicom.Dataset] = series, segments: Path = segmentation) -> None:
        write_structured_report(sources, segments, said, tmp_path / "r.dcm")

    with pytest.raises(InputError, match="each of the 20 sided regions once, found 19"):
        write(replace(assessment(), regions=statements()[1:]))
    with pytest.raises(InputError, match="score of both sides once, found \\['left'\\]"):
        write(replace(assessment(), scores=assessment().scores[:1]))
    with pytest.raises(InputError, match="not a readable DICOM Segmentation"):
        write(assessment(), segments=report)
    other = ct_series()
    with pytest.raises(InputError, match="belongs to another study"):
        write(assessment(), sources=other)
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_report(written: tuple, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no measurement group"):
        read_report(written[1])
    (tmp_path / "text.dcm").write_text("not DICOM")
    with pytest.raises(InputError, match="not a readable structured report"):
        read_report(tmp_path / "text.dcm")


def test_a_region_without_side_is_refused(written: tuple, tmp_path: Path) -> None:
    report = pydicom.dcmread(written[2])
    for item in walk(report):
        if meaning(item) == "Laterality":
            item.ConceptCodeSequence[0].CodeValue = "51440002"  # right and left
    report.SOPInstanceUID = generate_uid()
    report.save_as(tmp_path / "r.dcm")
    with pytest.raises(InputError, match="has no side"):
        read_report(tmp_path / "r.dcm")


def test_dciodvfy_finds_no_error(written: tuple) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is absent (Debian package dicom3tools)")
    done = subprocess.run(["dciodvfy", "-new", str(written[2])], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert "Comprehensive3DSR" in lines
    assert [line for line in lines if line.startswith("Error")] == []
    other = [line for line in lines if line.startswith("Warning") and "99DEEPSTROKE" not in line]
    assert other == []

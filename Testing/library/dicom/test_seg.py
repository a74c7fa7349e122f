"""DICOM Segmentations on tilted, uneven stacks: read back, placed, coded and sided as they were written."""

from __future__ import annotations

import logging
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.config import disable_value_validation
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian

from deepstroke.dicom.seg import Algorithm, check_segmentation, read_segmentation, write_segmentation
from deepstroke.dicom.seg_segments import label_of_segment
from deepstroke.errors import ConfigError, DeepStrokeError, DicomSeriesError, GeometryError, InputError
from deepstroke.regions import SIDE_CODE, SIDED_REGIONS, region_of
from phantoms_slices import PRONE, SUPINE, TILT, ct_series, drawn_labels

ATLAS = Algorithm("atlas", parameters={"engine": "fast", "atlas": "test 1.0"})


def save(dataset: pydicom.Dataset, path: Path) -> None:
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


@pytest.fixture
def series() -> list[pydicom.Dataset]:
    return ct_series()


@pytest.fixture
def written(series: list[pydicom.Dataset], tmp_path: Path) -> Path:
    path = tmp_path / "labels.seg.dcm"
    write_segmentation(series, drawn_labels(), path, algorithm=ATLAS)
    return path


@pytest.mark.parametrize("segmentation_type", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("orientation", [SUPINE, PRONE])
def test_labels_come_back_on_their_slices(
    tmp_path: Path, segmentation_type: str, orientation: tuple[float, ...]
) -> None:
    series, labels = ct_series(orientation), drawn_labels(orientation)
    path = tmp_path / "labels.seg.dcm"
    write_segmentation(series, labels, path, algorithm=ATLAS, segmentation_type=segmentation_type)
    stored = read_segmentation(path)
    np.testing.assert_array_equal(stored.labels, labels)
    assert stored.source_uids == tuple(image.SOPInstanceUID for image in series)
    assert list(tmp_path.iterdir()) == [path]


def test_slices_may_come_in_any_order(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    order = [3, 0, 5, 1, 4, 2]
    labels = drawn_labels()[order]
    write_segmentation([series[n] for n in order], labels, tmp_path / "s.dcm", algorithm=ATLAS)
    np.testing.assert_array_equal(read_segmentation(tmp_path / "s.dcm").labels, labels)


def test_every_frame_stands_where_its_slice_stands(series: list[pydicom.Dataset], written: Path) -> None:
    position_of = {image.SOPInstanceUID: list(image.ImagePositionPatient) for image in series}
    segmentation = pydicom.dcmread(written)
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    assert shared.PlaneOrientationSequence[0].ImageOrientationPatient == pytest.approx(SUPINE, abs=1e-12)
    assert shared.PixelMeasuresSequence[0].PixelSpacing == [0.9, 0.5]
    assert "SpacingBetweenSlices" not in shared.PixelMeasuresSequence[0]  # the steps are uneven
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        assert frame.PlanePositionSequence[0].ImagePositionPatient == position_of[source]


def test_number_name_code_and_world_side_agree(written: Path) -> None:
    """Read with pydicom alone, from the file's own positions, independent of the code under test."""
    segmentation = pydicom.dcmread(written)
    x_of: dict[int, list[float]] = {}
    for pixels, frame in zip(segmentation.pixel_array, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        columns = np.nonzero(pixels)[1]
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        x_of.setdefault(number, []).extend(frame.PlanePositionSequence[0].ImagePositionPatient[0] + 0.5 * columns)
    assert sorted(x_of) == list(range(1, 21))
    for segment, (region, side) in zip(segmentation.SegmentSequence, SIDED_REGIONS, strict=True):
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        assert segment.SegmentNumber == region.label(side)
        assert segment.SegmentLabel == f"{side.capitalize()} {region.abbreviation}"
        assert (kind.CodeValue, kind.CodingSchemeDesignator) == (region.code.value, region.code.scheme)
        assert [m.CodeValue for m in kind.SegmentedPropertyTypeModifierCodeSequence] == [SIDE_CODE[side].value]
        assert (np.mean(x_of[segment.SegmentNumber]) > 0) == (side == "left")  # LPS: the patient's left is +x


def test_an_absent_label_keeps_its_number(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    labels = drawn_labels()
    labels[np.isin(labels, [3, 12])] = 0
    write_segmentation(series, labels, tmp_path / "s.dcm", algorithm=ATLAS)
    segmentation = pydicom.dcmread(tmp_path / "s.dcm")
    assert [s.SegmentNumber for s in segmentation.SegmentSequence] == list(range(1, 21))
    frames = segmentation.PerFrameFunctionalGroupsSequence
    used = {f.SegmentIdentificationSequence[0].ReferencedSegmentNumber for f in frames}
    assert used == set(range(1, 21)) - {3, 12}
    np.testing.assert_array_equal(read_segmentation(tmp_path / "s.dcm").labels, labels)


def test_the_file_says_what_made_it(written: Path) -> None:
    segmentation = pydicom.dcmread(written)
    algorithm = segmentation.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence[0]
    assert algorithm.AlgorithmName == "DeepStroke"
    assert algorithm.AlgorithmParameters == "engine=fast,atlas=test 1.0"
    assert segmentation.ContentQualification == "RESEARCH"
    assert segmentation.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99DEEPSTROKE"


def test_a_region_keeps_its_tracking_uid_and_files_differ(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    files = [tmp_path / "a.dcm", tmp_path / "b.dcm"]
    for path in files:
        write_segmentation(series, drawn_labels(), path, algorithm=ATLAS)
    a, b = (pydicom.dcmread(path) for path in files)
    assert [s.TrackingUID for s in a.SegmentSequence] == [s.TrackingUID for s in b.SegmentSequence]
    assert len({s.TrackingUID for s in a.SegmentSequence}) == 20
    assert a.SOPInstanceUID != b.SOPInstanceUID
    assert a.SeriesInstanceUID != b.SeriesInstanceUID


def test_the_patient_is_the_same_and_nothing_more_is_copied(series: list[pydicom.Dataset], written: Path) -> None:
    segmentation = pydicom.dcmread(written)
    same = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime")
    for keyword in (*same, "StudyID", "AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID"):
        assert segmentation[keyword].value == series[0][keyword].value, keyword
    assert "PatientComments" not in segmentation
    assert "StudyDescription" not in segmentation


def test_absent_or_invalid_patient_attributes_stay_empty(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    for image in series:
        del image.PatientName, image.StudyID
        with disable_value_validation():
            image.add_new("PatientSex", "CS", "U")
            image.add_new("StudyTime", "TM", "noon")
    write_segmentation(series, drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)
    segmentation = pydicom.dcmread(tmp_path / "s.dcm")
    for keyword in ("PatientName", "StudyID", "PatientSex", "StudyTime"):
        assert keyword in segmentation
        assert not segmentation[keyword].value


def test_a_missing_thickness_becomes_the_median_step(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    for image in series:
        del image.SliceThickness
    write_segmentation(series, drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)
    measures = pydicom.dcmread(tmp_path / "s.dcm").SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert measures.SliceThickness == pytest.approx(4.0 * np.cos(TILT), abs=1e-3)


@pytest.mark.parametrize(
    ("charset", "name"), [("ISO_IR 100", "Müller^Jürg"), ("ISO_IR 192", "山田^太郎"), (None, "SINGLEWORD")]
)
def test_the_name_survives_and_is_never_printed(
    tmp_path: Path, charset: str | None, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """highdicom warns about one-word names by printing them, and pydicom about odd dates."""
    files = []
    for number, image in enumerate(ct_series()):
        if charset:
            image.SpecificCharacterSet = charset
        image.PatientName = name
        with disable_value_validation():
            image.add_new("PatientBirthDate", "DA", "1950.31.12")
            image.add_new("PatientID", "LO", "4711" + "0" * 70)
            files.append(tmp_path / f"{number}.dcm")
            save(image, files[-1])
    caplog.clear()
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write_segmentation(files, drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)
    assert str(pydicom.dcmread(tmp_path / "s.dcm").PatientName) == name
    printed = caplog.text + "".join(str(warning.message) for warning in caught)
    for secret in (name, "4711", "1950"):
        assert secret not in printed


def test_rounded_orientations_are_one_stack(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    series[2].ImageOrientationPatient = [round(v, 4) for v in SUPINE]
    write_segmentation(series, drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)
    np.testing.assert_array_equal(read_segmentation(tmp_path / "s.dcm").labels, drawn_labels())


def test_mirrored_labels_are_refused_and_leave_no_file(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    path = tmp_path / "s.dcm"
    path.write_bytes(b"what was there before")
    with pytest.raises(GeometryError, match=r"left C lies .* on the patient's right"):
        write_segmentation(series, drawn_labels()[:, :, ::-1].copy(), path, algorithm=ATLAS)
    assert path.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [path]


def test_one_exchanged_region_is_enough_to_refuse(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    labels = drawn_labels()
    left, right = labels == 9, labels == 19
    labels[left], labels[right] = 19, 9
    with pytest.raises(GeometryError, match="left M5"):
        write_segmentation(series, labels, tmp_path / "s.dcm", algorithm=ATLAS)


def test_codes_that_exchange_sides_are_found(series: list[pydicom.Dataset], written: Path) -> None:
    """As one coded concept shared by all segments once did: pixels and names right, laterality wrong."""
    segmentation = pydicom.dcmread(written)
    kinds = [segmentation.SegmentSequence[n].SegmentedPropertyTypeCodeSequence[0] for n in (0, 10)]
    left, right = (kind.SegmentedPropertyTypeModifierCodeSequence for kind in kinds)
    kinds[0].SegmentedPropertyTypeModifierCodeSequence = right
    kinds[1].SegmentedPropertyTypeModifierCodeSequence = left
    segmentation.save_as(written)
    with pytest.raises(DeepStrokeError, match="segment 1, Left C, carries the code of Right C"):
        check_segmentation(written, series, drawn_labels())


def test_other_labels_and_other_places_are_found(series: list[pydicom.Dataset], written: Path) -> None:
    labels = drawn_labels()
    check_segmentation(written, series, labels)
    labels[2, 20, 30] = 5
    with pytest.raises(DeepStrokeError, match="differs from what was written"):
        check_segmentation(written, series, labels)
    for image in series:
        image.ImagePositionPatient = [-15.0, -20.0, image.ImagePositionPatient[2] + 0.6]
    with pytest.raises(GeometryError, match=r"0\.60 mm off its source slice"):
        check_segmentation(written, series, drawn_labels())


def test_segments_renumbered_elsewhere_are_known_by_code(written: Path) -> None:
    segmentation = pydicom.dcmread(written)
    first, last = segmentation.SegmentSequence[0], segmentation.SegmentSequence[19]
    first.SegmentNumber, last.SegmentNumber = 20, 1
    segmentation.SegmentSequence = [last, *segmentation.SegmentSequence[1:19], first]
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        identification = frame.SegmentIdentificationSequence[0]
        identification.ReferencedSegmentNumber = {1: 20, 20: 1}.get(
            identification.ReferencedSegmentNumber, identification.ReferencedSegmentNumber
        )
    segmentation.save_as(written)
    np.testing.assert_array_equal(read_segmentation(written).labels, drawn_labels())


def test_a_segment_without_a_side_is_refused(written: Path) -> None:
    segmentation = pydicom.dcmread(written)
    del segmentation.SegmentSequence[4].SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence
    with pytest.raises(InputError, match=r"segment 5 .* expected an ASPECTS region and its side"):
        label_of_segment(segmentation.SegmentSequence[4])


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("FrameOfReferenceUID", None, "source image 3: FrameOfReferenceUID missing"),
        ("ImagePositionPatient", None, "source image 3: ImagePositionPatient missing"),
        ("StudyInstanceUID", "", "source image 3: StudyInstanceUID missing"),
        ("SeriesInstanceUID", "1.2.3", "differ in SeriesInstanceUID"),
        ("Rows", 41, "differ in Rows"),
    ],
)
def test_sources_that_cannot_be_referred_to(
    series: list[pydicom.Dataset], tmp_path: Path, keyword: str, value: object, message: str
) -> None:
    setattr(series[2], keyword, value)
    with pytest.raises(DicomSeriesError, match=message):
        write_segmentation(series, drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)


def test_sources_must_be_given_once_and_be_parallel(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    with pytest.raises(DicomSeriesError, match="at least one source image"):
        write_segmentation([], drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)
    series[1].ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    with pytest.raises(GeometryError, match=r"orientations of the source slices differ by 0\.3"):
        write_segmentation(series, drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)
    series[1] = series[0]
    with pytest.raises(DicomSeriesError, match="one SOPInstanceUID"):
        write_segmentation(series, drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)


def test_labels_that_cannot_be_written(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    def write(labels: NDArray, segmentation_type: str = "BINARY") -> None:
        write_segmentation(series, labels, tmp_path / "s.dcm", algorithm=ATLAS, segmentation_type=segmentation_type)

    with pytest.raises(InputError, match=r"uint8 of shape \(6, 40, 60\).*found int64"):
        write(drawn_labels().astype(np.int64))
    with pytest.raises(InputError, match=r"found uint8 of shape \(5, 40, 60\)"):
        write(drawn_labels()[1:])
    with pytest.raises(InputError, match=r"0\.\.20, found 21"):
        write(drawn_labels() + np.uint8(1))
    with pytest.raises(InputError, match="no slice holds a label"):
        write(np.zeros_like(drawn_labels()))
    with pytest.raises(ConfigError, match="BINARY or LABELMAP, found FRACTIONAL"):
        write(drawn_labels(), "FRACTIONAL")
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_segmentation(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_segmentation(tmp_path / "absent.dcm")
    (tmp_path / "text.dcm").write_text("not DICOM")
    with pytest.raises(InputError, match="not a readable DICOM Segmentation"):
        read_segmentation(tmp_path / "text.dcm")
    with pytest.raises(DicomSeriesError, match=r"text\.dcm: not a readable DICOM file"):
        write_segmentation([tmp_path / "text.dcm"], drawn_labels(), tmp_path / "s.dcm", algorithm=ATLAS)
    save(series[0], tmp_path / "ct.dcm")
    with pytest.raises(InputError, match=r"ct\.dcm: not a readable DICOM Segmentation"):
        read_segmentation(tmp_path / "ct.dcm")


def enhanced(series: list[pydicom.Dataset]) -> pydicom.Dataset:
    """The same slices as one multi-frame image."""
    dataset = pydicom.Dataset()
    dataset.update(series[0])
    dataset.SOPClassUID, dataset.NumberOfFrames = EnhancedCTImageStorage, len(series)
    shared, orientation, measures = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    orientation.ImageOrientationPatient = series[0].ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = series[0].PixelSpacing, 4.0
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    dataset.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for image in series:
        frame, position = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = image.ImagePositionPatient
        frame.PlanePositionSequence = [position]
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = frames
    for keyword in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "SliceThickness"):
        delattr(dataset, keyword)
    return dataset


def test_a_multi_frame_source(series: list[pydicom.Dataset], tmp_path: Path) -> None:
    labels = drawn_labels()
    labels[5] = 0
    source = enhanced(series)
    write_segmentation([source], labels, tmp_path / "s.dcm", algorithm=ATLAS)
    np.testing.assert_array_equal(read_segmentation(tmp_path / "s.dcm", source_frames=6).labels, labels)
    np.testing.assert_array_equal(read_segmentation(tmp_path / "s.dcm").labels, labels[:5])
    assert read_segmentation(tmp_path / "s.dcm").source_uids == (source.SOPInstanceUID,)
    with pytest.raises(GeometryError, match=r"patient's right"):
        write_segmentation([source], labels[:, :, ::-1].copy(), tmp_path / "s.dcm", algorithm=ATLAS)
    with pytest.raises(DicomSeriesError, match="must be the only one"):
        write_segmentation([source, series[1]], labels, tmp_path / "s.dcm", algorithm=ATLAS)
    del source.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence
    with pytest.raises(GeometryError, match="shared orientation"):
        write_segmentation([source], labels, tmp_path / "s.dcm", algorithm=ATLAS)


def dciodvfy_errors(path: Path) -> list[str]:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is absent (Debian package dicom3tools)")
    result = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    lines = (result.stdout + result.stderr).splitlines()
    assert any("Segmentation" in line for line in lines), lines  # it did judge the file
    return [line for line in lines if line.startswith("Error")]


def test_dciodvfy_finds_no_error(series: list[pydicom.Dataset], written: Path, tmp_path: Path) -> None:
    assert dciodvfy_errors(written) == []
    labels = drawn_labels()
    labels[labels != 7] = 0
    source = enhanced(series)
    del source.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness
    write_segmentation([source], labels, tmp_path / "multi-frame.dcm", algorithm=ATLAS)
    assert dciodvfy_errors(tmp_path / "multi-frame.dcm") == []


@pytest.mark.parametrize("name", ["ge-head", "philips-phantom-tilted"])
def test_a_real_tilted_uneven_series(shared_data: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    files = [path for path in sorted(shared_data(f"ct/{name}").iterdir()) if path.name != "DIRFILE"]
    labels = np.zeros((len(files), 512, 512), np.uint8)
    for label in range(1, 21):
        region, side = region_of(label)
        column = 320 if side == "left" else 180
        labels[region.number + 5, 30 * region.number : 30 * region.number + label + 2, column : column + 25] = label
    path = tmp_path / "labels.seg.dcm"
    write_segmentation(files, labels, path, algorithm=ATLAS)
    np.testing.assert_array_equal(read_segmentation(path).labels, labels)
    assert dciodvfy_errors(path) == []

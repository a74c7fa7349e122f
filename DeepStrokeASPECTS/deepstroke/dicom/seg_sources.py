"""The source images that a DICOM Segmentation refers to: their place, and as little else as DICOM requires.

What leaves this module holds only attributes on the lists below, so that a patient's comments, history or physicians
can't slip into an output.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import DicomSeriesError, GeometryError

if TYPE_CHECKING:
    import pydicom

#: A DICOM file or what was read from it.
Source = Union["pydicom.Dataset", str, "os.PathLike[str]"]

#: Type 2 in the Patient and General Study modules: present, empty where the source has none.
_IDENTITY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
_REQUIRED = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Rows",
    "Columns",
)
_REQUIRED_IN_A_SLICE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_DECIMAL = frozenset(_REQUIRED_IN_A_SLICE)
#: SpacingBetweenSlices is left out on purpose: scanners state it wrongly on uneven stacks.
_OPTIONAL = (
    "SpecificCharacterSet",
    "PositionReferenceIndicator",
    "SliceThickness",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_NAMES_A_SERIES = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Rows", "Columns")
#: Orientations in one stack may differ by rounding; more than this is another stack.
ORIENTATION_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The images of one series on which labels were drawn.

    Attributes:
        headers: minimal headers, one for each slice, or one of a multi-frame image, without the patient's identity:
            highdicom prints an unusual patient's name in a warning.
        identity: the patient and study attributes that the segmentation must share with its source.
        index_to_lps: (slices, 4, 4), (column, row, 0) of each slice's pixel centres to LPS+ mm.
    """

    headers: tuple[pydicom.Dataset, ...]
    identity: pydicom.Dataset
    index_to_lps: NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of slices, rows and columns."""
        return len(self.index_to_lps), int(self.headers[0].Rows), int(self.headers[0].Columns)

    @property
    def uids(self) -> tuple[str, ...]:
        """SOP Instance UIDs in the order of the slices (one for a multi-frame image)."""
        return tuple(str(header.SOPInstanceUID) for header in self.headers)

    @property
    def n_frames(self) -> int | None:
        """Number of frames of a multi-frame image; None for single-frame images."""
        return self.shape[0] if "NumberOfFrames" in self.headers[0] else None

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return str(self.headers[0].SeriesInstanceUID)


def read_sources(sources: Sequence[Source]) -> SourceImages:
    """Take what a segmentation needs from the images of one series, given as files or as datasets.

    Raises:
        DicomSeriesError: an image lacks an attribute that a segmentation needs, or they aren't one series.
        GeometryError: the slices don't share one orientation.
    """
    if not sources:
        raise DicomSeriesError("a segmentation needs at least one source image, found none", code="seg-sources")
    datasets = [_read_header(source) for source in sources]
    headers = tuple(_minimal_header(dataset, number) for number, dataset in enumerate(datasets, start=1))
    _require_one_series(headers)
    identity = _identity(datasets[0])
    if "NumberOfFrames" in headers[0]:
        planes = multi_frame_planes(headers[0])
        _fill_thickness(headers[0].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence, planes)
    else:
        _share_orientation(headers)
        planes = np.stack([_plane(h.ImagePositionPatient, h.ImageOrientationPatient, h.PixelSpacing) for h in headers])
        _fill_thickness(headers, planes)
    return SourceImages(headers, identity, planes)


def multi_frame_planes(dataset: pydicom.Dataset) -> NDArray[np.float64]:
    """(frames, 4, 4) from (column, row, 0) to LPS+ mm of a multi-frame image whose frames share one orientation.

    Raises:
        GeometryError: orientation or spacing isn't shared, or a frame has no position.
    """
    orientation, spacing, positions = _multi_frame_places(dataset)
    return np.stack([_plane(position, orientation, spacing) for position in positions])


def _multi_frame_places(dataset: pydicom.Dataset) -> tuple[Sequence[float], Sequence[float], list[Sequence[float]]]:
    """Shared orientation and spacing, and the position of every frame."""
    try:
        shared = dataset.SharedFunctionalGroupsSequence[0]
        frames = dataset.PerFrameFunctionalGroupsSequence
        return (
            shared.PlaneOrientationSequence[0].ImageOrientationPatient,
            shared.PixelMeasuresSequence[0].PixelSpacing,
            [frame.PlanePositionSequence[0].ImagePositionPatient for frame in frames],
        )
    except (AttributeError, IndexError) as error:
        raise GeometryError(
            "a multi-frame image needs shared orientation and spacing and a position for every frame; "
            "convert the series to single-frame images",
            code="seg-multi-frame",
        ) from error


def _plane(position: Sequence[float], orientation: Sequence[float], spacing: Sequence[float]) -> NDArray[np.float64]:
    """(column, row, 0) to LPS+ mm: DICOM PS3.3 equation C.7.6.2.1-1."""
    along_row, along_column = np.reshape(np.asarray(orientation, dtype=np.float64), (2, 3))
    row_step, column_step = (float(v) for v in spacing)
    plane = np.eye(4)
    plane[:3, 0] = along_row * column_step
    plane[:3, 1] = along_column * row_step
    plane[:3, 2] = np.cross(along_row, along_column)
    plane[:3, 3] = np.asarray(position, dtype=np.float64)
    return plane


def _read_header(source: Source) -> pydicom.Dataset:
    import pydicom
    from pydicom.errors import InvalidDicomError

    if isinstance(source, pydicom.Dataset):
        return source
    try:
        return pydicom.dcmread(source, stop_before_pixels=True)
    except (OSError, InvalidDicomError) as error:
        raise DicomSeriesError(f"{source}: not a readable DICOM file ({error})", code="seg-source-file") from error


def _minimal_header(dataset: pydicom.Dataset, number: int) -> pydicom.Dataset:
    """A header of what a segmentation refers to and copies, with the patient and study left empty."""
    from pydicom import Dataset

    multi_frame = "PerFrameFunctionalGroupsSequence" in dataset
    required = _REQUIRED + (() if multi_frame else _REQUIRED_IN_A_SLICE)
    missing = [keyword for keyword in required if dataset.get(keyword) in (None, "")]
    if missing:
        name = getattr(dataset, "filename", None) or f"source image {number}"
        raise DicomSeriesError(
            f"{name}: {', '.join(missing)} missing, which a segmentation must refer to; export the series again",
            code="seg-source-attribute",
        )
    header = Dataset()
    for keyword in _IDENTITY:
        setattr(header, keyword, None)
    for keyword in (*required, *(keyword for keyword in _OPTIONAL if dataset.get(keyword))):
        value = dataset[keyword].value
        setattr(header, keyword, _decimals(value) if keyword in _DECIMAL else value)
    if multi_frame:
        _place_frames(header, dataset)
    return header


def _place_frames(header: pydicom.Dataset, dataset: pydicom.Dataset) -> None:
    """Give a header the functional groups of a multi-frame image that say where its frames lie, and no other."""
    from pydicom import Dataset

    orientation, spacing, positions = _multi_frame_places(dataset)
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = _decimals(orientation)
    measures.PixelSpacing = _decimals(spacing)
    measures.SliceThickness = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].get("SliceThickness")
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [plane], [measures]
    frames = []
    for position in positions:
        frame, place = Dataset(), Dataset()
        place.ImagePositionPatient = _decimals(position)
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    header.NumberOfFrames = len(frames)
    header.SharedFunctionalGroupsSequence, header.PerFrameFunctionalGroupsSequence = [shared], frames


def _decimals(values: Sequence[float]) -> list[float]:
    """Decimal strings of at most 16 characters, for scanners and converters write longer ones than DICOM allows."""
    from pydicom.valuerep import DSfloat

    return [DSfloat(float(value), auto_format=True) for value in values]


def _identity(dataset: pydicom.Dataset) -> pydicom.Dataset:
    """The patient and study of the source, empty where it holds nothing that DICOM allows there."""
    from pydicom import Dataset

    identity = Dataset()
    for keyword in _IDENTITY:
        value = dataset.get(keyword)
        setattr(identity, keyword, value if _is_valid(keyword, value) else None)
    if dataset.get("IssuerOfPatientID"):
        identity.IssuerOfPatientID = dataset.IssuerOfPatientID
    return identity


def _is_valid(keyword: str, value: object) -> bool:
    from pydicom.valuerep import DA, TM

    if keyword == "PatientSex":
        return value in ("M", "F", "O")
    try:
        if keyword.endswith("Date"):
            DA(str(value or ""))
        elif keyword.endswith("Time"):
            TM(str(value or ""))
    except ValueError:
        return False
    return True


def _require_one_series(headers: Sequence[pydicom.Dataset]) -> None:
    for keyword in _NAMES_A_SERIES:
        if len({str(header[keyword].value) for header in headers}) > 1:
            raise DicomSeriesError(
                f"the source images differ in {keyword}; a segmentation refers to one series", code="seg-sources"
            )
    if len({header.SOPInstanceUID for header in headers}) < len(headers):
        raise DicomSeriesError("two source images have one SOPInstanceUID; remove the copy", code="seg-sources")
    if len(headers) > 1 and any("NumberOfFrames" in header for header in headers):
        raise DicomSeriesError("a multi-frame source must be the only one; pass it alone", code="seg-sources")


def _share_orientation(headers: Sequence[pydicom.Dataset]) -> None:
    """Give rounded copies of one orientation the same digits, since a segmentation holds only one."""
    first = headers[0].ImageOrientationPatient
    for header in headers[1:]:
        difference = np.abs(np.subtract(header.ImageOrientationPatient, first)).max()
        if difference > ORIENTATION_TOLERANCE:
            raise GeometryError(
                f"the orientations of the source slices differ by {difference:.4f}; a segmentation needs one stack "
                "of parallel slices",
                code="seg-orientation",
            )
        header.ImageOrientationPatient = first


def _fill_thickness(measures: Sequence[pydicom.Dataset], planes: NDArray[np.float64]) -> None:
    """Where SliceThickness is missing, state the median step between slices (Type 1C in Pixel Measures)."""
    along_normal = np.sort(planes[:, :3, 3] @ planes[0, :3, 2])
    step = float(np.median(np.diff(along_normal))) if len(planes) > 1 else 1.0
    for item in measures:
        (item.SliceThickness,) = _decimals([item.get("SliceThickness") or step])

"""Small DICOM series with answers known by hand: a head in patient coordinates, and slices that cut it anywhere.

Everything is computed from the definitions of DICOM (PS3.3 C.7.6.2), never with the code under test. Positions are
LPS+ mm as DICOM has them; ``RAS`` appears only where a test compares with the library.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    generate_uid,
)
from scipy import ndimage

Points = NDArray[np.float64]
Field = Callable[[Points], Points]

#: HU and place of what stands in the made head; the landmark lies left, in front and above.
BRAIN_HU, SKULL_HU, AIR_HU, LANDMARK_HU = 30.0, 900.0, -1000.0, 70.0
LANDMARK_RAS = np.array([-30.0, 25.0, 15.0])
LANDMARK_RADIUS_MM = 12.0
_SKULL_RADII = np.array([75.0, 95.0, 78.0])
_BRAIN_RADII = _SKULL_RADII - 7.0


@dataclass(frozen=True)
class Stack:
    """Where slices lie.

    Attributes:
        positions: (slices, 3), LPS+ mm of the centre of each slice's first pixel.
        row_direction, column_direction: unit vectors of a rising column and of a rising row index.
        spacing: mm between rows, and between columns.
        rows, columns: pixels.
        thickness: mm.
    """

    positions: Points
    row_direction: tuple[float, float, float] = (1.0, 0.0, 0.0)
    column_direction: tuple[float, float, float] = (0.0, 1.0, 0.0)
    spacing: tuple[float, float] = (2.5, 2.2)
    rows: int = 88
    columns: int = 80
    thickness: float = 5.0

    def __len__(self) -> int:
        return len(self.positions)

    def pixel_lps(self, k: int) -> Points:
        """LPS+ mm of every pixel centre of slice k, (rows, columns, 3): equation C.7.6.2.1-1 of PS3.3."""
        row, column = np.mgrid[: self.rows, : self.columns]
        along_row = np.array(self.row_direction) * self.spacing[1]
        along_column = np.array(self.column_direction) * self.spacing[0]
        return self.positions[k] + column[..., None] * along_row + row[..., None] * along_column

    def only(self, keep: Sequence[int]) -> Stack:
        """Some of the slices."""
        return replace(self, positions=self.positions[list(keep)])


def axial_stack(
    heights: Sequence[float] | None = None,
    tilt_deg: float = 0.0,
    row_direction: tuple[float, float, float] = (1.0, 0.0, 0.0),
    column_direction: tuple[float, float, float] = (0.0, 1.0, 0.0),
    **options: Any,
) -> Stack:
    """Slices whose common point moves along z, as a table moves, and that lie tilted to it.

    Args:
        heights: z in mm of the middle of each slice; 32 slices 5 mm apart around 0 where none are given.
        tilt_deg: turn of the slices about the x axis.
        row_direction, column_direction: before the tilt.
        options: other attributes of ``Stack``.
    """
    angle = np.radians(tilt_deg)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])
    along_row, along_column = turn @ row_direction, turn @ column_direction
    heights = np.arange(-77.5, 80.0, 5.0) if heights is None else np.asarray(heights, dtype=np.float64)
    stack = Stack(np.zeros((len(heights), 3)), tuple(along_row), tuple(along_column), **options)
    half = (
        along_row * stack.spacing[1] * (stack.columns - 1) / 2 + along_column * stack.spacing[0] * (stack.rows - 1) / 2
    )
    return replace(stack, positions=np.array([0.0, 0.0, 1.0]) * heights[:, None] - half)


def head_hu(lps: Points) -> Points:
    """HU of the made head at LPS+ mm: air, skull, brain, and one landmark in the left hemisphere."""
    hu = np.full(lps.shape[:-1], AIR_HU)
    hu[((lps / _SKULL_RADII) ** 2).sum(axis=-1) < 1] = SKULL_HU
    hu[((lps / _BRAIN_RADII) ** 2).sum(axis=-1) < 1] = BRAIN_HU
    landmark_lps = LANDMARK_RAS * (-1, -1, 1)
    hu[np.linalg.norm(lps - landmark_lps, axis=-1) < LANDMARK_RADIUS_MM] = LANDMARK_HU
    return hu


def ramp_hu(gradient: Sequence[float]) -> Field:
    """A field that changes linearly in LPS+ mm, which linear interpolation keeps exactly."""
    return lambda lps: lps @ np.asarray(gradient, dtype=np.float64)


def ct_slices(
    stack: Stack, field: Field = head_hu, series: dict[str, Any] | None = None, **tags: Any
) -> list[pydicom.Dataset]:
    """One CT image for each slice of a stack, with the field sampled at its pixels.

    Args:
        stack: where the slices lie.
        field: HU at LPS+ mm.
        series: attributes that name the series; new ones where none are given.
        tags: further attributes, or other values of those set here; ``None`` leaves one out.
    """
    named = {
        "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(),
        "FrameOfReferenceUID": generate_uid(),
    }
    common = {**named, **(series or {})}
    return [_ct_slice(stack, k, field(stack.pixel_lps(k)), {**common, **tags}) for k in range(len(stack))]


def _ct_slice(stack: Stack, k: int, hu: Points, tags: dict[str, Any]) -> pydicom.Dataset:
    attributes = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(),
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientName": "Secret^Person",
        "PatientID": "SECRET-4711",
        "PatientBirthDate": "19390201",
        "SeriesNumber": 2,
        "SeriesDescription": "Head 5.0",
        "InstanceNumber": k + 1,
        "AcquisitionNumber": 1,
        "BodyPartExamined": "HEAD",
        "PatientPosition": "HFS",
        "ConvolutionKernel": "STANDARD",
        "KVP": 120,
        "SliceThickness": stack.thickness,
        "ImagePositionPatient": [_ds(v) for v in stack.positions[k]],
        "ImageOrientationPatient": [_ds(v) for v in (*stack.row_direction, *stack.column_direction)],
        "PixelSpacing": [_ds(v) for v in stack.spacing],
        "RescaleSlope": 1.0,
        "RescaleIntercept": -1024.0,
        "RescaleType": "HU",
        "Rows": stack.rows,
        "Columns": stack.columns,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        **tags,
    }
    dataset = pydicom.Dataset()
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
    slope, intercept = attributes["RescaleSlope"] or 1.0, attributes["RescaleIntercept"] or 0.0
    set_stored(dataset, np.rint((hu - intercept) / slope))
    return dataset


def _ds(value: float) -> str:
    return f"{value:.10f}"[:16]


def set_stored(dataset: pydicom.Dataset, stored: NDArray) -> None:
    """Set stored values (rows, columns) or (frames, rows, columns) as native little-endian pixels."""
    kind = np.int16 if dataset.PixelRepresentation else np.uint16
    dataset.PixelData = stored.astype(np.int64).astype(kind).astype(kind().dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OW"


def stored_values(dataset: pydicom.Dataset) -> NDArray:
    """The stored values (rows, columns) of a native image."""
    kind = "<i2" if dataset.PixelRepresentation else "<u2"
    return np.frombuffer(dataset.PixelData, kind)[: dataset.Rows * dataset.Columns].reshape(
        dataset.Rows, dataset.Columns
    )


def write(dataset: pydicom.Dataset, path: Path, transfer_syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write one DICOM file, its pixels compressed or its byte order turned where the transfer syntax asks for it."""
    syntax = UID(transfer_syntax)
    dataset = _copy(dataset)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax.is_encapsulated else syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    if syntax.is_encapsulated:
        _compress(dataset, syntax)
    elif not syntax.is_little_endian:
        dataset["PixelData"].value = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _copy(dataset: pydicom.Dataset) -> pydicom.Dataset:
    """A dataset whose pixels can be replaced without touching the original's."""
    copied = pydicom.Dataset()
    copied.update(dataset)
    copied["PixelData"] = copy.copy(dataset["PixelData"])
    return copied


def _compress(dataset: pydicom.Dataset, syntax: UID) -> None:
    """Compress in place: JPEG 2000 with openjpeg, JPEG Lossless with gdcm, the others with pydicom's own encoders."""
    if syntax == JPEG2000Lossless:
        import openjpeg

        frame = openjpeg.encode(stored_values(dataset), bits_stored=dataset.BitsStored, photometric_interpretation=2)
        set_encapsulated(dataset, [frame], syntax)
    elif syntax == JPEGLosslessSV1:
        set_encapsulated(dataset, [_jpeg_lossless(dataset)], syntax)
    else:
        dataset.compress(syntax, generate_instance_uid=False)


def set_encapsulated(dataset: pydicom.Dataset, frames: Sequence[bytes], transfer_syntax: str) -> None:
    """Set compressed frames as the pixels of a dataset that has its file meta information."""
    dataset.PixelData = encapsulate(list(frames))
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)


def _jpeg_lossless(dataset: pydicom.Dataset) -> bytes:
    """One frame as JPEG Lossless, encoded by gdcm through a pair of files."""
    import gdcm

    with tempfile.TemporaryDirectory() as folder:
        native, packed = Path(folder, "native.dcm"), Path(folder, "packed.dcm")
        dataset.save_as(native, enforce_file_format=True)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(native))
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        if not reader.Read():
            raise RuntimeError("gdcm can't read the made file")
        change.SetInput(reader.GetImage())
        if not change.Change():
            raise RuntimeError("gdcm can't encode JPEG Lossless")
        writer.SetFileName(str(packed))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        if not writer.Write():
            raise RuntimeError("gdcm can't write the packed file")
        return next(generate_frames(pydicom.dcmread(packed).PixelData, number_of_frames=1))


def write_series(
    folder: Path, datasets: Sequence[pydicom.Dataset], transfer_syntax: str = ExplicitVRLittleEndian
) -> list[Path]:
    """Write datasets in shuffled names, since names say nothing about the order of slices."""
    order = np.random.default_rng(len(datasets)).permutation(len(datasets))
    return [write(d, folder / f"IM{name:04d}", transfer_syntax) for d, name in zip(datasets, order, strict=True)]


def multi_frame(slices: Sequence[pydicom.Dataset], order: Sequence[int] | None = None) -> pydicom.Dataset:
    """The same slices as one Enhanced CT image, its frames in any order, geometry in functional groups."""
    frames = [slices[n] for n in (order if order is not None else range(len(slices)))]
    image = pydicom.Dataset()
    image.update(slices[0])
    image.SOPClassUID, image.SOPInstanceUID = EnhancedCTImageStorage, generate_uid()
    image.NumberOfFrames = len(frames)
    shared = pydicom.Dataset()
    shared.PixelMeasuresSequence = [_item(slices[0], "PixelSpacing", "SliceThickness")]
    shared.PlaneOrientationSequence = [_item(slices[0], "ImageOrientationPatient")]
    shared.PixelValueTransformationSequence = [_item(slices[0], "RescaleSlope", "RescaleIntercept", "RescaleType")]
    shared.CTReconstructionSequence = [_item(slices[0], "ConvolutionKernel")]
    image.SharedFunctionalGroupsSequence = [shared]
    image.PerFrameFunctionalGroupsSequence = [_frame_groups(frame) for frame in frames]
    moved = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope")
    for keyword in (*moved, "RescaleIntercept", "RescaleType", "ConvolutionKernel", "InstanceNumber"):
        if keyword in image:
            del image[keyword]
    set_stored(image, np.stack([stored_values(frame) for frame in frames]))
    return image


def _frame_groups(frame: pydicom.Dataset) -> pydicom.Dataset:
    groups = pydicom.Dataset()
    groups.PlanePositionSequence = [_item(frame, "ImagePositionPatient")]
    frame_type = pydicom.Dataset()
    frame_type.FrameType = frame.ImageType
    groups.CTImageFrameTypeSequence = [frame_type]
    return groups


def _item(source: pydicom.Dataset, *keywords: str) -> pydicom.Dataset:
    item = pydicom.Dataset()
    for keyword in keywords:
        setattr(item, keyword, source[keyword].value)
    return item


def landmark_ras(hu: NDArray, ras: NDArray) -> NDArray:
    """Centre in RAS+ mm of the largest piece of a volume that looks like the landmark."""
    pieces, _ = ndimage.label(np.abs(hu - LANDMARK_HU) < 15)
    return np.asarray(ras[pieces == np.bincount(pieces.ravel())[1:].argmax() + 1].mean(axis=0))

"""Synthetic CT series as DICOM files: true positions of tilted slices, made-up identities, repeatable UIDs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from deepstroke.frames import RAS_TO_LPS
from deepstroke.nifti import atomic_path
from deepstroke.volume import Volume
from deepstroke_training.synthesis.head import SyntheticCase

if TYPE_CHECKING:
    from pydicom import Dataset

Syntax = Literal["explicit", "jpeg-ls", "rle"]
#: Stored value = HU - intercept, in 12 bits.
RESCALE_INTERCEPT = -1024
STORED_BITS = 12
MANUFACTURER = "DeepStroke synthetic"


@dataclass(frozen=True)
class SeriesTags:
    """What the header of a series says beside its geometry.

    Attributes:
        patient_id: a made-up identity; ``study`` and ``series`` tell its studies and series apart. UIDs come from them.
        number: SeriesNumber.
        description: SeriesDescription; it should say that the series is synthetic.
        image_type: values of ImageType.
        kernel: ConvolutionKernel.
        thickness_mm: SliceThickness.
        tilt_degrees: GantryDetectorTilt.
        window: centre and width in HU.
        contrast: ContrastBolusAgent, where one was given.
        syntax: how the pixels are stored.
    """

    patient_id: str
    study: str = "1"
    series: str = "1"
    number: int = 2
    description: str = "SYNTHETIC head without contrast"
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY", "AXIAL")
    kernel: str = "SOFT"
    thickness_mm: float = 5.0
    tilt_degrees: float = 0.0
    window: tuple[int, int] = (40, 80)
    contrast: str | None = None
    syntax: Syntax = "explicit"

    def uid(self, *parts: object) -> str:
        """A UID under 2.25 that depends on the identity and ``parts`` alone."""
        digest = hashlib.sha256("/".join(map(str, ("deepstroke", self.patient_id, *parts))).encode()).digest()
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"

    @property
    def study_uid(self) -> str:
        """StudyInstanceUID."""
        return self.uid("study", self.study)

    @property
    def series_uid(self) -> str:
        """SeriesInstanceUID."""
        return self.uid("study", self.study, "series", self.series)

    @property
    def frame_of_reference_uid(self) -> str:
        """FrameOfReferenceUID, one for a study."""
        return self.uid("study", self.study, "frame")


def write_series(case: SyntheticCase, folder: Path, tags: SeriesTags | None = None) -> list[Path]:
    """Write a case's slices as CT Image Storage files ``IM0001.dcm``, from foot to head.

    Args:
        case: a synthetic case; a tilted one becomes a series whose slices are shifted against each other.
        folder: made where it is missing.
        tags: identity and header; by default one made from the seed.

    Returns:
        The files in their order in space.

    Raises:
        InputError: the disk refuses.
    """
    acquisition = case.settings.acquisition
    tags = tags or SeriesTags(
        f"SYNTHETIC-{case.seed}", thickness_mm=acquisition.thickness_mm, tilt_degrees=acquisition.tilt_degrees
    )
    return write_volume(case.volume, folder, tags)


def write_volume(volume: Volume, folder: Path, tags: SeriesTags) -> list[Path]:
    """Write the k-slices of a volume in HU, whose i and j run against rows' and columns' pixel order."""
    paths = []
    for k in range(volume.shape[2]):
        path = folder / f"IM{k + 1:04d}.dcm"
        save(image_dataset(volume, k, tags), path)
        paths.append(path)
    return paths


def save(dataset: Dataset, path: Path) -> None:
    """Write one DICOM file, complete or not at all."""
    with atomic_path(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)


def image_dataset(volume: Volume, k: int, tags: SeriesTags) -> Dataset:
    """One slice of a volume as a CT Image Storage data set with its file meta information."""
    from pydicom import Dataset

    dataset = Dataset()
    _add_identity(dataset, tags)
    _add_series(dataset, tags)
    _add_geometry(dataset, volume, k, tags)
    _add_pixels(dataset, volume.data[:, :, k], tags)
    return dataset


def _add_identity(dataset: Dataset, tags: SeriesTags) -> None:
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "DeepStroke^Synthetic"
    dataset.PatientID = tags.patient_id
    dataset.PatientBirthDate = ""
    dataset.PatientSex = "O"
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "Synthetic image: no person was scanned"
    dataset.StudyInstanceUID = tags.study_uid
    dataset.StudyID = tags.study[:16]
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "SYNTHETIC CT head"
    for part in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{part}Date", "20200101")
        setattr(dataset, f"{part}Time", "120000")


def _add_series(dataset: Dataset, tags: SeriesTags) -> None:
    dataset.Modality = "CT"
    dataset.SeriesInstanceUID = tags.series_uid
    dataset.SeriesNumber = tags.number
    dataset.SeriesDescription = tags.description
    dataset.BodyPartExamined = "HEAD"
    dataset.PatientPosition = "HFS"
    dataset.FrameOfReferenceUID = tags.frame_of_reference_uid
    dataset.PositionReferenceIndicator = ""
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = "SyntheticHead"
    dataset.ImageType = list(tags.image_type)
    dataset.AcquisitionNumber = 1
    dataset.KVP = 120
    dataset.ConvolutionKernel = tags.kernel
    dataset.SliceThickness = f"{tags.thickness_mm:g}"
    dataset.GantryDetectorTilt = f"{tags.tilt_degrees:g}"
    dataset.ImageComments = "Synthetic: computed, not scanned. For tests and demonstration only."
    if tags.contrast:
        dataset.ContrastBolusAgent = tags.contrast


def _add_geometry(dataset: Dataset, volume: Volume, k: int, tags: SeriesTags) -> None:
    """Position, orientation and spacing: rows run along -i, columns along -j, so that left is on the right."""
    ni, nj, _ = volume.shape
    ijk_to_lps = RAS_TO_LPS @ volume.ijk_to_ras
    spacing = volume.spacing_mm
    row, column = -ijk_to_lps[:3, 0] / spacing[0], -ijk_to_lps[:3, 1] / spacing[1]
    position = ijk_to_lps @ (ni - 1, nj - 1, k, 1)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.SOPInstanceUID = tags.uid("study", tags.study, "series", tags.series, "image", k)
    dataset.InstanceNumber = k + 1
    dataset.ImagePositionPatient = [_decimal(v) for v in position[:3]]
    dataset.ImageOrientationPatient = [_decimal(v) for v in (*row, *column)]
    dataset.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
    dataset.SliceLocation = _decimal(position[2])


def _decimal(value: float) -> str:
    """A decimal string of at most 16 characters."""
    return f"{value + 0.0:.8f}".rstrip("0").rstrip(".")[:16] if abs(value) > 5e-9 else "0"


def _add_pixels(dataset: Dataset, hu: NDArray, tags: SeriesTags) -> None:
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

    stored = np.clip(np.rint(hu) - RESCALE_INTERCEPT, 0, 2**STORED_BITS - 1).astype(np.uint16)
    pixels = np.ascontiguousarray(stored[::-1, ::-1].T)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, STORED_BITS, STORED_BITS - 1
    dataset.PixelRepresentation = 0
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = RESCALE_INTERCEPT, 1, "HU"
    dataset.WindowCenter, dataset.WindowWidth = tags.window
    dataset.PixelData = pixels.tobytes()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    uid = {"jpeg-ls": JPEGLSLossless, "rle": RLELossless}.get(tags.syntax)
    if uid is not None:
        dataset.compress(uid, generate_instance_uid=False)

"""Headers of a tilted, unevenly stepped series and labels on it, for tests of what DICOM objects say about a series."""

from __future__ import annotations

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.uid import CTImageStorage, generate_uid

from deepstroke.regions import region_of

ROWS, COLUMNS = 40, 60
#: Uneven steps along the slice normal in mm.
HEIGHTS = (0.0, 1.08, 5.08, 9.08, 16.08, 23.08)
TILT = np.radians(18.5)
#: LPS directions of a row and of a column of a supine head-first scan, and of one lying face down.
SUPINE = (1.0, 0.0, 0.0, 0.0, float(np.cos(TILT)), -float(np.sin(TILT)))
PRONE = (-1.0, 0.0, 0.0, 0.0, -float(np.cos(TILT)), -float(np.sin(TILT)))


def ct_slice(height: float, study: dict[str, str], orientation: tuple[float, ...] = SUPINE) -> pydicom.Dataset:
    """A header of one slice of a tilted gantry: the table moves along z, the slices stand oblique to it."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    for keyword, uid in study.items():
        setattr(dataset, keyword, uid)
    dataset.Modality = "CT"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "4711"
    dataset.PatientBirthDate, dataset.PatientSex = "19500101", "F"
    dataset.StudyDate, dataset.StudyTime = "20240102", "030405"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "7", "A1", "House^Gregory"
    dataset.PatientComments, dataset.StudyDescription = "lives alone", "CT head, query stroke"
    dataset.Rows, dataset.Columns, dataset.PixelSpacing = ROWS, COLUMNS, [0.9, 0.5]
    dataset.ImageOrientationPatient = list(orientation)
    dataset.ImagePositionPatient = [-15.0 * orientation[0], -20.0, height]
    dataset.SliceThickness = 4.0
    return dataset


def ct_series(orientation: tuple[float, ...] = SUPINE) -> list[pydicom.Dataset]:
    study = {keyword: generate_uid() for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")}
    return [ct_slice(height, study, orientation) for height in HEIGHTS]


def drawn_labels(orientation: tuple[float, ...] = SUPINE) -> NDArray[np.uint8]:
    """Twenty boxes on slices 1..5, slice 0 empty; left regions are taller than right ones, and lie at LPS x > 0."""
    labels = np.zeros((len(HEIGHTS), ROWS, COLUMNS), np.uint8)
    for label in range(1, 21):
        region, side = region_of(label)
        row = 3 * region.number
        from_middle = slice(35, 39) if (side == "left") == (orientation[0] > 0) else slice(21, 25)
        labels[1 + region.number // 3, row : row + (3 if side == "left" else 2), from_middle] = label
        labels[2 + region.number // 3, row : row + 2, from_middle] = label
    return labels

"""The DICOM files that a volume node was loaded from, and where each of its slices truly lies.

Slicer may show an unevenly spaced series on an even grid, or bent right by a transform. Slice by slice the headers
say where the voxels are, whatever the node's matrix says.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import slicer
from deepstroke.errors import InputError
from deepstroke.frames import RAS_TO_LPS, Affine
from deepstroke.volume import Volume

INSTANCE_UIDS = "DICOM.instanceUIDs"
#: Attribute of a node that was loaded without the DICOM database: the folder of its files.
FOLDER_ATTRIBUTE = "DeepStroke.sourceFolder"
_TAGS = [
    "SOPInstanceUID",
    "Modality",
    "ContrastBolusAgent",
    "SliceThickness",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
]


@dataclass(frozen=True)
class DicomSlice:
    """One source image.

    Attributes:
        path: its file.
        slice_to_ras: (i, j, 0) to RAS+ mm, i along the row.
        modality, contrast, thickness_mm: as the header states them.
    """

    path: Path
    slice_to_ras: Affine
    modality: str | None
    contrast: str | None
    thickness_mm: float | None


@dataclass(frozen=True)
class DicomSource:
    """The source images of a volume node, in the order of its slices.

    Attributes:
        slices: one for each k.
    """

    slices: tuple[DicomSlice, ...]

    @property
    def slice_affines(self) -> list[Affine]:
        """(i, j, 0) of each slice to RAS+ mm."""
        return [image.slice_to_ras for image in self.slices]

    @property
    def steps_mm(self) -> tuple[float, ...]:
        """Distances between neighbouring slices along their normal."""
        first = self.slices[0].slice_to_ras
        normal = np.cross(first[:3, 0], first[:3, 1])
        along = [image.slice_to_ras[:3, 3] @ normal / np.linalg.norm(normal) for image in self.slices]
        return tuple(float(step) for step in np.abs(np.diff(along)))

    @property
    def tilt_deg(self) -> float:
        """Angle between the slices' normal and the line along which they are stacked."""
        first, last = self.slices[0].slice_to_ras, self.slices[-1].slice_to_ras
        normal, along = np.cross(first[:3, 0], first[:3, 1]), last[:3, 3] - first[:3, 3]
        cosine = abs(normal @ along) / (np.linalg.norm(normal) * np.linalg.norm(along))
        return float(np.degrees(np.arccos(np.clip(cosine, 0.0, 1.0))))

    def link_into(self, folder: Path) -> None:
        """Put the files, and no others, into a folder under short names; linked where the disk can, else copied."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(self.slices, start=1):
            _link(image.path, folder / f"{number:05d}.dcm")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # Another disk, or one without links.
        shutil.copyfile(source, target)


def find_source(node: Any) -> Generator[None, None, DicomSource | None]:
    """The node's source images, read file by file; None where it wasn't loaded from DICOM or the files are gone.

    Raises:
        InputError: the files are there but aren't the node's slices.
    """
    uids = (node.GetAttribute(INSTANCE_UIDS) or "").split()
    if not uids or node.GetImageData() is None:
        return None
    paths = _paths(node, uids)
    found: dict[str, DicomSlice] = {}
    shapes = set()
    for path in paths:
        uid, image, shape = _read_header(path)
        if uid in uids:
            found[uid] = image
            shapes.add(shape)
        yield
    if not set(uids) <= set(found):
        return None
    source = DicomSource(tuple(found[uid] for uid in uids))
    _require_same_slices(node, source, shapes)
    return source


def _paths(node: Any, uids: Iterable[str]) -> list[Path]:
    if folder := node.GetAttribute(FOLDER_ATTRIBUTE):
        return sorted(path for path in Path(folder).iterdir() if path.is_file()) if Path(folder).is_dir() else []
    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        return []
    named = [database.fileForInstance(uid) for uid in uids]
    return [Path(name) for name in named if name and Path(name).is_file()]


def _read_header(path: Path) -> tuple[str, DicomSlice, tuple[int, int]]:
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
        rows = np.array(header.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
        row_mm, column_mm = (float(value) for value in header.PixelSpacing)
        slice_to_lps = np.eye(4)
        slice_to_lps[:3, 0], slice_to_lps[:3, 1] = rows[0] * column_mm, rows[1] * row_mm
        slice_to_lps[:3, 2] = np.cross(rows[0], rows[1])
        slice_to_lps[:3, 3] = np.array(header.ImagePositionPatient, dtype=np.float64)
        uid, shape = str(header.SOPInstanceUID), (int(header.Columns), int(header.Rows))
    except (InvalidDicomError, AttributeError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path} can't be read as a CT slice ({error})", code="dicom-series") from error
    thickness = header.get("SliceThickness")
    image = DicomSlice(
        path,
        RAS_TO_LPS @ slice_to_lps,
        str(header.get("Modality") or "") or None,
        str(header.get("ContrastBolusAgent") or "") or None,
        None if thickness is None else float(thickness),
    )
    return uid, image, shape


def _require_same_slices(node: Any, source: DicomSource, shapes: set[tuple[int, int]]) -> None:
    """Raise unless the node's voxels run along the images' rows and columns, as Slicer's DICOM reader leaves them."""
    from DeepStrokeSlicerLib.nodes import affine_of

    columns, rows, slices = node.GetImageData().GetDimensions()
    if shapes != {(columns, rows)} or slices != len(source.slices):
        raise InputError(
            f"{node.GetName()} has {columns} x {rows} x {slices} voxels, its DICOM files have {sorted(shapes)} in "
            f"{len(source.slices)} slices; load the series again",
            code="grid-mismatch",
        )
    own, theirs = Volume(np.zeros((1, 1, 1)), affine_of(node)).ijk_to_ras, source.slices[0].slice_to_ras
    for axis in (0, 1):
        a, b = own[:3, axis] / np.linalg.norm(own[:3, axis]), theirs[:3, axis] / np.linalg.norm(theirs[:3, axis])
        if a @ b < 0.99:
            raise InputError(
                f"the rows or columns of {node.GetName()} were turned since it was loaded; load the series again",
                code="grid-mismatch",
            )

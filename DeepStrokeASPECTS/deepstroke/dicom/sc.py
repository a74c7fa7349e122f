"""Secondary Capture: a picture of a result as a DICOM image, for viewers that show neither segments nor reports."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deepstroke import __version__
from deepstroke.dicom.seg_sources import Source, read_sources
from deepstroke.errors import DeepStrokeError, InputError
from deepstroke.nifti import atomic_path

#: In every panel columns run to the patient's left and rows to posterior.
RADIOLOGICAL = ("L", "P")


def write_secondary_capture(
    sources: Sequence[Source],
    picture: str | os.PathLike[str] | NDArray[np.uint8],
    path: str | os.PathLike[str],
    *,
    description: str = "DeepStroke ASPECTS figure (research use only)",
    series_number: int = 902,
) -> None:
    """Write a picture into the study of its source as an uncompressed RGB Secondary Capture, and read it back.

    The picture must show axial slices in the radiological convention, and nothing that names the patient: it is
    declared free of burned-in identity. The file is complete and checked, or absent.

    Args:
        sources: the slices of one series as files or datasets, or one multi-frame image.
        picture: a PNG, or uint8 of shape (rows, columns, 3), RGB.
        path: the file to write.
        description: of the new series, at most 64 characters.
        series_number: of the new series.

    Raises:
        InputError: the picture isn't one, or the sources can't be used.
        DeepStrokeError: the pixels read back differ.
    """
    import highdicom
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    images = read_sources(sources)
    pixels = picture if isinstance(picture, np.ndarray) else _read_picture(picture)
    _require_rgb(pixels)
    capture = highdicom.sc.SCImage.from_ref_dataset(
        ref_dataset=images.headers[0],
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=RADIOLOGICAL,
        series_instance_uid=generate_uid(),
        series_number=series_number,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="DeepStroke",
        manufacturer_model_name="deepstroke",
        software_versions=__version__,
        device_serial_number=__version__,
        series_description=description,
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    capture.BurnedInAnnotation = "NO"
    capture.BodyPartExamined = "HEAD"  # unpaired, so that the series needs no laterality
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.DerivationDescription = "ASPECTS regions drawn over two axial levels"
    capture.update(images.identity)
    with atomic_path(path) as temporary:
        capture.save_as(temporary)
        if not np.array_equal(pydicom.dcmread(temporary).pixel_array, pixels):
            raise DeepStrokeError("the picture read back differs from what was written", code="sc-readback")


def _read_picture(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(f"{path}: not a readable picture ({error})", code="sc-picture") from error


def _require_rgb(pixels: NDArray) -> None:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise InputError(
            f"a picture is uint8 of shape (rows, columns, 3), found {pixels.dtype} of shape {pixels.shape}",
            code="sc-picture",
        )

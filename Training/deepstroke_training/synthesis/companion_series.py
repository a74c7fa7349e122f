"""What else lies on a patient's disc: localizers, bone kernel, contrast, reformats and saved screens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.volume import Volume
from deepstroke_training.synthesis.dicom_writer import SeriesTags, image_dataset
from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.random_fields import numbers
from deepstroke_training.synthesis.straightening import straightened

if TYPE_CHECKING:
    from pydicom import Dataset

#: How a sharp kernel overshoots at edges, and the noise it lets through, HU.
_SHARPENING, _SHARP_NOISE_HU = 1.4, 28.0
_CONTRAST_HU = 190.0


def slices_of(volume: Volume, tags: SeriesTags) -> list[Dataset]:
    """Every k-slice of a volume as a data set."""
    return [image_dataset(volume, k, tags) for k in range(volume.shape[2])]


def localizers(case: SyntheticCase, tags: SeriesTags) -> list[Dataset]:
    """A lateral and a frontal scout view: mean density along the rays."""
    tags = replace(
        tags,
        description="SYNTHETIC Localizer",
        image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"),
        tilt_degrees=0.0,
        window=(-400, 1200),
    )
    straight = straightened(case.volume, order=1, fill=-1024)
    views = []
    for axis, reformat in ((0, _sagittal), (1, _coronal)):
        mean = straight.data.mean(axis=axis, keepdims=True)
        middle = straight.ijk_to_ras.copy()
        middle[:3, 3] += middle[:3, axis] * (straight.shape[axis] - 1) / 2.0
        views.append(reformat(Volume(mean.astype(np.float32), middle)))
    datasets = [image_dataset(_square_pixels(view), 0, tags) for view in views]
    for number, dataset in enumerate(datasets, start=1):
        dataset.InstanceNumber = number
        uid = tags.uid("study", tags.study, "series", tags.series, "image", f"view {number}")
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    return datasets


def bone_kernel(case: SyntheticCase, tags: SeriesTags) -> list[Dataset]:
    """The same slices by a sharp kernel: edges overshoot, and noise is strong."""
    tags = replace(tags, description="SYNTHETIC head bone", kernel="BONE", window=(500, 2000))
    hu = case.volume.data.astype(np.float32)
    sharp = hu + _SHARPENING * (hu - ndimage.gaussian_filter(hu, (1.2, 1.2, 0.0)))
    noise = numbers(case.seed, "bone kernel").standard_normal(hu.shape, dtype=np.float32)
    return slices_of(case.volume.with_data(sharp + _SHARP_NOISE_HU * noise), tags)


def with_contrast(maker: SyntheticHead, case: SyntheticCase, tags: SeriesTags) -> list[Dataset]:
    """The same head scanned again after contrast medium."""
    tags = replace(tags, description="SYNTHETIC head with contrast", contrast="IOHEXOL 300")
    acquisition = replace(case.settings.acquisition, enhancement_hu=_CONTRAST_HU, render_mm=1.2)
    return slices_of(maker.generate(case.seed, replace(case.settings, acquisition=acquisition)).volume, tags)


def reformats(case: SyntheticCase, tags: SeriesTags, plane: str) -> list[Dataset]:
    """Coronal or sagittal reformats of 3 mm from the axial slices."""
    straight = straightened(case.volume, order=1, fill=-1024)
    view = _square_pixels(_coronal(straight) if plane == "coronal" else _sagittal(straight))
    every = max(1, round(3.0 / view.spacing_mm[2]))
    thinned = view.ijk_to_ras.copy()
    thinned[:3, 2] *= every
    tags = replace(
        tags,
        description=f"SYNTHETIC head {plane}",
        image_type=("DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"),
        thickness_mm=3.0,
        tilt_degrees=0.0,
    )
    return slices_of(Volume(view.data[:, :, ::every], thinned), tags)


def saved_screen(tags: SeriesTags) -> list[Dataset]:
    """A page of dose figures as Secondary Capture: bars in place of words, and no geometry."""
    tags = replace(
        tags,
        description="SYNTHETIC Dose Report",
        image_type=("DERIVED", "SECONDARY", "SCREEN SAVE"),
        tilt_degrees=0.0,
    )
    page = np.full((256, 256, 1), -1000.0, dtype=np.float32)
    for row in range(30, 220, 18):
        page[24 : 24 + 8 * (5 + row % 17), row : row + 6] = 200.0
    dataset = image_dataset(Volume(page, np.eye(4)), 0, tags)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.ConversionType = "WSD"
    dataset.PatientOrientation = ""
    for name in _GEOMETRY:
        delattr(dataset, name)
    return [dataset]


_GEOMETRY = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceLocation",
    "SliceThickness",
    "GantryDetectorTilt",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "KVP",
    "ConvolutionKernel",
    "AcquisitionNumber",
)


def _coronal(volume: Volume) -> Volume:
    return Volume(volume.data.transpose(0, 2, 1), volume.ijk_to_ras[:, [0, 2, 1, 3]])


def _sagittal(volume: Volume) -> Volume:
    return Volume(volume.data.transpose(1, 2, 0), volume.ijk_to_ras[:, [1, 2, 0, 3]])


def _square_pixels(volume: Volume) -> Volume:
    """The same field of view with j as fine as i, by linear interpolation."""
    si, sj, _ = volume.spacing_mm
    count = max(2, round((volume.shape[1] - 1) * sj / si) + 1)
    step = (volume.shape[1] - 1) / (count - 1)
    data: NDArray = ndimage.affine_transform(
        volume.data.astype(np.float32),
        np.diag([1.0, step, 1.0]),
        output_shape=(volume.shape[0], count, volume.shape[2]),
        order=1,
        mode="nearest",
    )
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 1] *= step
    return Volume(data, matrix)

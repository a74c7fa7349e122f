"""Hospital media with answers known by hand: the atlas's own brain in a made skull, with outlines as overlays."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.utils import pack_bits
from scipy import ndimage

from deepstroke import atlas as atlases
from deepstroke.atlas.outlines import outlines
from deepstroke.preprocess.resampling import Grid, resample
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.synthesis.dicom_writer import SeriesTags, image_dataset, save
from phantoms_dicomdir import directory_of, write_dicomdir

#: What must never be found in a data set.
PATIENT_NAME, PATIENT_ID = "Geheim^Patientin", "KSSG-4711"
PIXEL_MM, SLICE_MM, SIDE = 1.8, 5.0, 128


@lru_cache(maxsize=4)
def head(shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0), seed: int = 0) -> tuple[Volume, LabelMap]:
    """The atlas's brain, moved, in a skull of 8 mm under 6 mm of scalp, in HU; and its regions on the same grid."""
    atlas = atlases.load()
    centre = atlas.template.ras_of((np.array(atlas.template.shape) - 1) / 2) + shift_mm
    count = 36
    ijk_to_ras = np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1.0])
    ijk_to_ras[:3, 3] = centre - np.array([PIXEL_MM * (SIDE - 1), PIXEL_MM * (SIDE - 1), SLICE_MM * (count - 1)]) / 2
    grid = Grid((SIDE, SIDE, count), ijk_to_ras)
    moved = atlas.template.ijk_to_ras.copy()
    moved[:3, 3] += shift_mm
    away = ndimage.distance_transform_edt(~atlas.brain.mask)
    hu = np.where(atlas.brain.mask, atlas.template.data, np.where(away < 8, 900.0, np.where(away < 14, 40.0, -1000.0)))
    padded = Volume(np.pad(hu, 20, constant_values=-1000.0).astype(np.float32), _origin_moved(moved, -20))
    scan = resample(padded, grid, fill=-1000.0)
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(grid.shape), (0.8, 0.8, 0))
    return (
        scan.with_data(np.rint(scan.data + 3.0 * noise / noise.std()).astype(np.float32)),
        resample(LabelMap(atlas.labels.data, moved), grid),
    )


def _origin_moved(ijk_to_ras: NDArray, voxels: int) -> NDArray:
    affine = ijk_to_ras.copy()
    affine[:3, 3] += affine[:3, :3] @ np.full(3, voxels)
    return affine


def series_of(
    volume: Volume, patient: int, number: int = 2, regions: LabelMap | None = None, **tags: object
) -> list[pydicom.Dataset]:
    """The slices of a head as a hospital's CT series; the outlines of regions become overlay 6000."""
    series = SeriesTags(f"{PATIENT_ID}-{patient}", series=str(number), number=number, **tags)  # type: ignore[arg-type]
    edge = None if regions is None else outlines(regions).mask
    slices = []
    for k in range(volume.shape[2]):
        dataset = image_dataset(volume, k, series)
        dataset.PatientName = f"{PATIENT_NAME}{patient}"
        if edge is not None:
            _add_overlay(dataset, edge[::-1, ::-1, k].T)
        slices.append(dataset)
    return slices


def _add_overlay(dataset: pydicom.Dataset, drawn: NDArray[np.bool_]) -> None:
    dataset.add_new(0x60000010, "US", drawn.shape[0])
    dataset.add_new(0x60000011, "US", drawn.shape[1])
    dataset.add_new(0x60000040, "CS", "G")
    dataset.add_new(0x60000050, "SS", [1, 1])
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60000102, "US", 0)
    dataset.add_new(0x60003000, "OW", pack_bits(drawn.astype(np.uint8)))


def write_medium(folder: Path, series: Sequence[Sequence[pydicom.Dataset]], dicomdir: bool = False) -> Path:
    """Write series as ``DICOM/SE00001/IM00001`` and so on, with a DICOMDIR if asked for."""
    shutil.rmtree(folder, ignore_errors=True)
    entries = []
    for number, slices in enumerate(series, start=1):
        names = [["DICOM", f"SE{number:05d}", f"IM{k + 1:05d}"] for k in range(len(slices))]
        for dataset, name in zip(slices, names, strict=True):
            save(dataset, folder.joinpath(*name))
        entries += directory_of(slices, names)
    if dicomdir:
        write_dicomdir(folder / "DICOMDIR", entries)
    return folder

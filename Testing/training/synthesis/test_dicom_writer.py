"""Series read back to the bit, tilted ones in their place, and pass the validator."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from deepstroke.dicom import read_series
from deepstroke.frames import apply_affine
from deepstroke_training.synthesis import (
    AcquisitionSettings,
    AcuteInfarct,
    HeadSettings,
    LesionLabel,
    PathologySettings,
    SeriesTags,
    SyntheticCase,
    SyntheticHead,
    write_series,
)


@pytest.fixture(scope="module")
def tilted(maker: SyntheticHead) -> SyntheticCase:
    acquisition = AcquisitionSettings(
        matrix=72, pixel_mm=3.2, render_mm=3.2, tilt_degrees=14, pitch_degrees=10, noise_hu=1.0, bottom_mm=-60
    )
    infarct = PathologySettings((AcuteInfarct("left", ("M2", "M3"), drop_hu=20),))
    return maker.generate(2, HeadSettings(acquisition=acquisition, pathology=infarct))


def test_pixels_and_positions_come_back(tilted: SyntheticCase, tmp_path: Path) -> None:
    paths = write_series(tilted, tmp_path)
    ni, nj, nk = tilted.volume.shape
    assert len(paths) == nk
    for k in (0, nk // 2, nk - 1):
        dataset = pydicom.dcmread(paths[k])
        hu = dataset.pixel_array.astype(int) * int(dataset.RescaleSlope) + int(dataset.RescaleIntercept)
        assert np.array_equal(hu.T[::-1, ::-1], tilted.volume.data[:, :, k])
        row, column = np.reshape(np.array(dataset.ImageOrientationPatient, float), (2, 3))
        corner = np.array(dataset.ImagePositionPatient, float)
        far = corner + row * (ni - 1) * dataset.PixelSpacing[1] + column * (nj - 1) * dataset.PixelSpacing[0]
        expected = apply_affine(tilted.volume.ijk_to_ras, [(ni - 1, nj - 1, k), (0, 0, k)]) * (-1, -1, 1)
        assert np.stack([corner, far]) == pytest.approx(expected, abs=1e-4)


def test_the_lesion_lies_on_the_left_in_dicom_coordinates(tilted: SyntheticCase, tmp_path: Path) -> None:
    paths = write_series(tilted, tmp_path)
    k = int((tilted.lesions.data == LesionLabel.ACUTE_INFARCT).sum((0, 1)).argmax())
    dataset = pydicom.dcmread(paths[k])
    shown = tilted.lesions.data[::-1, ::-1, k].T
    column = np.argwhere(shown > 0)[:, 1].mean()
    head = np.argwhere(dataset.pixel_array > 1024 - 200)[:, 1].mean()
    assert column > head + 10
    lps_x = dataset.ImagePositionPatient[0] + column * dataset.PixelSpacing[1]
    assert lps_x > 20


def test_the_library_reads_a_tilted_series_onto_a_straight_grid(tilted: SyntheticCase, tmp_path: Path) -> None:
    write_series(tilted, tmp_path)
    volume = read_series(tmp_path)
    assert volume.is_orthogonal
    point = tilted.volume.ras_of(np.array([36, 36, tilted.volume.shape[2] // 2]))
    i, j, k = np.rint(volume.ijk_of(point)).astype(int)
    assert abs(volume.data[i, j, k] - tilted.volume.data[36, 36, tilted.volume.shape[2] // 2]) < 15


@pytest.mark.parametrize("syntax", ["jpeg-ls", "rle"])
def test_compression_loses_nothing(tilted: SyntheticCase, tmp_path: Path, syntax: str) -> None:
    plain = write_series(tilted, tmp_path / "plain", SeriesTags("P"))
    packed = write_series(tilted, tmp_path / "packed", replace(SeriesTags("P"), syntax=syntax))  # type: ignore[arg-type]
    first, second = pydicom.dcmread(plain[9]), pydicom.dcmread(packed[9])
    assert second.file_meta.TransferSyntaxUID.is_compressed
    assert np.array_equal(first.pixel_array, second.pixel_array)
    assert packed[9].stat().st_size < plain[9].stat().st_size
    assert first.SOPInstanceUID == second.SOPInstanceUID


def test_uids_repeat_and_tell_series_apart(tilted: SyntheticCase, tmp_path: Path) -> None:
    once = [path.read_bytes() for path in write_series(tilted, tmp_path / "a")]
    twice = [path.read_bytes() for path in write_series(tilted, tmp_path / "b")]
    assert once == twice
    tags = SeriesTags("P", study="1", series="1")
    assert tags.series_uid != replace(tags, series="2").series_uid
    assert tags.study_uid == replace(tags, series="2").study_uid
    assert tags.study_uid != replace(tags, patient_id="Q").study_uid
    assert len(tags.series_uid) <= 64


def test_the_header_says_synthetic_and_names_nobody(tilted: SyntheticCase, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(write_series(tilted, tmp_path)[0])
    assert str(dataset.PatientName) == "DeepStroke^Synthetic"
    assert "SYNTHETIC" in dataset.SeriesDescription
    assert "SYNTHETIC" in dataset.StudyDescription


def test_the_validator_finds_no_error(tilted: SyntheticCase, tmp_path: Path) -> None:
    validator = shutil.which("dciodvfy")
    if validator is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    tags = replace(SeriesTags("P"), syntax="jpeg-ls", contrast="IOHEXOL", tilt_degrees=14.0)
    path = write_series(tilted, tmp_path, tags)[3]
    said = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False)
    assert "CTImage" in said.stderr
    assert "Error" not in said.stderr

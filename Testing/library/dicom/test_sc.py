"""Secondary Captures: the picture comes back, belongs to the study, and is valid DICOM."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image

from deepstroke.dicom.sc import write_secondary_capture
from deepstroke.errors import InputError
from phantoms_slices import ct_series


def picture() -> NDArray[np.uint8]:
    """Red on the left, green on the right, blue at the bottom; odd in both directions."""
    pixels = np.zeros((31, 45, 3), np.uint8)
    pixels[:20, :20, 0], pixels[:20, 20:, 1], pixels[20:, :, 2] = 200, 150, 90
    return pixels


@pytest.fixture
def written(tmp_path: Path) -> tuple[pydicom.Dataset, Path]:
    Image.fromarray(picture()).save(tmp_path / "figure.png")
    series = ct_series()
    write_secondary_capture(series, tmp_path / "figure.png", tmp_path / "figure.sc.dcm")
    return series[0], tmp_path / "figure.sc.dcm"


def test_the_picture_comes_back(written: tuple) -> None:
    capture = pydicom.dcmread(written[1])
    np.testing.assert_array_equal(capture.pixel_array, picture())
    assert list(capture.PatientOrientation) == ["L", "P"]  # columns run to the patient's left
    assert (capture.BurnedInAnnotation, capture.ConversionType, capture.Modality) == ("NO", "DI", "OT")


def test_it_belongs_to_the_study_in_a_series_of_its_own(written: tuple) -> None:
    source, path = written
    capture = pydicom.dcmread(path)
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber"):
        assert capture[keyword].value == source[keyword].value
    assert capture.SeriesInstanceUID != source.SeriesInstanceUID
    assert "lives alone" not in str(capture)
    assert "research use only" in capture.SeriesDescription


def test_pictures_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(InputError, match=r"text\.png: not a readable picture"):
        write_secondary_capture(ct_series(), tmp_path / "text.png", tmp_path / "s.dcm")
    with pytest.raises(InputError, match=r"uint8 of shape \(rows, columns, 3\), found uint8 of shape \(31, 45\)"):
        write_secondary_capture(ct_series(), picture()[..., 0], tmp_path / "s.dcm")
    assert not (tmp_path / "s.dcm").exists()


def test_dciodvfy_finds_no_error(written: tuple) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is absent (Debian package dicom3tools)")
    done = subprocess.run(["dciodvfy", "-new", str(written[1])], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    assert "SCImage" in lines
    assert [line for line in lines if line.startswith(("Error", "Warning"))] == []

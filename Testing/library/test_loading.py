"""Scans from NIfTI files: what isn't a number is named, never taken for tissue in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.loading import AIR_HU, load_scan
from deepstroke.nifti import write_nifti
from deepstroke.volume import Volume


def _written(data: np.ndarray, folder: Path) -> Path:
    path = folder / "scan.nii.gz"
    write_nifti(Volume(data.astype(np.float32), np.diag([1.0, 1.0, 5.0, 1.0])), path)
    return path


def test_voxels_without_a_finite_value_become_air_and_are_counted(tmp_path: Path) -> None:
    data = np.full((4, 5, 6), 30.0)
    data[1, 2, 3], data[2, 2, 3], data[3, 2, 3] = np.nan, np.inf, -np.inf
    scan = load_scan(_written(data, tmp_path))
    assert scan.volume.data[1:4, 2, 3].tolist() == [AIR_HU] * 3
    assert np.count_nonzero(scan.volume.data == 30.0) == 4 * 5 * 6 - 3
    (finding,) = [finding for finding in scan.findings if finding.code == "no-number"]
    assert finding.message.startswith("3 voxels")


def test_a_sound_file_has_no_such_finding(tmp_path: Path) -> None:
    scan = load_scan(_written(np.full((4, 5, 6), 30.0), tmp_path))
    assert [finding.code for finding in scan.findings] == ["no-dicom-source"]


def test_a_file_without_any_value_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scan\.nii\.gz: no voxel holds a finite value"):
        load_scan(_written(np.full((4, 5, 6), np.nan), tmp_path))


def test_a_series_of_a_single_volume_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds one volume; --series is for DICOM"):
        load_scan(_written(np.zeros((4, 5, 6)), tmp_path), series="1.2.3")

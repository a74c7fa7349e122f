"""Label maps read in portions, against what the library writes and Slicer's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nibabel
import numpy as np
import pytest
from readings import block_labels

from deepstroke.errors import InputError
from deepstroke.nifti import write_nifti
from deepstroke.volume import Volume

if TYPE_CHECKING:
    from host import Host


def read(path: Path) -> Volume:
    from DeepStrokeSlicerLib.label_files import read_labels
    from DeepStrokeSlicerLib.timers import run_now

    return run_now(read_labels(path))


def test_every_voxel_and_the_geometry_are_those_that_were_written(host: Host, tmp_path: Path) -> None:
    from DeepStrokeSlicerLib.nodes import read_volume_file

    labels = block_labels()
    write_nifti(labels, tmp_path / "labels.nii.gz")
    found, by_slicer = read(tmp_path / "labels.nii.gz"), read_volume_file(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(found.data, labels.data)
    np.testing.assert_allclose(found.ijk_to_ras, labels.ijk_to_ras, atol=1e-4)
    assert found.data.dtype == np.uint8
    middle = np.argwhere(by_slicer.data == 6).mean(axis=0), np.argwhere(found.data == 6).mean(axis=0)
    np.testing.assert_allclose(by_slicer.ras_of(middle[0]), found.ras_of(middle[1]), atol=1e-3)


def test_it_takes_several_portions(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from DeepStrokeSlicerLib import label_files

    monkeypatch.setattr(label_files, "_PORTION_BYTES", 1000)
    write_nifti(block_labels(), tmp_path / "labels.nii.gz")
    portions = list(label_files.read_labels(tmp_path / "labels.nii.gz"))
    assert len(portions) == -(-(61 * 61 * 20 + 352) // 1000)


@pytest.mark.parametrize("change", ["float", "scaled", "no sform"])
def test_files_of_another_make_are_read_by_slicer(host: Host, tmp_path: Path, change: str) -> None:
    labels = block_labels()
    image = nibabel.Nifti1Image(labels.data, labels.ijk_to_ras)
    if change == "float":
        image = nibabel.Nifti1Image(labels.data.astype(np.float32), labels.ijk_to_ras)
    elif change == "scaled":
        image.header.set_slope_inter(2.0, 0.0)
    else:
        image.set_qform(labels.ijk_to_ras, code=1)
        image.set_sform(None, code=0)
    nibabel.save(image, tmp_path / "labels.nii.gz")
    expected = np.arange(21) * (2 if change == "scaled" else 1)
    np.testing.assert_allclose(np.unique(read(tmp_path / "labels.nii.gz").data), expected)


def test_a_damaged_or_absent_file_is_named(host: Host, tmp_path: Path) -> None:
    write_nifti(block_labels(), tmp_path / "labels.nii.gz")
    whole = (tmp_path / "labels.nii.gz").read_bytes()
    (tmp_path / "labels.nii.gz").write_bytes(whole[: len(whole) // 2])
    for name in ("labels.nii.gz", "absent.nii.gz"):
        with pytest.raises(InputError, match=f"{name} is missing or can't be read"):
            read(tmp_path / name)

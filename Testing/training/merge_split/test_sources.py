"""Label files that a plan is made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap
from deepstroke_training.merge_split.sources import LabelFiles


def write(path: Path, *labels: int, affine: np.ndarray | None = None) -> None:
    grid = np.diag([1.0, 1.0, 2.0, 1.0]) if affine is None else affine
    write_nifti(LabelMap(np.array([[labels]]), grid), path)


def test_files_and_folders_are_read_in_order(tmp_path: Path) -> None:
    write(tmp_path / "maps" / "b.nii.gz", 1, 2, 0)
    write(tmp_path / "maps" / "a.nii.gz", 3, 0, 0)
    (tmp_path / "maps" / "notes.txt").write_text("not a label map")
    write(tmp_path / "single.nii", 0, 0, 4)
    files = LabelFiles.found_in([tmp_path / "single.nii", tmp_path / "maps"])
    assert [each.data.ravel().tolist() for each in files] == [[0, 0, 4], [3, 0, 0], [1, 2, 0]]
    assert len(files) == 3
    assert files.spacing_mm == (1.0, 1.0, 2.0)


def test_of_a_data_set_the_registered_labels_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "registered_segmentation" / "case.nii.gz", 7)
    write(tmp_path / "raw_segmentation" / "case.nii.gz", 8)
    assert [each.data.item() for each in LabelFiles.found_in([tmp_path])] == [7]


def test_maps_stored_along_other_axes_are_turned_to_ras(tmp_path: Path) -> None:
    write(tmp_path / "ras.nii.gz", 1, 2, 3)
    write(
        tmp_path / "downwards.nii.gz",
        3,
        2,
        1,
        affine=np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -2, 4], [0, 0, 0, 1.0]]),
    )
    files = LabelFiles.found_in([tmp_path / "ras.nii.gz", tmp_path / "downwards.nii.gz"])
    assert [each.data.ravel().tolist() for each in files] == [[1, 2, 3], [1, 2, 3]]


def test_another_grid_is_refused_with_the_file(tmp_path: Path) -> None:
    write(tmp_path / "a.nii.gz", 1, 2)
    write(tmp_path / "b.nii.gz", 1, 2, affine=np.eye(4))
    with pytest.raises(GeometryError, match=r"b\.nii\.gz lies on another grid than .*a\.nii\.gz"):
        list(LabelFiles.found_in([tmp_path]))


def test_a_missing_source_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        LabelFiles.found_in([tmp_path / "nowhere"])
    with pytest.raises(InputError, match="holds no label map"):
        LabelFiles.found_in([tmp_path])

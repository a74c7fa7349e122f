"""Folders of label maps: pairs by name, patients by table, faults by file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import GeometryError, InputError
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap, Volume
from deepstroke_training.evaluation import EvaluationSettings, evaluate_folders
from deepstroke_training.evaluation.folders import pair_files, read_patients
from phantoms_regions import boxes

_QUICK = EvaluationSettings(worst=1, plots=False, draws=100)


def test_files_are_paired_by_name_whatever_their_format(folders, tmp_path: Path) -> None:
    predictions, truth = folders({"b": boxes(shift_k=1), "a": boxes()})
    (truth / "a.nii.gz").unlink()
    write_nifti(boxes(), truth / "a.nii")
    (truth / "notes.txt").write_text("no volume")
    found = evaluate_folders(predictions, truth, tmp_path / "out", _QUICK)
    assert [case.case for case in found.records.cases] == ["a", "b"]
    assert found.records.case_dice() == pytest.approx([1.0, 7 / 8])


def test_patients_come_from_the_table_beside_the_truth(folders, tmp_path: Path) -> None:
    predictions, truth = folders({"a": boxes(), "b": boxes()})
    (truth.parent / "cases.csv").write_text("case,patient,slices\na,p1,28\nb,p1,30\n")
    assert evaluate_folders(predictions, truth, tmp_path / "out", _QUICK).summary.patients == 1


def test_a_named_table_needs_its_columns(tmp_path: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("name,patient\na,p1\n")
    with pytest.raises(InputError, match="expected the columns case and patient, found name, patient"):
        read_patients(table, tmp_path)
    with pytest.raises(InputError, match=r"nothing\.csv can't be read"):
        read_patients(tmp_path / "nothing.csv", tmp_path)


def test_images_stand_behind_the_worst_cases(folders, tmp_path: Path) -> None:
    predictions, truth = folders({"a": boxes(shift_k=1)})
    stripes = np.tile(np.arange(14, dtype=np.float32) * 5, (24, 12, 1))
    write_nifti(Volume(stripes, boxes().ijk_to_ras), tmp_path / "images" / "a.nii.gz")
    pictures = []
    for images in (None, tmp_path / "images"):
        evaluate_folders(predictions, truth, tmp_path / "out", _QUICK, images)
        pictures.append((tmp_path / "out" / "worst" / "01.png").read_bytes())
    assert pictures[0] != pictures[1]


def test_other_cases_are_named(folders) -> None:
    predictions, truth = folders({"a": boxes(), "b": boxes()}, {"a": boxes(), "c": boxes(), "d": boxes()})
    with pytest.raises(InputError, match=r"1 only in .*predictions \(b\); 2 only in .*truth \(c, d\)"):
        pair_files(predictions, truth)


def test_empty_and_absent_folders_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="empty: no label map here"):
        pair_files(tmp_path / "empty", tmp_path / "empty")
    with pytest.raises(InputError, match="absent: no such folder"):
        pair_files(tmp_path / "absent", tmp_path / "empty")


def test_the_file_on_another_grid_is_named(folders, tmp_path: Path) -> None:
    moved = LabelMap(boxes().data, np.diag([1.0, 1.0, 3.0, 1.0]))
    predictions, truth = folders({"a": moved}, {"a": boxes()})
    with pytest.raises(GeometryError, match=r"predictions/a\.nii\.gz lies on another grid"):
        evaluate_folders(predictions, truth, tmp_path / "out", _QUICK)

"""Opening a curated data set: what training sees of it, and that every fault is told at once with its file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.nifti import write_nifti
from deepstroke.volume import LabelMap
from deepstroke_training.data.checked_files import CheckedFiles
from deepstroke_training.data.curated_dataset import CuratedDataset
from phantoms_dataset import made_head, write_table


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(InputError, match="can't be trained on:") as caught:
        CuratedDataset.open(folder)
    return str(caught.value).splitlines()[1:]


def test_a_data_set_knows_its_patients_and_the_files_of_each_stage(dataset: Path) -> None:
    opened = CuratedDataset.open(dataset)
    assert opened.patients == ("ada", "bo", "cy", "di", "ed")
    assert [case.name for case in opened.of_patients(["ada"])] == ["c1", "c3"]
    assert [case.name for case in opened.of_patients(["ada"], skip_review=True)] == ["c1"]
    assert opened.cases[2].review == ("regions-missing",)
    places = {
        stage: [path.parent.name for path in (case.image_path(stage), case.label_path(stage))]
        for case in opened.cases[:1]
        for stage in opened.stages
    }
    assert places == {
        "raw": ["raw_volumes", "raw_segmentation"],
        "stripped": ["stripped_volumes", "raw_segmentation"],
        "registered": ["registered_volumes", "registered_segmentation"],
    }
    image, labels = opened.cases[0].read("raw")
    assert image.same_grid(labels)
    assert labels.present() == [6, 11]


def test_its_name_is_the_same_wherever_it_lies(own_dataset: Path) -> None:
    assert CuratedDataset.open(own_dataset).name == "dataset"
    (own_dataset / "dataset.json").write_text(json.dumps({"salt_fingerprint": "f00d"}))
    assert CuratedDataset.open(own_dataset).name == "f00d"


def test_all_faults_of_files_are_told_at_once(own_dataset: Path) -> None:
    head, labels, stripped = made_head()
    (own_dataset / "registered_volumes" / "c1.nii.gz").unlink()
    write_nifti(labels.with_labels(np.where(labels.mask, 21, 0)), own_dataset / "raw_segmentation" / "c1.nii.gz")
    moved = stripped.ijk_to_ras.copy()
    moved[0, 3] += 3.0
    write_nifti(LabelMap(labels.data, moved), own_dataset / "registered_segmentation" / "c2.nii.gz")
    broken = np.where(head.data > 800, np.nan, head.data.astype(np.float32))
    write_nifti(head.with_data(broken), own_dataset / "raw_volumes" / "c2.nii.gz")
    (own_dataset / "stripped_volumes" / "c2.nii.gz").write_bytes(b"no gzip")
    faults = faults_of(own_dataset)
    expected = [
        ("raw_segmentation/c1.nii.gz", "labels are 0..20, found 21"),
        ("registered_volumes/c1.nii.gz", "missing"),
        ("raw_volumes/c2.nii.gz", "no finite numbers"),
        ("stripped_volumes/c2.nii.gz", "damaged"),
        ("registered_segmentation/c2.nii.gz", "lies on another grid than"),
    ]
    assert len(faults) == len(expected)
    for (file, cause), fault in zip(expected, faults, strict=True):
        assert file in fault
        assert cause in fault


def test_stages_that_are_not_asked_for_may_be_missing(own_dataset: Path) -> None:
    for path in (own_dataset / "registered_volumes").iterdir():
        path.unlink()
    assert len(faults_of(own_dataset)) == 2
    assert len(CuratedDataset.open(own_dataset, ["raw", "stripped"]).cases) == 2


def test_faults_of_the_table_are_told(own_dataset: Path) -> None:
    write_table(own_dataset, [("c1", "ada"), ("c1", "bo"), ("c2", ""), ("../c2", "cy")], ("case", "patient"))
    table = own_dataset / "cases.csv"
    assert faults_of(own_dataset) == [
        f"{table}: line 3: case c1 stands there twice",
        f"{table}: line 4: case c2 has no patient, so that it can't be kept on one side",
        f"{table}: line 5: '../c2' is no name of a case",
    ]
    write_table(own_dataset, [("c1",)], ("case",))
    assert faults_of(own_dataset) == [f"{table}: no column patient; make it by deepstroke-train curate"]
    write_table(own_dataset, [], ("case", "patient"))
    assert faults_of(own_dataset) == [f"{table}: lists no case"]
    table.unlink()
    (fault,) = faults_of(own_dataset)
    assert fault.startswith(f"{table}: can't be read")


def test_files_found_sound_are_not_read_again_until_they_change(own_dataset: Path, tmp_path: Path) -> None:
    memory = tmp_path / "cache" / "checked.json"
    CuratedDataset.open(own_dataset, checked=CheckedFiles(memory))
    label = own_dataset / "raw_segmentation" / "c1.nii.gz"
    before = label.stat()
    content = label.read_bytes()
    label.write_bytes(b"x" * len(content))
    os.utime(label, ns=(before.st_atime_ns, before.st_mtime_ns))
    CuratedDataset.open(own_dataset, checked=CheckedFiles(memory))  # same size and time: not read
    os.utime(label, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    with pytest.raises(InputError, match=r"raw_segmentation/c1\.nii\.gz: damaged"):
        CuratedDataset.open(own_dataset, checked=CheckedFiles(memory))
    label.write_bytes(content)
    memory.write_text("{ no json")
    assert CuratedDataset.open(own_dataset, checked=CheckedFiles(memory)).patients == ("ada", "bo")

"""Batches: cases, resume, the table. The children are real processes."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from readings import report_content, write_result

from deepstroke.errors import InputError
from deepstroke.nifti import write_json
from DeepStrokeASPECTSLib.batch import TABLE, Batch, find_cases


def rows(output: Path) -> dict[str, dict[str, str]]:
    with (output / TABLE).open(encoding="utf-8", newline="") as stream:
        return {row["source"]: row for row in csv.DictReader(stream)}


def finish(batch: Batch) -> None:
    while batch.poll():
        time.sleep(0.02)


def test_cases_are_folders_archives_and_volumes(tmp_path: Path) -> None:
    for name in ("a", "b c"):
        (tmp_path / name).mkdir()
    for name in ("d.nii.gz", "e.nrrd", "f.zip", "notes.txt", ".hidden"):
        (tmp_path / name).touch()
    assert [case.source for case in find_cases(tmp_path)] == ["a", "b c", "d.nii.gz", "e.nrrd", "f.zip"]


def test_a_folder_of_files_alone_is_one_case(tmp_path: Path) -> None:
    (tmp_path / "IM1").touch()
    assert [case.path for case in find_cases(tmp_path)] == [tmp_path]


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no scans"):
        find_cases(tmp_path)
    with pytest.raises(InputError, match="can't be read"):
        find_cases(tmp_path / "absent")


def test_results_are_named_without_the_folders_name(tmp_path: Path) -> None:
    (tmp_path / "Doe^John").mkdir()
    (case,) = find_cases(tmp_path)
    assert "Doe" not in case.name
    assert case.name == find_cases(tmp_path)[0].name


def test_what_is_done_or_refused_is_passed_over(tmp_path: Path) -> None:
    scans, output = tmp_path / "scans", tmp_path / "out"
    for name in ("done", "refused"):
        (scans / name).mkdir(parents=True)
    done, refused = find_cases(scans)
    write_result(output / done.name, report_content(left_M1={"involved": True}))
    (output / refused.name).mkdir()
    write_json({"message": "no head was found"}, output / refused.name / "rejected.json")
    batch = Batch((done, refused), output)
    assert batch.poll() is False
    assert batch.pid is None
    table = rows(output)
    assert (table["done"]["state"], table["done"]["aspects_left"], table["done"]["aspects_right"]) == (
        "done",
        "9",
        "10",
    )
    assert (table["refused"]["state"], table["refused"]["message"]) == ("refused", "no head was found")


def test_a_refusal_is_noted_and_the_next_case_begins(tmp_path: Path) -> None:
    scans, output = tmp_path / "scans", tmp_path / "out"
    for name in ("one.nii.gz", "two.nrrd"):
        (scans / name).parent.mkdir(exist_ok=True)
        (scans / name).write_bytes(b"no volume")
    told = []
    finish(Batch(find_cases(scans), output, ["--device", "cpu"], told.append))
    table = rows(output)
    assert [table[name]["state"] for name in ("one.nii.gz", "two.nrrd")] == ["refused", "refused"]
    assert "damaged" in table["one.nii.gz"]["message"]

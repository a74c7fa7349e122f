"""DICOMDIR: every named file is found or listed as lost, whatever is wrong with the directory."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pydicom
import pytest

from deepstroke.dicom import choose_series, inspect
from deepstroke.dicom.dicomdir import read_dicomdir, resolve_records
from deepstroke.errors import DicomSeriesError
from phantoms import axial_stack, ct_slices, write
from phantoms_dicomdir import DirectoryEntry, directory_of, write_dicomdir

STACK = axial_stack()


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """A medium with one series of 32 slices in DICOM/S1 and its DICOMDIR."""
    slices = ct_slices(STACK, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")
    for number, dataset in enumerate(slices):
        write(dataset, tmp_path / "medium" / "DICOM" / "S1" / f"IM{number:02d}")
    write_dicomdir(tmp_path / "medium" / "DICOMDIR", entries_of(slices))
    return tmp_path / "medium" / "DICOMDIR"


def entries_of(slices: Sequence[pydicom.Dataset]) -> list[DirectoryEntry]:
    return directory_of(slices, [["DICOM", "S1", f"IM{number:02d}"] for number in range(len(slices))])


def file_ids(entries: list[DirectoryEntry]) -> list[DirectoryEntry]:
    return [entry for entry in entries if entry.file_id]


def losses(path: Path) -> dict[str, str]:
    return {entry.path: entry.code for entry in inspect(path).rejected}


def test_every_record_knows_its_series_and_its_file(medium: Path) -> None:
    directory = read_dicomdir(medium)
    assert len(directory.records) == 32
    assert directory.losses == ()
    first = directory.records[0]
    assert (first.kind, first.file_id) == ("IMAGE", ("DICOM", "S1", "IM00"))
    assert (first.study_uid, first.series_uid, first.modality, first.series_number) == ("1.2.3", "1.2.3.4", "CT", "2")
    found, lost = resolve_records(directory)
    assert [path.name for _, path in found] == [f"IM{n:02d}" for n in range(32)]
    assert lost == []


def test_the_medium_is_inspected_through_its_dicomdir_or_its_folder(medium: Path) -> None:
    for path in (medium, medium.parent):
        inspection = inspect(path)
        assert choose_series(inspection).slices == 32
        assert inspection.rejected == ()


def test_missing_files_are_listed_each_and_the_rest_is_read(medium: Path) -> None:
    for name in ("IM00", "IM31"):
        (medium.parent / "DICOM" / "S1" / name).unlink()
    assert losses(medium) == {f"DICOM/S1/{name}": "dicomdir-missing-file" for name in ("IM00", "IM31")}
    (record,) = inspect(medium).series
    assert record.slices == 30
    assert "2 slices that the DICOMDIR names for this series are missing" in [f.message for f in record.findings]


@pytest.mark.parametrize(
    "rename",
    [str.lower, lambda name: f"{name}.dcm", lambda name: f"{name}.;1", lambda name: f"{name.lower()}.DCM;1"],
    ids=["case", "suffix", "version", "all"],
)
def test_names_match_whatever_their_case_and_suffix(rename: Callable[[str], str], medium: Path) -> None:
    folder = medium.parent / "DICOM" / "S1"
    for path in list(folder.iterdir()):
        path.rename(folder / rename(path.name))
    (medium.parent / "DICOM").rename(medium.parent / "dicom")
    found, lost = resolve_records(read_dicomdir(medium))
    assert (len(found), lost) == (32, [])
    assert inspect(medium).rejected == ()


def test_a_suffix_never_matches_another_file(medium: Path) -> None:
    folder = medium.parent / "DICOM" / "S1"
    (folder / "IM00").rename(folder / "IM00.1.2")
    _, lost = resolve_records(read_dicomdir(medium))
    assert [record.file_id[-1] for record, _ in lost] == ["IM00"]


def test_files_that_were_moved_on_the_medium_are_found_by_the_folder_scan(medium: Path) -> None:
    (medium.parent / "DICOM" / "S1").rename(medium.parent / "elsewhere")
    inspection = inspect(medium)
    assert choose_series(inspection).slices == 32
    assert inspection.rejected == ()


def test_files_that_no_record_names_are_found_too(medium: Path) -> None:
    write_dicomdir(medium, [])
    assert choose_series(inspect(medium)).slices == 32


@pytest.mark.parametrize(
    "file_id",
    [
        ["..", "..", "secret"],
        ["DICOM", "..", "..", "secret"],
        ["/etc/passwd"],
        ["DICOM", "a/../../secret"],
        ["C:", "x"],
        [""],
    ],
    ids=str,
)
def test_a_name_that_leads_out_of_the_medium_loses_its_record_only(file_id: list[str], medium: Path) -> None:
    (medium.parent.parent / "x").write_bytes(b"outside")
    entries = entries_of(ct_slices(STACK))
    file_ids(entries)[3].file_id = file_id
    write_dicomdir(medium, entries)
    found, lost = resolve_records(read_dicomdir(medium))
    assert len(found) == 31
    assert [loss.code for _, loss in lost] == ["dicomdir-outside"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_leads_out_of_the_medium_loses_its_record_only(what: str, medium: Path) -> None:
    outside = medium.parent.parent / "outside"
    outside.mkdir()
    write(ct_slices(STACK, SeriesInstanceUID="9.9")[0], outside / "IM99")
    entries = entries_of(ct_slices(STACK))
    if what == "file":
        (medium.parent / "DICOM" / "S1" / "LINK").symlink_to(outside / "IM99")
        file_ids(entries)[3].file_id = ["DICOM", "S1", "LINK"]
    else:
        (medium.parent / "DICOM" / "OUT").symlink_to(outside)
        file_ids(entries)[3].file_id = ["DICOM", "OUT", "IM99"]
    write_dicomdir(medium, entries)
    found, lost = resolve_records(read_dicomdir(medium))
    assert len(found) == 31
    assert [loss.code for _, loss in lost] == ["dicomdir-outside"]
    assert "9.9" not in {record.uid for record in inspect(medium).series}


def test_a_link_within_the_medium_is_followed(medium: Path) -> None:
    folder = medium.parent / "DICOM" / "S1"
    (folder / "IM00").rename(medium.parent / "moved")
    (folder / "IM00").symlink_to(medium.parent / "moved")
    assert len(resolve_records(read_dicomdir(medium))[0]) == 32


def _set_offset(path: Path, tag: int, value: int, which: int = 0) -> None:
    """Overwrite the ``which``-th offset element (0004,tag) with another value."""
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(which + 1):
        at = data.index(struct.pack("<HH", 0x0004, tag) + b"UL\x04\x00", at + 1)
    data[at + 8 : at + 12] = struct.pack("<L", value)
    path.write_bytes(bytes(data))


def test_offsets_that_run_in_circles_are_named_and_nothing_is_lost(medium: Path) -> None:
    data = medium.read_bytes()
    fifth_item = [n for n in range(len(data) - 4) if data[n : n + 4] == b"\xfe\xff\x00\xe0"][5]
    _set_offset(medium, 0x1400, fifth_item, which=5)
    directory = read_dicomdir(medium)
    assert len(directory.records) == 32
    assert [loss.code for loss in directory.losses] == ["dicomdir-cycle"]
    assert {record.series_uid for record in directory.records} == {"1.2.3.4"}


def test_an_offset_into_nowhere_is_named_and_nothing_is_lost(medium: Path) -> None:
    _set_offset(medium, 0x1400, 7, which=6)
    directory = read_dicomdir(medium)
    assert len(directory.records) == 32
    assert [loss.code for loss in directory.losses] == ["dicomdir-offset"]


def test_records_without_offsets_are_read_in_their_order(medium: Path) -> None:
    entries = entries_of(ct_slices(STACK, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4"))
    write_dicomdir(medium, entries, offsets=False)
    directory = read_dicomdir(medium)
    assert (len(directory.records), directory.losses) == (32, ())
    assert {(record.study_uid, record.series_uid) for record in directory.records} == {("1.2.3", "1.2.3.4")}


def test_offsets_decide_where_they_contradict_the_order(medium: Path) -> None:
    """The slices of two series interleave in the file; the offsets say which is whose."""
    a = ct_slices(STACK.only([0, 1]), SeriesInstanceUID="1.1")
    b = ct_slices(STACK.only([0, 1]), SeriesInstanceUID="2.2")
    first = directory_of(a, [["A0"], ["A1"]])
    second = directory_of(b, [["B0"], ["B1"]])
    order = [first[0], first[1], first[2], first[3], second[0], second[1], second[2], second[3], second[4], first[4]]
    write_dicomdir(medium, first + second, written=order)
    series = {record.file_id[0]: record.series_uid for record in read_dicomdir(medium).records}
    assert series == {"A0": "1.1", "A1": "1.1", "B0": "2.2", "B1": "2.2"}


@pytest.mark.parametrize("undefined", [False, True], ids=["defined lengths", "undefined lengths"])
def test_both_forms_of_sequence_lengths_are_read(undefined: bool, medium: Path) -> None:
    entries = entries_of(ct_slices(STACK))
    write_dicomdir(medium, entries, undefined_lengths=undefined)
    assert len(read_dicomdir(medium).records) == 32


def test_records_that_are_no_longer_in_use_are_left_out(medium: Path) -> None:
    data = medium.read_bytes()
    last = data.rindex(b"\x04\x00\x10\x14US\x02\x00")
    medium.write_bytes(data[: last + 8] + b"\0\0" + data[last + 10 :])
    assert len(read_dicomdir(medium).records) == 31


def test_a_directory_that_is_cut_keeps_what_comes_before_the_cut(medium: Path) -> None:
    data = medium.read_bytes()
    medium.write_bytes(data[: len(data) * 2 // 3])
    directory = read_dicomdir(medium)
    assert 15 < len(directory.records) < 32
    assert "dicomdir-cut" in {loss.code for loss in directory.losses}
    assert choose_series(inspect(medium)).slices == 32


def test_a_file_that_is_no_dicomdir_is_refused(tmp_path: Path) -> None:
    path = write(ct_slices(STACK)[0], tmp_path / "IM1")
    with pytest.raises(DicomSeriesError, match="not a DICOMDIR"):
        read_dicomdir(path)


def test_the_real_directory_without_offsets_names_54_slices(shared_data: Callable[[str], Path]) -> None:
    """Its files lie elsewhere than it says, and are found by what they hold."""
    path = shared_data("ct/philips-phantom-tilted") / "DIRFILE"
    directory = read_dicomdir(path)
    assert len(directory.records) == 54
    _, lost = resolve_records(directory)
    assert len(lost) == 54
    inspection = inspect(path)
    assert inspection.rejected == ()
    assert inspection.series[0].slices == 54


def test_a_medium_that_holds_nothing_else_lists_every_loss(tmp_path: Path) -> None:
    write_dicomdir(tmp_path / "DICOMDIR", entries_of(ct_slices(STACK)))
    lost = losses(tmp_path / "DICOMDIR")
    assert set(lost.values()) == {"dicomdir-missing-file"}
    assert len(lost) == 32

"""Every file on a medium goes into a series or onto the list of losses, whatever names it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pydicom
import pytest

from deepstroke.volume import Volume
from deepstroke_training.curation.file_index import FileIndex
from deepstroke_training.curation.identities import Salt
from deepstroke_training.curation.media import look_up, walk
from phantoms_media import head, series_of, write_medium

SALT = Salt(b"a salt for tests")


@pytest.fixture(scope="module")
def series() -> list[list[pydicom.Dataset]]:
    """Three slices of each of two series."""
    volume, _ = head()
    thin = Volume(volume.data[::8, ::8, 10:13].copy(), volume.ijk_to_ras)
    return [series_of(thin, 1, number) for number in (1, 2)]


@pytest.fixture
def index(tmp_path: Path) -> Iterable[FileIndex]:
    index = FileIndex(tmp_path / "private" / "files.sqlite")
    yield index
    index.close()


def fill(index: FileIndex, *media: Path) -> int:
    """Walk media and look everything up that must be; the number of files that had to be opened."""
    opened = 0
    for batch in walk(media, index, SALT):
        opened += len(batch)
        index.add(look_up(batch, SALT))
    index.finish_walk()
    return opened


def contents(index: FileIndex) -> dict[str, list[str]]:
    return {name: sorted(file.name for file in index.files_of(name)) for name in index.series()}


def name_of(slices: list[pydicom.Dataset]) -> str:
    return SALT.name("series", slices[0].SeriesInstanceUID)


def test_a_folder_is_sorted_by_what_the_headers_say(series, index: FileIndex, tmp_path: Path) -> None:
    medium = write_medium(tmp_path / "medium", series)
    shutil.move(medium / "DICOM" / "SE00001" / "IM00002", medium / "stray")
    assert fill(index, medium) == 6
    assert contents(index) == {
        name_of(series[0]): ["IM00001", "IM00003", "stray"],
        name_of(series[1]): ["IM00001", "IM00002", "IM00003"],
    }


def test_files_of_a_dicomdir_are_not_opened_and_orphans_are(series, index: FileIndex, tmp_path: Path) -> None:
    medium = write_medium(tmp_path / "medium", series, dicomdir=True)
    (medium / "DICOM" / "SE00001" / "IM00001").unlink()
    shutil.copy(medium / "DICOM" / "SE00002" / "IM00001", medium / "orphan.dcm")
    (medium / "viewer.exe").write_bytes(b"MZ" * 200)
    assert fill(index, medium) == 2
    assert len(contents(index)[name_of(series[0])]) == 2
    assert index.lost_of(name_of(series[0])) == 1
    losses = {Path(path).name: code for path, code, _, _ in index.losses()}
    assert losses == {"IM00001": "dicomdir-missing-file", "viewer.exe": "not-dicom"}


def test_giving_the_dicomdir_itself_is_giving_its_medium(series, index: FileIndex, tmp_path: Path) -> None:
    medium = write_medium(tmp_path / "medium", series, dicomdir=True)
    assert fill(index, medium / "DICOMDIR") == 0
    assert index.count_files() == 6
    assert index.count_series() == 2


def test_what_is_known_is_not_opened_again_and_what_is_gone_is_forgotten(series, tmp_path: Path) -> None:
    medium = write_medium(tmp_path / "medium", series)
    first = FileIndex(tmp_path / "files.sqlite")
    assert fill(first, medium) == 6
    first.close()
    changed = medium / "DICOM" / "SE00001" / "IM00003"
    changed.write_bytes(changed.read_bytes() + b"\0\0")
    (medium / "DICOM" / "SE00001" / "IM00001").unlink()
    second = FileIndex(tmp_path / "files.sqlite")
    assert fill(second, medium) == 1
    assert contents(second)[name_of(series[0])] == ["IM00002", "IM00003"]
    second.close()


def test_archives_are_read_member_by_member(series, index: FileIndex, tmp_path: Path) -> None:
    medium = write_medium(tmp_path / "medium", series)
    for place in (tmp_path / "named.zip", tmp_path / "folder" / "found.zip"):
        place.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(place, "w") as archive:
            for path in sorted(medium.rglob("IM*")):
                archive.write(path, str(path.relative_to(medium)))
    assert fill(index, tmp_path / "named.zip", tmp_path / "folder") == 12
    assert len(contents(index)[name_of(series[0])]) == 6
    assert fill(index, tmp_path / "named.zip", tmp_path / "folder") == 0


def test_links_out_of_the_medium_are_losses(series, index: FileIndex, tmp_path: Path) -> None:
    medium = write_medium(tmp_path / "medium", series[:1])
    outside = tmp_path / "outside.dcm"
    shutil.copy(medium / "DICOM" / "SE00001" / "IM00001", outside)
    (medium / "link.dcm").symlink_to(outside)
    assert fill(index, medium) == 3
    assert [code for _, code, _, _ in index.losses()] == ["outside-medium"]


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "files.sqlite").write_bytes(b"no database at all" * 100)
    index = FileIndex(tmp_path / "files.sqlite")
    assert index.count_files() == 0
    index.close()

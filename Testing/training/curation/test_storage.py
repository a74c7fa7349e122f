"""Files are whole or absent, space is checked, and leftovers of a killed run go."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.nifti import read_volume
from deepstroke.volume import Volume
from deepstroke_training.curation.storage import (
    WrittenFile,
    remove_leftovers,
    require_space,
    write_checked,
    write_table,
)

NOISE = Volume(np.random.default_rng(0).integers(-1000, 2000, (80, 80, 200)).astype(np.int16), np.diag([1.0, 1, 5, 1]))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_written_volume_reads_back_and_equal_volumes_give_equal_bytes(tmp_path: Path) -> None:
    first = write_checked(NOISE, tmp_path, "raw_volumes/a.nii.gz")
    second = write_checked(NOISE, tmp_path, "raw_volumes/b.nii.gz")
    assert first.sha256 == second.sha256
    assert first.is_there(tmp_path)
    assert not WrittenFile(first.path, first.size + 1, first.sha256).is_there(tmp_path)
    assert np.array_equal(read_volume(tmp_path / first.path).data, NOISE.data)


def test_a_full_disk_raises_and_leaves_nothing_half_written(small_disk: Path) -> None:
    with pytest.raises(InputError, match=r"can't be written.*No space left"):
        write_checked(NOISE, small_disk, "raw_volumes/a.nii.gz")
    assert [path for path in small_disk.rglob("*") if path.is_file()] == []


def test_space_is_checked_before_writing(small_disk: Path) -> None:
    require_space(small_disk, needed_mb=0.5, reserve_mb=0.1)
    with pytest.raises(InputError, match=r"disk is full: 1 MB are free, the next case needs 2 MB") as error:
        require_space(small_disk, needed_mb=2.0, reserve_mb=0.0)
    assert error.value.code == "disk-full"


def test_leftovers_of_a_killed_run_are_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = [tmp_path / "cases.csv", tmp_path / "raw_volumes" / "a.nii.gz", tmp_path / "raw_volumes" / ".hidden"]
    left = [tmp_path / ".cases.csv-x1y2", tmp_path / "raw_volumes" / ".a.nii.gz-abc.nii.gz"]
    for path in (*kept, *left):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert remove_leftovers(tmp_path) == 2
    assert all(path.exists() for path in kept)


def test_tables_hold_lists_flags_and_gaps(tmp_path: Path) -> None:
    rows = [{"a": [1.5, 2], "b": True, "c": None}, {"a": "x,y", "b": False, "c": 0.123456789}]
    write_table(tmp_path / "t.csv", ("a", "b", "c"), rows)
    assert (tmp_path / "t.csv").read_text() == 'a,b,c\n1.5 2,yes,\n"x,y",no,0.123457\n'

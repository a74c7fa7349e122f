"""Files of a data set: space is checked first, writes are whole or not there, and what was written is read back."""

from __future__ import annotations

import csv
import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path, read_volume, write_nifti
from deepstroke.volume import Volume

#: Folders of a data set that hold one file a case; the last two only of series that carry overlays.
VOLUME_FOLDERS = (
    "raw_volumes",
    "raw_segmentation",
    "stripped_volumes",
    "registered_volumes",
    "registered_segmentation",
    "raw_overlays",
    "registered_overlays",
)
QC_FOLDER = "qc"
#: Codes of errors that concern the disk and so every case.
DISK_CODES = frozenset({"write", "disk-full", "read-back"})


@dataclass(frozen=True)
class WrittenFile:
    """One file of a data set.

    Attributes:
        path: below the data set's folder.
        size: in bytes.
        sha256: of its bytes.
    """

    path: str
    size: int
    sha256: str

    def is_there(self, dataset: Path) -> bool:
        """Whether a file of this size lies in its place."""
        path = dataset / self.path
        return path.is_file() and path.stat().st_size == self.size


def require_space(folder: Path, needed_mb: float, reserve_mb: float) -> None:
    """Raise unless the disk has room.

    Args:
        folder: on the disk in question.
        needed_mb: about to be written.
        reserve_mb: to stay free besides.

    Raises:
        InputError: there is too little space (code ``disk-full``).
    """
    free_mb = shutil.disk_usage(folder).free / 1e6
    if free_mb < needed_mb + reserve_mb:
        raise InputError(
            f"{folder}: the disk is full: {free_mb:.0f} MB are free, the next case needs {needed_mb:.0f} MB and "
            f"{reserve_mb:.0f} MB are kept in reserve; make space and run the same command again, it goes on from here",
            code="disk-full",
        )


def write_checked(volume: Volume, dataset: Path, path: str) -> WrittenFile:
    """Write a NIfTI file of a data set and read it back.

    Raises:
        InputError: the disk refuses, or the file doesn't hold what was written (it is removed then).
    """
    target = dataset / path
    write_nifti(volume, target)
    stored = read_volume(target)
    if not np.array_equal(stored.data, volume.data) or not stored.same_grid(volume):
        target.unlink()
        raise InputError(
            f"{target}: the disk gave back other values than were written; check the disk", code="read-back"
        )
    return written(dataset, path)


def written(dataset: Path, path: str) -> WrittenFile:
    """What lies at a path of a data set."""
    content = (dataset / path).read_bytes()
    return WrittenFile(path, len(content), hashlib.sha256(content).hexdigest())


def remove_leftovers(dataset: Path) -> int:
    """Remove temporary files that a killed run left behind; their number."""
    count = 0
    for folder in (dataset, *(dataset / name for name in (*VOLUME_FOLDERS, QC_FOLDER))):
        for path in folder.glob(".?*-*"):
            if path.is_file():
                path.unlink()
                count += 1
    return count


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a CSV file row by row, complete or not at all; lists are joined by spaces, missing values are empty.

    Raises:
        InputError: the disk refuses.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row.get(column)) for column in columns])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return " ".join(_cell(part) for part in value)
    return str(value)

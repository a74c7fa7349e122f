"""What a run has done, line by line on disk, so that a killed run goes on where it stood."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from deepstroke.errors import InputError
from deepstroke.nifti import atomic_path


class Journal:
    """An append-only file of JSON lines; each is on the disk before ``append`` returns.

    Args:
        path: made where it is missing; a last line that a killed run cut off is dropped.

    Raises:
        InputError: the file can't be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _drop_cut_line(path)
            self._stream = path.open("ab", buffering=0)
        except OSError as error:
            raise InputError(f"{path} can't be written: {error.strerror or error}", code="write") from error

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every entry in the order of writing.

        Raises:
            InputError: a line is damaged.
        """
        with self.path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    entry = json.loads(line)
                except ValueError as error:
                    raise InputError(
                        f"{self.path}: line {number} is damaged; remove the file to start again", code="damaged-file"
                    ) from error
                yield entry

    def append(self, entry: dict[str, Any]) -> None:
        """Add one entry.

        Raises:
            InputError: the disk is full.
        """
        line = _line(entry).encode()
        place = self._stream.tell()
        try:
            if self._stream.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._stream.fileno())
        except OSError as error:
            os.truncate(self.path, place)
            raise InputError(f"{self.path} can't be written: {error.strerror or error}", code="write") from error

    def replace(self, entries: Iterable[dict[str, Any]]) -> None:
        """Put other entries in the file's place, all or none.

        Raises:
            InputError: the disk is full.
        """
        with atomic_path(self.path) as temporary, temporary.open("w", encoding="utf-8") as stream:
            for entry in entries:
                stream.write(_line(entry))
        self._stream.close()
        self._stream = self.path.open("ab", buffering=0)


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _drop_cut_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as stream:
        end = stream.seek(0, os.SEEK_END)
        start = max(end - 2**24, 0)
        stream.seek(start)
        tail = stream.read()
        if tail and not tail.endswith(b"\n"):
            stream.truncate(start + tail.rfind(b"\n") + 1)

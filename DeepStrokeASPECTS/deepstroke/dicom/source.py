"""Where the bytes of a DICOM file lie: a file of its own, or a member of a zip or tar archive."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, cast

from deepstroke.dicom.archive import member_reader
from deepstroke.errors import DicomSeriesError

#: Opens the bytes of one source for reading from the start.
Opener = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class FileSource:
    """One DICOM file on the disk or inside an archive.

    Attributes:
        path: the file, or the archive that holds it.
        member: the name inside the archive; never used as a name on this disk.
        order: the member's place in the archive, which is the order in which it reads fastest.
    """

    path: Path
    member: str | None = None
    order: int = 0

    def __str__(self) -> str:
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    @property
    def sort_key(self) -> tuple[str, int]:
        """Sorts sources so that every archive is read once, from its start to its end."""
        return str(self.path), self.order


class _ClippedReader(io.BufferedReader):
    """A file that never allocates more than it holds, however long a damaged header says a value is."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0 or size > 65536:
            rest = max(self._size - self.tell(), 0)
            size = rest if size is None or size < 0 else min(size, rest)
        return super().read(size)


def open_sources(sources: Iterable[FileSource]) -> Iterator[tuple[FileSource, Opener]]:
    """Each source with a function that opens it; an archive stays open while its members follow each other.

    The order is kept within an archive, so list the members of a compressed tar as they come in it.

    Raises:
        DicomSeriesError: from the opener, when the file can't be read.
    """
    for path, members in groupby(sources, key=lambda source: source.path):
        with ExitStack() as stack:
            read_member = None
            for source in members:
                if source.member is None:
                    yield source, lambda path=path: _open_file(path)  # type: ignore[misc]
                else:
                    read_member = read_member or stack.enter_context(member_reader(path))
                    yield source, lambda read=read_member, name=source.member: io.BytesIO(read(name))  # type: ignore[misc]


def open_source(source: FileSource) -> BinaryIO:
    """The bytes of one source, for reading from the start.

    Raises:
        DicomSeriesError: the file can't be read.
    """
    _, opener = next(iter(open_sources([source])))
    return opener()


def _open_file(path: Path) -> BinaryIO:
    try:
        return cast(BinaryIO, _ClippedReader(path))
    except OSError as error:
        raise DicomSeriesError(f"{path}: can't be read ({error.strerror or error})", code="unreadable-file") from error

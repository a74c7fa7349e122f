"""Which files belong to which series, on disk: the index of a run stays flat in memory however many series there are.

It holds file names and salted hashes, no attribute of any file, and lies outside the data set.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from deepstroke.dicom.source import FileSource
from deepstroke.errors import ConfigError, InputError

#: Changes when the tables do; an index of another version is made anew.
_FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    folder TEXT NOT NULL, name TEXT NOT NULL, member TEXT NOT NULL, place INTEGER NOT NULL, size INTEGER NOT NULL,
    changed INTEGER NOT NULL, series TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, run INTEGER NOT NULL,
    PRIMARY KEY (folder, name, member)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS journal (stage TEXT NOT NULL, key TEXT NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (stage, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS losses (path TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, series TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows (name TEXT NOT NULL, sorting TEXT NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (name, sorting)) WITHOUT ROWID;
"""

_ADD_FILE = """
INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (folder, name, member) DO UPDATE SET
    series = CASE WHEN size = excluded.size AND changed = excluded.changed THEN series ELSE excluded.series END,
    code = CASE WHEN size = excluded.size AND changed = excluded.changed THEN code ELSE excluded.code END,
    message = CASE WHEN size = excluded.size AND changed = excluded.changed THEN message ELSE excluded.message END,
    place = excluded.place, size = excluded.size, changed = excluded.changed, run = excluded.run
"""


class IndexedFile(NamedTuple):
    """One file of a medium.

    Attributes:
        folder: of the file, or of the archive that holds it.
        name: of the file or the archive in that folder.
        member: its name in an archive; empty for a file of its own.
        place: of the member in its archive.
        size: in bytes, of the file or the archive.
        changed: time of its last change in ns.
        series: salted name of its series; empty where it belongs to none.
        code: why it belongs to none.
        message: the same in words.
    """

    folder: str
    name: str
    member: str
    place: int
    size: int
    changed: int
    series: str
    code: str = ""
    message: str = ""

    @classmethod
    def of(
        cls, source: FileSource, size: int, changed: int, series: str, code: str = "", message: str = ""
    ) -> IndexedFile:
        """The entry of a file or of a member of an archive."""
        return cls(*_place(source), source.order, size, changed, series, code, message)

    @property
    def source(self) -> FileSource:
        """Where its bytes lie."""
        return FileSource(self.path, self.member or None, self.place)

    @property
    def path(self) -> Path:
        """The file, or the archive that holds it."""
        return Path(f"{self.folder}{os.sep}{self.name}")


def _place(source: FileSource) -> tuple[str, str, str]:
    """Folder, name and member of a source."""
    folder, _, name = str(source.path).rpartition(os.sep)
    return folder, name, source.member or ""


class FileIndex:
    """The files of all media of a run, by series; held open, and so locked, by one run at a time.

    Args:
        path: the database; made where it is missing, made anew where it is damaged.

    Raises:
        ConfigError: another run holds it.
        InputError: it can't be made.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = _opened(path)
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                message = f"{path.parent}: another run is working on this data set; wait for it or stop it"
                raise ConfigError(message, code="dataset-in-use") from error
            if not isinstance(error, sqlite3.OperationalError):
                path.unlink(missing_ok=True)
                self._database = _opened(path)
            else:
                raise InputError(f"{path}: the index can't be made ({error})", code="write") from error
        except OSError as error:
            raise InputError(f"{path}: the index can't be made ({error.strerror})", code="write") from error
        self.run = self._start_run()

    def close(self) -> None:
        """Let another run have it."""
        self._database.commit()
        self._database.close()

    def _start_run(self) -> int:
        with self._database:
            for table in ("journal", "losses", "rows"):
                self._database.execute(f"DELETE FROM {table}")
            (last,) = self._database.execute("SELECT coalesce(max(number), 0) FROM runs").fetchone()
            self._database.execute("INSERT INTO runs VALUES (?)", (last + 1,))
        return int(last) + 1

    def known_in(self, folder: Path) -> dict[str, tuple[int, int]]:
        """Size and time of change of every file in a folder that is known from this or an earlier run."""
        query = "SELECT name, size, changed FROM files WHERE folder = ?"
        return {name: (size, changed) for name, size, changed in self._database.execute(query, (str(folder),))}

    def keep(self, folder: Path, names: Iterable[str]) -> None:
        """Take files over from an earlier run, archives with all their members."""
        query = "UPDATE files SET run = ? WHERE folder = ? AND name = ?"
        self._database.executemany(query, ((self.run, str(folder), name) for name in names))

    def add(self, files: Iterable[IndexedFile]) -> None:
        """Remember files; what is known of a file that hasn't changed stays."""
        rows = ((*file, self.run) for file in files)
        self._database.executemany(_ADD_FILE, rows)

    def add_losses(self, losses: Iterable[tuple[str, str, str, str]]) -> None:
        """Remember what is missing or damaged: path, code, message and series (empty where none is known)."""
        self._database.executemany("INSERT INTO losses VALUES (?, ?, ?, ?)", losses)

    def finish_walk(self) -> None:
        """Forget files that are no longer on the media."""
        with self._database:
            self._database.execute("DELETE FROM files WHERE run <> ?", (self.run,))
            self._database.execute("CREATE INDEX IF NOT EXISTS files_by_series ON files (series)")

    def move(self, source: FileSource, series: str) -> None:
        """Put a file into the series that its header names."""
        query = "UPDATE files SET series = ? WHERE folder = ? AND name = ? AND member = ?"
        self._database.execute(query, (series, *_place(source)))

    def reject(self, source: FileSource, code: str, message: str) -> None:
        """Note why a file of a series can't be read."""
        query = "UPDATE files SET code = ?, message = ? WHERE folder = ? AND name = ? AND member = ?"
        self._database.execute(query, (code, message, *_place(source)))

    def count_files(self) -> int:
        """Number of files on the media."""
        return self._count("SELECT count(*) FROM files")

    def count_series(self) -> int:
        """Number of series on the media."""
        return self._count("SELECT count(DISTINCT series) FROM files WHERE series <> ''")

    def _count(self, query: str) -> int:
        return int(self._database.execute(query).fetchone()[0])

    def series(self) -> Iterator[str]:
        """The name of every series, sorted; the index may be changed meanwhile."""
        last = ""
        query = "SELECT DISTINCT series FROM files WHERE series > ? ORDER BY series LIMIT 256"
        while names := [row[0] for row in self._database.execute(query, (last,))]:
            yield from names
            last = names[-1]

    def files_of(self, series: str) -> list[IndexedFile]:
        """The files of one series, sorted by path."""
        query = (
            "SELECT folder, name, member, place, size, changed, series, code, message FROM files WHERE series = ? "
            "ORDER BY folder, name, place"
        )
        return [IndexedFile(*row) for row in self._database.execute(query, (series,))]

    def lost_of(self, series: str) -> int:
        """How many files of a series its DICOMDIR names in vain."""
        return int(self._database.execute("SELECT count(*) FROM losses WHERE series = ?", (series,)).fetchone()[0])

    def losses(self) -> Iterator[tuple[str, str, str, str]]:
        """Everything that is missing, damaged or no DICOM: path, code, message, series; sorted."""
        query = (
            "SELECT path, code, message, series FROM losses UNION ALL "
            "SELECT folder || ? || name || CASE member WHEN '' THEN '' ELSE '!' || member END, code, message, series "
            "FROM files WHERE code <> '' ORDER BY 1, 2, 3"
        )
        return iter(self._database.execute(query, (os.sep,)))

    def remember(self, stage: str, key: str, entry: dict[str, Any]) -> None:
        """Keep a journal's entry at hand."""
        self._database.execute("INSERT OR REPLACE INTO journal VALUES (?, ?, ?)", (stage, key, json.dumps(entry)))

    def recall(self, stage: str, key: str) -> dict[str, Any] | None:
        """A journal's entry, if there is one."""
        row = self._database.execute("SELECT entry FROM journal WHERE stage = ? AND key = ?", (stage, key)).fetchone()
        return None if row is None else json.loads(row[0])

    def put_row(self, table: str, sorting: str, content: dict[str, Any]) -> None:
        """Keep a row of a table that the run will write, sorted by ``sorting``."""
        self._database.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (table, sorting, json.dumps(content)))

    def drop_rows(self, table: str, beginning: str) -> None:
        """Take back the rows of a table whose sorting starts with a text."""
        self._database.execute("DELETE FROM rows WHERE name = ? AND sorting LIKE ? || '%'", (table, beginning))

    def rows(self, table: str) -> Iterator[dict[str, Any]]:
        """The rows of a table, sorted; other rows may be put meanwhile."""
        last = ""
        query = "SELECT sorting, content FROM rows WHERE name = ? AND sorting > ? ORDER BY sorting LIMIT 256"
        while found := self._database.execute(query, (table, last)).fetchall():
            for _, content in found:
                yield json.loads(content)
            last = found[-1][0]

    def row(self, table: str, sorting: str) -> dict[str, Any]:
        """One row of a table that is known to be there."""
        query = "SELECT content FROM rows WHERE name = ? AND sorting = ?"
        content: dict[str, Any] = json.loads(self._database.execute(query, (table, sorting)).fetchone()[0])
        return content

    def has_row(self, table: str, sorting: str) -> bool:
        """Whether a table has a row of this sorting."""
        query = "SELECT 1 FROM rows WHERE name = ? AND sorting = ?"
        return self._database.execute(query, (table, sorting)).fetchone() is not None

    def count_rows(self, table: str) -> int:
        """Number of rows of a table."""
        return int(self._database.execute("SELECT count(*) FROM rows WHERE name = ?", (table,)).fetchone()[0])


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=1.0)
    try:
        # Nothing here can't be made again, so speed goes before surviving a power cut.
        database.executescript(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;"
        )
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in (0, _FORMAT):
            raise sqlite3.DatabaseError("another version")
        database.executescript(f"PRAGMA user_version = {_FORMAT}; BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database

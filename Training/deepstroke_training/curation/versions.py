"""Which code a result came from: a digest of the sources that it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import deepstroke

#: Rooms of the library whose code shapes a data set; the package's own files count as well.
_ROOMS = ("atlas", "dicom", "preprocess", "register", "report")


@lru_cache(maxsize=1)
def code_version() -> str:
    """16 hexadecimal characters that change when the code of a stage does."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    library = Path(deepstroke.__file__).parent
    for folder in (library, *(library / room for room in _ROOMS), Path(__file__).parent):
        yield from sorted(folder.glob("*.py"))

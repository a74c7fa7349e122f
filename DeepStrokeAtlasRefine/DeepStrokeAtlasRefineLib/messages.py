"""Faults of the library as messages of Slicer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import slicer
from deepstroke.errors import DeepStrokeError


@contextmanager
def told() -> Iterator[None]:
    """Show an error of the library to the user and go on."""
    try:
        yield
    except DeepStrokeError as error:
        tell(error)


def tell(error: Exception) -> None:
    """Show an error."""
    slicer.util.errorDisplay(str(error))

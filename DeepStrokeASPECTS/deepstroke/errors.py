"""Errors that a user of the library meets, each naming what was found, what was expected and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


class DeepStrokeError(Exception):
    """Base of every error that DeepStroke raises on purpose.

    Attributes:
        code: a stable machine-readable name of the cause, such as ``"gap-in-series"``.
    """

    default_code = "error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.default_code


class InputError(DeepStrokeError, ValueError):
    """An input file or value can't be used."""

    default_code = "input"


class DicomSeriesError(InputError):
    """A DICOM file, series or medium can't be used."""

    default_code = "dicom-series"


class GeometryError(InputError):
    """Positions, orientations or grids contradict each other."""

    default_code = "geometry"


class ConfigError(DeepStrokeError, ValueError):
    """A setting, an option or a combination of them is not valid."""

    default_code = "config"


class MissingDependencyError(DeepStrokeError):
    """An optional package is needed; the message says how to install it."""

    default_code = "missing-dependency"


class RegistrationError(DeepStrokeError):
    """A registration failed or its quality is below the limits."""

    default_code = "registration"


class WeightsError(DeepStrokeError):
    """Network weights are missing, altered or don't fit the network."""

    default_code = "weights"


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Put the path of the input before the message of an error from a stage that sees only values."""
    try:
        yield
    except DeepStrokeError as error:
        raise type(error)(f"{path}: {error}", code=error.code) from error

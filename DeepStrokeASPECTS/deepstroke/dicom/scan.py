"""Read a chosen series into Hounsfield units on an orthogonal grid, with the exact way back to its source slices."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.dicom.grid import straighten
from deepstroke.dicom.inspection import choose_series, inspect, inspect_files
from deepstroke.dicom.pixels import AIR_HU, read_hu
from deepstroke.dicom.records import SeriesRecord
from deepstroke.dicom.stack import SliceStack, stack_slices
from deepstroke.errors import DicomSeriesError
from deepstroke.findings import Finding
from deepstroke.volume import Volume


@dataclass(frozen=True, eq=False)
class Scan:
    """A head CT, ready for reading.

    Attributes:
        volume: float32 HU on an orthogonal grid in RAS+ mm whose planes are parallel to the source slices.
        slices: the exact place of every source slice, and sampling back onto them.
        padding: bool (slices, rows, columns), source pixels where nothing was measured; -1024 HU stands there.
        findings: what a reader of the result must know.
        series: the facts of the series.
    """

    volume: Volume
    slices: SliceStack
    padding: NDArray[np.bool_]
    findings: tuple[Finding, ...]
    series: SeriesRecord

    def facts(self) -> dict[str, Any]:
        """The facts of the series for ``report.json``, free of patient data."""
        record = self.series.as_dict()
        kept = ("usable", "reasons", "findings", "score", "merits", "part")
        facts = {key: value for key, value in record.items() if key not in kept}
        return {**facts, "chosen_because": list(self.series.merits)}


def read_scan(series: SeriesRecord) -> Scan:
    """Read a series that ``choose_series`` returned.

    Raises:
        DicomSeriesError: the series isn't usable, a file can't be decoded, or its values are no Hounsfield units.
    """
    if not series.usable:
        reasons = "; ".join(reason.message for reason in series.reasons)
        raise DicomSeriesError(f"{series.name} can't be used: {reasons}", code=series.reasons[0].code)
    hu, padding = read_hu(series.headers)
    stack = stack_slices(series.headers)
    findings = (*series.findings, *_rescale_findings(series))
    return Scan(straighten(stack, hu, AIR_HU), stack, padding, findings, series)


def read_series(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> Volume:
    """Read the best non-contrast head CT from a path, or from a list of files, as one volume.

    Returns:
        float32 HU on an orthogonal grid in RAS+ mm.

    Raises:
        InputError: a path is missing.
        DicomSeriesError: no series is usable; the message says why.

    Example:
        >>> read_series("study").spacing_mm  # doctest: +SKIP
        (0.488, 0.488, 5.0)
    """
    if isinstance(paths, (str, os.PathLike)):
        return read_scan(choose_series(inspect(paths))).volume
    return read_scan(choose_series(inspect_files([Path(path) for path in paths]))).volume


def _rescale_findings(series: SeriesRecord) -> list[Finding]:
    pairs = {(header.slope, header.intercept) for header in series.headers}
    if len(pairs) == 1:
        return []
    intercepts = sorted(header.intercept or 0.0 for header in series.headers)
    message = (
        f"the rescale changes within the series ({len(pairs)} pairs of slope and intercept, intercepts from "
        f"{intercepts[0]:g} to {intercepts[-1]:g}); each slice was given its own"
    )
    return [Finding("changing-rescale", message)]

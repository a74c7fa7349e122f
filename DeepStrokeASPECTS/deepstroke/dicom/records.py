"""The result of an inspection: every series with its facts, reasons and score, and every file that was turned away."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from deepstroke.dicom.header import SliceHeader
from deepstroke.dicom.series import Orientation
from deepstroke.findings import Finding


@dataclass(frozen=True)
class RejectedFile:
    """A file, or an entry of a media directory, that no series holds.

    Attributes:
        path: the file, or the member of an archive as ``archive!member``.
        code: stable name of the cause in kebab case.
        message: the cause and what to do.
        series_uid: the series that it would belong to, where that is known.
    """

    path: str
    code: str
    message: str
    series_uid: str = ""

    def as_dict(self) -> dict[str, str]:
        """The entry as it stands in JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class SeriesRecord:
    """One stack of slices, whether it can be used, and why.

    Attributes:
        uid: Series Instance UID.
        part: 0, or 1, 2, ... where one UID mixes several stacks.
        number: Series Number.
        description: Series Description, reduced to the words of radiology (no free text leaves the program).
        modality: as DICOM writes it, such as ``"CT"``.
        slices, rows, columns: counts.
        spacing_mm: mm between columns, rows and slices (median step); None without a sound geometry.
        thickness_mm: median slice thickness.
        tilt_deg: angle between the line through the positions and the normal of the slices.
        kernel: convolution kernel, as the tag has it.
        coverage_mm: height along the normal, the thickness of an end slice included.
        orientation: body plane nearest to the slices.
        contrast: whether tags say that contrast was given.
        usable: whether there is no reason against it.
        reasons: why it can't be used.
        findings: what a reader must know.
        score: higher is better among usable series.
        merits: what made up the score, in words.
        headers: the slices, sorted along their normal.
    """

    uid: str
    part: int
    number: int | None
    description: str
    modality: str
    slices: int
    rows: int
    columns: int
    spacing_mm: tuple[float, float, float] | None
    thickness_mm: float | None
    tilt_deg: float | None
    kernel: str
    coverage_mm: float | None
    orientation: Orientation | None
    contrast: bool
    reasons: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    score: float
    merits: tuple[str, ...]
    headers: tuple[SliceHeader, ...] = field(repr=False)

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against reading the series."""
        return not self.reasons

    @property
    def name(self) -> str:
        """How messages call the series."""
        part = f" part {self.part}" if self.part else ""
        return f"series {'without number' if self.number is None else self.number}{part} ({self.uid})"

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON, free of patient data."""
        return {
            "uid": self.uid,
            "part": self.part,
            "number": self.number,
            "description": self.description,
            "modality": self.modality,
            "slices": self.slices,
            "rows": self.rows,
            "columns": self.columns,
            "spacing_mm": None if self.spacing_mm is None else list(self.spacing_mm),
            "thickness_mm": self.thickness_mm,
            "tilt_deg": self.tilt_deg,
            "kernel": self.kernel,
            "coverage_mm": self.coverage_mm,
            "orientation": self.orientation,
            "contrast": self.contrast,
            "usable": self.usable,
            "reasons": [reason.as_dict() for reason in self.reasons],
            "findings": [finding.as_dict() for finding in self.findings],
            "score": self.score,
            "merits": list(self.merits),
        }


@dataclass(frozen=True, eq=False)
class Inspection:
    """Everything that a folder, file, archive or medium holds.

    Attributes:
        path: what was inspected.
        files: how many files were looked at.
        series: every stack of slices, the usable ones with the highest score first.
        rejected: every file that belongs to no series, with the cause.
    """

    path: str
    files: int
    series: tuple[SeriesRecord, ...]
    rejected: tuple[RejectedFile, ...]

    @property
    def usable(self) -> tuple[SeriesRecord, ...]:
        """The series that can be read, the best first."""
        return tuple(record for record in self.series if record.usable)

    def as_dict(self) -> dict[str, Any]:
        """The inspection for JSON."""
        return {
            "path": self.path,
            "files": self.files,
            "series": [record.as_dict() for record in self.series],
            "rejected": [entry.as_dict() for entry in self.rejected],
        }

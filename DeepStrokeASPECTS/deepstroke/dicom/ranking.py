"""Which of several usable series is best for reading early ischemia, in points with their reasons.

Early signs are differences of a few HU over centimetres, so a low noise counts more than a thin slice; a whole brain
counts most.
"""

from __future__ import annotations

from dataclasses import dataclass

from deepstroke.dicom.continuity import coverage_mm, thickness_mm
from deepstroke.dicom.series import SliceGroup

#: Thickness from .. to in mm, and its points: 2.5 to 5 mm is what ASPECTS was read on.
_THICKNESS_POINTS = ((0.0, 1.0, 0.0), (1.0, 2.4, 2.0), (2.4, 5.5, 4.0), (5.5, 8.0, 1.0))
_BRAIN_WORDS = ("BRAIN", "HEAD", "SOFT", "STANDARD", "ROUTINE", "NCCT", "CEREB", "NATIV")


@dataclass(frozen=True)
class Merit:
    """Points for one property, and what it is."""

    points: float
    text: str


def rank(group: SliceGroup) -> list[Merit]:
    """The merits of a usable group by its headers."""
    header = group.headers[0]
    coverage = coverage_mm(group)
    merits = [Merit(min(coverage, 160.0) / 20.0, f"{len(group.headers)} axial slices cover {coverage:.0f} mm")]
    if "DERIVED" not in header.image_type[:1]:
        merits.append(Merit(2.0, "original images"))
    thickness = thickness_mm(group)
    if thickness:
        points = next((p for low, high, p in _THICKNESS_POINTS if low <= thickness < high), 0.0)
        merits.append(Merit(points, f"slices {thickness:g} mm thick"))
    if any(word in header.description.upper() for word in _BRAIN_WORDS) and "BONE" not in header.description.upper():
        merits.append(Merit(1.0, "called a brain series"))
    return merits

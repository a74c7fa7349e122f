"""Which of several usable series is best for reading early ischemia, in points with their reasons.

Early signs are differences of a few HU over centimetres, so a low noise counts more than a thin slice; a whole brain
counts most.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deepstroke.dicom.appearance import Appearance
from deepstroke.dicom.continuity import coverage_mm, thickness_mm
from deepstroke.dicom.series import SliceGroup
from deepstroke.findings import Finding

#: A brain from base to vertex fits in this height; more is neck.
_FULL_COVERAGE_MM = 150.0
#: Thickness from .. to in mm, and its points: 2.4 to 5.5 mm is what ASPECTS was read on.
_THICKNESS_POINTS = ((0.0, 1.0, 0.0), (1.0, 2.4, 2.0), (2.4, 5.5, 4.0), (5.5, 8.0, 1.0))
_BRAIN_WORDS = ("BRAIN", "HEAD", "SOFT", "STANDARD", "ROUTINE", "NCCT", "CEREB", "NATIV")
#: Findings that make another series the better choice.
_DOUBTS = {
    "no-brain-seen": -10.0,
    "contrast-suspected": -8.0,
    "contrast-contradiction": -6.0,
    "vertex-missing": -4.0,
    "bone-kernel-tag": -4.0,
    "missing-slices": -2.0,
    "small-gap": -2.0,
}


@dataclass(frozen=True)
class Merit:
    """Points for one property, and what it is."""

    points: float
    text: str


def rank(group: SliceGroup, appearance: Appearance, findings: Iterable[Finding]) -> list[Merit]:
    """The merits of a usable group; doubts come as negative points."""
    header = group.headers[0]
    coverage = coverage_mm(group)
    merits = [
        Merit(min(coverage, _FULL_COVERAGE_MM) / 15.0, f"{len(group.headers)} axial slices cover {coverage:.0f} mm")
    ]
    if appearance.noise_hu is not None:
        points = 5.0 * (1.0 - min(appearance.noise_hu, 20.0) / 20.0)
        text = f"{appearance.sharpness} kernel with {appearance.noise_hu:.1f} HU of noise in the brain"
        merits.append(Merit(points, text))
    if "DERIVED" not in header.image_type[:1]:
        merits.append(Merit(2.0, "original images"))
    if thickness := thickness_mm(group):
        points = next((p for low, high, p in _THICKNESS_POINTS if low <= thickness < high), 0.0)
        merits.append(Merit(points, f"slices {thickness:g} mm thick"))
    description = header.description.upper()
    if any(word in description for word in _BRAIN_WORDS) and "BONE" not in description:
        merits.append(Merit(1.0, "called a brain series"))
    codes = {finding.code for finding in findings}
    return merits + [Merit(points, f"less for {code}") for code, points in _DOUBTS.items() if code in codes]

"""The ten ASPECTS regions: numbers, names, colours and codes. Every other list is made from this table.

An unsided label map holds 1..10; a sided one holds 1..10 on the patient's left and 11..20 on the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from deepstroke.errors import InputError

Side = Literal["left", "right"]
Level = Literal["ganglionic", "supraganglionic", "both"]

SIDES: tuple[Side, ...] = get_args(Side)
#: What is added to a region's number on each side of a sided label map.
SIDE_OFFSET: dict[Side, int] = {"left": 0, "right": 10}


@dataclass(frozen=True)
class Code:
    """A coded concept: value, DICOM coding scheme designator and meaning."""

    value: str
    scheme: str
    meaning: str


#: The project's own coding scheme, for M1-M6 and the total score, which no public scheme codes.
PRIVATE_SCHEME = "99DEEPSTROKE"
SIDE_CODE: dict[Side, Code] = {
    "left": Code("7771000", "SCT", "Left"),
    "right": Code("24028007", "SCT", "Right"),
}


@dataclass(frozen=True)
class Region:
    """One ASPECTS region.

    Attributes:
        number: 1..10, the same on both sides.
        abbreviation: the name on a score sheet, such as ``"M1"``.
        name: the name in words.
        level: the axial level at which it is read; the caudate is read at both.
        colour: sRGB, 0..255 each.
        code: SNOMED CT where a code exists, else of the project's own scheme.
    """

    number: int
    abbreviation: str
    name: str
    level: Level
    colour: tuple[int, int, int]
    code: Code

    def label(self, side: Side) -> int:
        """The number in a sided label map."""
        return self.number + SIDE_OFFSET[side]


def _cortical(number: int, m: str, place: str, level: Level, colour: tuple[int, int, int]) -> Region:
    meaning = f"ASPECTS {m} region, {place} MCA cortex"  # DICOM allows 64 characters
    return Region(number, m, f"{m}, {place} MCA cortex", level, colour, Code(f"ASPECTS-{m}", PRIVATE_SCHEME, meaning))


REGIONS: tuple[Region, ...] = (
    Region(1, "C", "Caudate nucleus", "both", (230, 57, 70), Code("11000004", "SCT", "Caudate nucleus")),
    Region(2, "L", "Lentiform nucleus", "ganglionic", (244, 140, 6), Code("41648007", "SCT", "Lentiform nucleus")),
    Region(3, "IC", "Internal capsule", "ganglionic", (255, 221, 51), Code("85637007", "SCT", "Internal capsule")),
    Region(4, "I", "Insular ribbon", "ganglionic", (0, 187, 212), Code("36169008", "SCT", "Insula")),
    _cortical(5, "M1", "anterior", "ganglionic", (66, 103, 233)),
    _cortical(6, "M2", "lateral", "ganglionic", (46, 160, 67)),
    _cortical(7, "M3", "posterior", "ganglionic", (155, 81, 224)),
    _cortical(8, "M4", "anterior superior", "supraganglionic", (240, 110, 180)),
    _cortical(9, "M5", "lateral superior", "supraganglionic", (128, 214, 120)),
    _cortical(10, "M6", "posterior superior", "supraganglionic", (196, 146, 92)),
)
BY_ABBREVIATION: dict[str, Region] = {region.abbreviation: region for region in REGIONS}
#: Every (region, side) of a sided label map in the order of its labels 1..20.
SIDED_REGIONS: tuple[tuple[Region, Side], ...] = tuple((region, side) for side in SIDES for region in REGIONS)


def region_of(label: int) -> tuple[Region, Side]:
    """The region and side of a label 1..20 of a sided label map.

    Raises:
        InputError: the label is not 1..20.
    """
    if not 1 <= label <= len(SIDED_REGIONS):
        raise InputError(f"a sided region label is 1..20, found {label}", code="region-label")
    return SIDED_REGIONS[label - 1]

"""What each segment of a DICOM Segmentation means: one ASPECTS region on one side, written and recognised by code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from deepstroke import __version__
from deepstroke.errors import InputError
from deepstroke.regions import PRIVATE_SCHEME, SIDE_CODE, SIDED_REGIONS, region_of

if TYPE_CHECKING:
    import highdicom
    import pydicom

AlgorithmFamily = Literal["atlas", "network"]

#: Keywords of DICOM CID 7162, Surface Processing Algorithm Family.
_FAMILY_KEYWORD: dict[AlgorithmFamily, str] = {"atlas": "DeformableModels", "network": "ArtificialIntelligence"}
_SOURCE = "The DeepStroke developers"


@dataclass(frozen=True)
class Algorithm:
    """What made a segmentation, as it stands in every segment.

    Attributes:
        family: an atlas brought onto the scan, or a network.
        name, version: of the software.
        parameters: names and values as text, such as ``{"engine": "fast", "atlas": "mni152-ct 1.0"}``.
    """

    family: AlgorithmFamily
    name: str = "DeepStroke"
    version: str = __version__
    parameters: Mapping[str, str] = field(default_factory=dict)


def segment_name(label: int) -> str:
    """The Segment Label of a sided label 1..20, such as ``"Left M1"``."""
    region, side = region_of(label)
    return f"{side.capitalize()} {region.abbreviation}"


def describe_segment(label: int, series_uid: str, algorithm: Algorithm) -> highdicom.seg.SegmentDescription:
    """The description of the segment whose number is the sided label 1..20.

    Every call makes its own coded concepts: one that segments share would give all of them the last side.

    Args:
        label: 1..20.
        series_uid: of the source series; the same region of it keeps its tracking UID when segmented again.
        algorithm: what made the segment.
    """
    import highdicom
    from pydicom.sr.codedict import codes
    from pydicom.sr.coding import Code as DicomCode
    from pydicom.uid import generate_uid

    region, side = region_of(label)
    description = highdicom.seg.SegmentDescription(
        segment_number=label,
        segment_label=segment_name(label),
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=DicomCode(region.code.value, region.code.scheme, region.code.meaning),
        algorithm_type="AUTOMATIC",
        algorithm_identification=_identify(algorithm),
        anatomic_regions=[codes.SCT.Brain],
        tracking_uid=generate_uid(entropy_srcs=[series_uid, "DeepStroke", str(label)]),
        tracking_id=f"ASPECTS {region.abbreviation} {side}",
        display_color=highdicom.color.CIELabColor.from_rgb(*region.colour),
    )
    laterality = SIDE_CODE[side]
    description.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
        highdicom.sr.CodedConcept(laterality.value, laterality.scheme, laterality.meaning)
    ]
    return description


def private_scheme() -> pydicom.Dataset:
    """The declaration of the coding scheme of M1-M6, which no public scheme codes."""
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return CodingSchemeIdentificationItem(
        designator=PRIVATE_SCHEME, name="DeepStroke ASPECTS regions", version="1", responsible_organization=_SOURCE
    )


def label_of_segment(segment: pydicom.Dataset) -> int:
    """The sided label 1..20 that a segment's code and laterality mean, whatever its number.

    Raises:
        InputError: the code isn't that of an ASPECTS region, or the side isn't given.
    """
    kind = segment.SegmentedPropertyTypeCodeSequence[0]
    modifiers = kind.get("SegmentedPropertyTypeModifierCodeSequence") or []
    sides = {str(modifier.CodeValue) for modifier in modifiers}
    for label, (region, side) in enumerate(SIDED_REGIONS, start=1):
        coded = (str(kind.CodingSchemeDesignator), str(kind.CodeValue)) == (region.code.scheme, region.code.value)
        if coded and sides == {SIDE_CODE[side].value}:
            return label
    raise InputError(
        f"segment {segment.SegmentNumber} has the code {kind.CodeValue} of {kind.CodingSchemeDesignator} and the "
        f"modifiers {sorted(sides)}; expected an ASPECTS region and its side",
        code="seg-segment",
    )


def _identify(algorithm: Algorithm) -> highdicom.AlgorithmIdentificationSequence:
    import highdicom
    from pydicom.sr.codedict import codes

    return highdicom.AlgorithmIdentificationSequence(
        name=algorithm.name,
        family=getattr(codes.DCM, _FAMILY_KEYWORD[algorithm.family]),
        version=algorithm.version,
        source=_SOURCE,
        parameters=dict(algorithm.parameters) or None,
    )

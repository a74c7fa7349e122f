"""Structured reports read back: each region known by its codes, not by its place in the file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepstroke.dicom.sr_content import RegionStatement, Verdict
from deepstroke.dicom.sr_groups import ATTENUATION, CONFIDENCE, MEAN, MEDIAN, PROBABILITY, SCORE, VERDICT_CODE, VOLUME
from deepstroke.errors import InputError
from deepstroke.regions import REGIONS, SIDE_CODE, Code, Region, Side

if TYPE_CHECKING:
    import pydicom

_FINDING_SITE, _LATERALITY = Code("363698007", "SCT", "Finding Site"), Code("272741003", "SCT", "Laterality")
_DERIVATION = Code("121401", "DCM", "Derivation")
_GROUP = Code("125007", "DCM", "Measurement Group")
_COMMENT = Code("121106", "DCM", "Comment")


@dataclass(frozen=True)
class StoredReport:
    """What a structured report of DeepStroke says.

    Attributes:
        regions: by region and side.
        scores: by side; None where none was written.
        notes: for the reader.
    """

    regions: Mapping[tuple[Region, Side], RegionStatement]
    scores: Mapping[Side, int | None]
    notes: tuple[str, ...]


def read_report(path: str | os.PathLike[str]) -> StoredReport:
    """Read a structured report of ``write_structured_report``.

    Raises:
        InputError: the file isn't a readable structured report, or a group isn't that of a sided region or hemisphere.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        dataset = pydicom.dcmread(path)
        groups = [item for item in _walk(dataset) if _is(item, _GROUP)]
    except (InvalidDicomError, AttributeError, OSError) as error:
        raise InputError(f"{path}: not a readable structured report ({error})", code="not-an-sr") from error
    if not groups:
        raise InputError(f"{path}: holds no measurement group, so it is no report of regions", code="not-an-sr")
    regions: dict[tuple[Region, Side], RegionStatement] = {}
    scores: dict[Side, int | None] = {}
    for group in groups:
        region, side = _site_of(group, Path(path))
        if region is None:
            score = _number(group, SCORE)
            scores[side] = None if score is None else int(score)
        else:
            regions[region, side] = _statement(group, region, side)
    notes = tuple(str(item.TextValue) for item in _walk(dataset) if _is(item, _COMMENT))
    return StoredReport(regions, scores, notes)


def _walk(item: pydicom.Dataset) -> list[pydicom.Dataset]:
    children = list(item.get("ContentSequence") or [])
    return [node for child in children for node in (child, *_walk(child))]


def _code_of(sequence: pydicom.Sequence) -> tuple[str, str]:
    code = sequence[0]
    return str(code.get("CodeValue") or code.get("LongCodeValue")), str(code.get("CodingSchemeDesignator"))


def _is(item: pydicom.Dataset, code: Code) -> bool:
    names = item.get("ConceptNameCodeSequence")
    return bool(names) and _code_of(names) == (code.value, code.scheme)


def _site_of(group: pydicom.Dataset, path: Path) -> tuple[Region | None, Side]:
    """The region, None for a hemisphere, and the side of a group."""
    for site in (item for item in group.ContentSequence if _is(item, _FINDING_SITE)):
        place = _code_of(site.ConceptCodeSequence)
        sides = [_code_of(item.ConceptCodeSequence)[0] for item in _walk(site) if _is(item, _LATERALITY)]
        region = next((one for one in REGIONS if (one.code.value, one.code.scheme) == place), None)
        for side, code in SIDE_CODE.items():
            if sides == [code.value]:
                return region, side
    raise InputError(f"{path}: a measurement group has no side, so it can't be laid on a region", code="sr-site")


def _statement(group: pydicom.Dataset, region: Region, side: Side) -> RegionStatement:
    return RegionStatement(
        region,
        side,
        volume_ml=_number(group, VOLUME) or 0.0,
        mean_hu=_number(group, ATTENUATION, MEAN),
        median_hu=_number(group, ATTENUATION, MEDIAN),
        verdict=_verdict(group),
        probability=_number(group, PROBABILITY),
        confidence=_number(group, CONFIDENCE),
    )


def _number(group: pydicom.Dataset, name: Code, derivation: Code | None = None) -> float | None:
    for item in group.ContentSequence:
        if _is(item, name) and (derivation is None or _has_derivation(item, derivation)):
            return float(item.MeasuredValueSequence[0].NumericValue)
    return None


def _has_derivation(item: pydicom.Dataset, derivation: Code) -> bool:
    coded = [_code_of(child.ConceptCodeSequence) for child in _walk(item) if _is(child, _DERIVATION)]
    return coded == [(derivation.value, derivation.scheme)]


def _verdict(group: pydicom.Dataset) -> Verdict | None:
    values = {_code_of(item.ConceptCodeSequence)[0] for item in group.ContentSequence if "ConceptCodeSequence" in item}
    return next((verdict for verdict, code in VERDICT_CODE.items() if code.value in values), None)

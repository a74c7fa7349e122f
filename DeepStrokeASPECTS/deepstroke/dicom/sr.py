"""DICOM Structured Reports (TID 1500): the ASPECTS regions, their measures and verdicts, and the score of each side.

The regions refer to the segments of a DICOM Segmentation on the same source series. Codes are SNOMED CT, DCM and UCUM
where they exist, and the project's own declared scheme for what no public one codes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepstroke import __version__
from deepstroke.dicom.seg_segments import private_scheme
from deepstroke.dicom.seg_sources import Source, SourceImages, read_sources
from deepstroke.dicom.sr_content import Assessment, RegionStatement, ScoreStatement, Verdict
from deepstroke.dicom.sr_groups import concept, region_group, score_group
from deepstroke.dicom.sr_reading import StoredReport, read_report
from deepstroke.errors import DeepStrokeError, InputError
from deepstroke.nifti import atomic_path
from deepstroke.regions import SIDED_REGIONS, Code

if TYPE_CHECKING:
    import highdicom

__all__ = [
    "Assessment",
    "RegionStatement",
    "ScoreStatement",
    "StoredReport",
    "Verdict",
    "read_report",
    "write_structured_report",
]

RESEARCH_USE = "Research use only. Not a medical device. Computed automatically; not verified by a reader."
_PROCEDURE = Code("30799-1", "LN", "CT Head WO contrast")
_QUALITATIVE = Code("C0034375", "UMLS", "Qualitative Evaluations")
_COMMENT = Code("121106", "DCM", "Comment")


def write_structured_report(
    sources: Sequence[Source],
    segmentation: str | os.PathLike[str],
    assessment: Assessment,
    path: str | os.PathLike[str],
    *,
    series_number: int = 901,
) -> None:
    """Write what is said of the regions as a Comprehensive 3D SR, then read it back and compare.

    The file is complete and checked, or absent. Of the source's patient and study attributes only those that DICOM
    requires are copied.

    Args:
        sources: the slices of one series as files or datasets, or one multi-frame image.
        segmentation: a file of ``write_segmentation`` on the same slices.
        assessment: what to say.
        path: the file to write.
        series_number: of the new series.

    Raises:
        InputError: a region is missing or given twice, or the segmentation isn't one on this study.
        DeepStrokeError: the file read back says something else.

    Example:
        >>> write_structured_report(slices, "labels.seg.dcm", assessment, "report.sr.dcm")  # doctest: +SKIP
    """
    images = read_sources(sources)
    _require_all_regions(assessment)
    segments = _open_segmentation(Path(segmentation), images)
    report = _build(images, segments, assessment, series_number)
    with atomic_path(path) as temporary:
        report.save_as(temporary)
        _check(read_report(temporary), assessment)


def _require_all_regions(assessment: Assessment) -> None:
    given = [(statement.region, statement.side) for statement in assessment.regions]
    if sorted(given, key=SIDED_REGIONS.index) != list(SIDED_REGIONS):
        raise InputError(
            f"a structured report states each of the {len(SIDED_REGIONS)} sided regions once, found {len(given)}",
            code="sr-regions",
        )
    sides = sorted(statement.side for statement in assessment.scores)
    if sides != ["left", "right"]:
        raise InputError(f"a structured report states the score of both sides once, found {sides}", code="sr-scores")


def _open_segmentation(path: Path, images: SourceImages) -> highdicom.seg.Segmentation:
    import highdicom
    from pydicom.errors import InvalidDicomError

    try:
        segmentation = highdicom.seg.segread(path)
    except (InvalidDicomError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a readable DICOM Segmentation ({error})", code="not-a-seg") from error
    if segmentation.StudyInstanceUID != images.headers[0].StudyInstanceUID:
        raise InputError(f"{path}: this segmentation belongs to another study than the source images", code="sr-study")
    return segmentation


def _build(
    images: SourceImages, segments: highdicom.seg.Segmentation, assessment: Assessment, series_number: int
) -> highdicom.sr.Comprehensive3DSR:
    from highdicom.sr import Comprehensive3DSR
    from pydicom.uid import generate_uid

    report = Comprehensive3DSR(
        evidence=[*images.headers, segments],
        content=_content(images, segments, assessment),
        series_instance_uid=generate_uid(),
        series_number=series_number,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="DeepStroke",
        is_complete=True,
        is_verified=False,
        manufacturer_model_name="deepstroke",
        software_versions=__version__,
        device_serial_number=__version__,
        series_description="DeepStroke ASPECTS report (research use only)",
    )
    report.CodingSchemeIdentificationSequence = [private_scheme()]
    report.update(images.identity)
    return report


def _content(
    images: SourceImages, segments: highdicom.seg.Segmentation, assessment: Assessment
) -> highdicom.sr.ContainerContentItem:
    from highdicom.sr import MeasurementReport
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    middle = images.headers[len(images.headers) // 2]
    groups = [region_group(statement, segments, middle, assessment.algorithm) for statement in assessment.regions]
    for score in assessment.scores:
        uid = generate_uid(entropy_srcs=[images.series_uid, "DeepStroke", "ASPECTS", score.side])
        groups.append(score_group(score, assessment, images.headers, uid))
    content = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=concept(_PROCEDURE),
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )[0]
    content.ContentSequence.append(_notes((RESEARCH_USE, *assessment.notes)))
    return content


def _observer() -> highdicom.sr.ObservationContext:
    from highdicom.sr import DeviceObserverIdentifyingAttributes, ObservationContext, ObserverContext
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    device = DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=["DeepStroke", __version__]),
        name="DeepStroke",
        manufacturer_name="DeepStroke",
        model_name="deepstroke",
        serial_number=__version__,
    )
    context = ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    return ObservationContext(observer_device_context=context)


def _notes(notes: Sequence[str]) -> highdicom.sr.ContainerContentItem:
    """Sentences for the reader in the container that TID 1500 keeps for qualitative evaluations."""
    from highdicom.sr import ContainerContentItem, RelationshipTypeValues, TextContentItem
    from highdicom.sr.value_types import ContentSequence

    container = ContainerContentItem(concept(_QUALITATIVE), relationship_type=RelationshipTypeValues.CONTAINS)
    container.ContentSequence = ContentSequence(
        [TextContentItem(concept(_COMMENT), note, RelationshipTypeValues.CONTAINS) for note in notes]
    )
    return container


def _check(stored: StoredReport, assessment: Assessment) -> None:
    """Raise unless the report read back states the same verdicts, volumes and scores for the same regions."""
    said = {(s.region, s.side): (s.verdict, round(s.volume_ml, 3)) for s in assessment.regions}
    scores = {statement.side: statement.score for statement in assessment.scores}
    if said != {key: (s.verdict, s.volume_ml) for key, s in stored.regions.items()} or scores != dict(stored.scores):
        raise DeepStrokeError("the structured report read back differs from what was written", code="sr-readback")

"""Measurement groups of TID 1500: a region with its segment (TID 1411), a region without voxels or a side (TID 1501).

Every call makes its own coded concepts, for one that two groups share would give both the last side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deepstroke.dicom.seg_segments import Algorithm
from deepstroke.dicom.sr_content import Assessment, RegionStatement, ScoreStatement, Verdict
from deepstroke.regions import PRIVATE_SCHEME, SIDE_CODE, Code, Side

if TYPE_CHECKING:
    import highdicom
    import pydicom

VOLUME = Code("118565006", "SCT", "Volume")
ATTENUATION = Code("112031", "DCM", "Attenuation Coefficient")
MEAN = Code("373098007", "SCT", "Mean")
MEDIAN = Code("373099004", "SCT", "Median")
ISCHEMIC_CHANGE = Code("ISCHEMIC-CHANGE", PRIVATE_SCHEME, "Early ischemic change in ASPECTS region")
PROBABILITY = Code("PROBABILITY", PRIVATE_SCHEME, "Probability of early ischemic change")
CONFIDENCE = Code("CONFIDENCE", PRIVATE_SCHEME, "Confidence of segmentation")
SCORE = Code("ASPECTS", PRIVATE_SCHEME, "Alberta Stroke Program Early CT Score")
LOWEST_SCORE = Code("ASPECTS-LOWEST", PRIVATE_SCHEME, "ASPECTS if all indeterminate regions were involved")
AFFECTED = Code("AFFECTED-SIDE", PRIVATE_SCHEME, "Affected hemisphere")
ASSESSMENT = Code("1290003007", "SCT", "Assessment using Alberta Stroke Program Early CT Score")
ANATOMY = Code("91723000", "SCT", "Anatomical structure")
HEMISPHERE = Code("372073000", "SCT", "Cerebral hemisphere")
VERDICT_CODE: dict[Verdict, Code] = {
    "present": Code("52101004", "SCT", "Present"),
    "absent": Code("272519000", "SCT", "Absent"),
    "indeterminate": Code("82334004", "SCT", "Indeterminate"),
}
MILLILITRES = Code("cm3", "UCUM", "cubic centimeter")
HOUNSFIELD = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
FRACTION = Code("1", "UCUM", "no units")
POINTS = Code("{score}", "UCUM", "score")


def concept(code: Code) -> highdicom.sr.CodedConcept:
    """A coded concept of its own."""
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)


def identify(algorithm: Algorithm) -> highdicom.sr.AlgorithmIdentification:
    """The algorithm as TID 4019 names it."""
    from highdicom.sr import AlgorithmIdentification

    parameters = [f"{name}={value}" for name, value in algorithm.parameters.items()]
    return AlgorithmIdentification(name=algorithm.name, version=algorithm.version, parameters=parameters or None)


def region_group(
    statement: RegionStatement,
    segmentation: highdicom.seg.Segmentation,
    source: pydicom.Dataset,
    algorithm: Algorithm,
) -> highdicom.sr.MeasurementsAndQualitativeEvaluations:
    """The group of one region; one that holds no voxel refers to a source image, since it has no segment to show.

    Args:
        statement: what is said of the region.
        segmentation: holds a segment for each label.
        source: an image of the source series.
        algorithm: what made the region.
    """
    from highdicom.sr import (
        MeasurementsAndQualitativeEvaluations,
        ReferencedSegment,
        TrackingIdentifier,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )

    label = statement.region.label(statement.side)
    segment = next(one for one in segmentation.SegmentSequence if one.SegmentNumber == label)
    shared: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(uid=segment.TrackingUID, identifier=segment.TrackingID),
        "finding_type": concept(ANATOMY),
        "algorithm_id": identify(algorithm),
        "finding_sites": [_site(statement.region.code, statement.side)],
        "measurements": _region_measurements(statement) or None,
        "qualitative_evaluations": _verdict(statement) or None,
    }
    if label in drawn_segments(segmentation):
        segment_reference = ReferencedSegment.from_segmentation(segmentation, segment_number=label)
        return VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment_reference, **shared)
    return MeasurementsAndQualitativeEvaluations(source_images=[_image(source)], **shared)


def score_group(
    statement: ScoreStatement, assessment: Assessment, sources: Sequence[pydicom.Dataset], tracking_uid: str
) -> highdicom.sr.MeasurementsAndQualitativeEvaluations:
    """The group of one side: its score, and whether it is the affected one."""
    from highdicom.sr import MeasurementsAndQualitativeEvaluations, TrackingIdentifier

    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=tracking_uid, identifier=f"ASPECTS {statement.side}"),
        finding_type=concept(ASSESSMENT),
        algorithm_id=identify(assessment.algorithm),
        finding_sites=[_site(HEMISPHERE, statement.side)],
        measurements=_score_measurements(statement) or None,
        qualitative_evaluations=_affected(statement, assessment) or None,
        source_images=[_image(sources[len(sources) // 2])],
    )


def drawn_segments(segmentation: highdicom.seg.Segmentation) -> set[int]:
    """The numbers of the segments that have frames."""
    frames = segmentation.PerFrameFunctionalGroupsSequence
    if segmentation.SegmentationType == "LABELMAP":
        return {int(segment.SegmentNumber) for segment in segmentation.SegmentSequence}
    return {int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber) for frame in frames}


def _image(source: pydicom.Dataset) -> highdicom.sr.SourceImageForMeasurementGroup:
    from highdicom.sr import SourceImageForMeasurementGroup

    return SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)


def _site(code: Code, side: Side) -> highdicom.sr.FindingSite:
    from highdicom.sr import FindingSite

    return FindingSite(anatomic_location=concept(code), laterality=concept(SIDE_CODE[side]))


def _measurement(name: Code, value: float, unit: Code, **more: Any) -> highdicom.sr.Measurement:
    from highdicom.sr import Measurement

    return Measurement(name=concept(name), value=value, unit=concept(unit), **more)


def _region_measurements(statement: RegionStatement) -> list[highdicom.sr.Measurement]:
    measurements = [_measurement(VOLUME, round(statement.volume_ml, 3), MILLILITRES)]
    for derivation, hu in ((MEAN, statement.mean_hu), (MEDIAN, statement.median_hu)):
        if hu is not None:
            measurements.append(_measurement(ATTENUATION, round(hu, 2), HOUNSFIELD, derivation=concept(derivation)))
    for name, fraction in ((PROBABILITY, statement.probability), (CONFIDENCE, statement.confidence)):
        if fraction is not None:
            measurements.append(_measurement(name, round(fraction, 4), FRACTION))
    return measurements


def _verdict(statement: RegionStatement) -> list[highdicom.sr.QualitativeEvaluation]:
    from highdicom.sr import QualitativeEvaluation

    if statement.verdict is None:
        return []
    return [QualitativeEvaluation(name=concept(ISCHEMIC_CHANGE), value=concept(VERDICT_CODE[statement.verdict]))]


def _score_measurements(statement: ScoreStatement) -> list[highdicom.sr.Measurement]:
    if statement.score is None:
        return []
    measurements = [_measurement(SCORE, statement.score, POINTS, method=concept(ASSESSMENT))]
    if statement.lowest is not None and statement.lowest != statement.score:
        measurements.append(_measurement(LOWEST_SCORE, statement.lowest, POINTS, method=concept(ASSESSMENT)))
    return measurements


def _affected(statement: ScoreStatement, assessment: Assessment) -> list[highdicom.sr.QualitativeEvaluation]:
    from highdicom.sr import QualitativeEvaluation

    if assessment.affected is None:
        return []
    verdict: Verdict = "present" if statement.side == assessment.affected else "absent"
    return [QualitativeEvaluation(name=concept(AFFECTED), value=concept(VERDICT_CODE[verdict]))]

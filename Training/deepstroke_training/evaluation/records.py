"""One region of one case, as predicted and as it truly is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from deepstroke.errors import InputError
from deepstroke.evaluation import LabelComparison, compare_label_maps, dice, place_sides
from deepstroke.regions import REGIONS, SIDED_REGIONS
from deepstroke.volume import LabelMap

#: A side of a sided label map, or both where labels have no sides.
RecordSide = Literal["both", "left", "right"]
RECORD_SIDES: tuple[RecordSide, ...] = get_args(RecordSide)
#: The name under which what is no region is listed.
BACKGROUND = "background"


@dataclass(frozen=True, order=True)
class CaseName:
    """What a case is called.

    Attributes:
        case: unique together with the stage.
        patient: whose it is; cases of one patient are resampled together.
        stage: ``raw``, ``stripped`` or ``registered``; empty where nobody said.
    """

    case: str
    patient: str
    stage: str = ""

    def __str__(self) -> str:
        return f"{self.case} ({self.stage})" if self.stage else self.case


@dataclass(frozen=True)
class RegionRecord:
    """Agreement on one region of one case; None where a figure is not defined.

    Attributes:
        case, patient, stage: of the case.
        region: its abbreviation, or ``background``.
        side: the side, or ``both`` where labels have none.
        dice: 0..1; None where prediction and truth both lack the region.
        hausdorff95_mm: 95th percentile of the surface distances; None where either lacks the region.
        surface_distance_mm: average symmetric surface distance; None likewise.
        volume_ml, reference_ml: predicted and true volume.
        volume_error_ml: predicted - true.
        volume_error_percent: of the true volume; None where that is 0.
        missing: the truth has the region, the prediction doesn't.
        spurious: the prediction has it, the truth doesn't.
        wrong_side_ml: of the predicted region, where the truth holds regions of the other side; None without sides.
        side_error: whether that is most of what lies on regions of the truth.
    """

    case: str
    patient: str
    stage: str
    region: str
    side: RecordSide
    dice: float | None
    hausdorff95_mm: float | None
    surface_distance_mm: float | None
    volume_ml: float
    reference_ml: float
    volume_error_ml: float
    volume_error_percent: float | None
    missing: bool
    spurious: bool
    wrong_side_ml: float | None
    side_error: bool


def measure_case(name: CaseName, prediction: LabelMap, truth: LabelMap, sided: bool) -> Iterator[RegionRecord]:
    """The records of one case, background first, then the regions in the order of their labels.

    Args:
        name: of the case.
        prediction: labels 0..20 where they are sided, else 0..10.
        truth: the same on the same grid.
        sided: whether labels have sides.

    Raises:
        GeometryError: the two lie on different grids.
        InputError: both are empty, or a label is too large.
    """
    largest = len(SIDED_REGIONS if sided else REGIONS)
    for what, labels in (("prediction", prediction), ("truth", truth)):
        if labels.data.max() > largest:
            raise InputError(
                f"{name}: labels of the {what} are 0..{largest}, found {labels.data.max()}", code="region-label"
            )
    comparisons = {found.label: found for found in compare_label_maps(prediction, truth)}
    places = {place.label: place for place in place_sides(prediction, truth)} if sided else {}
    yield _background(name, prediction, truth)
    for label, (region, side) in enumerate(region_sides(sided), start=1):
        place = places.get(label)
        wrong_ml = (place.other_side_ml if place else 0.0) if sided else None
        found = comparisons.get(label) or _absent(label)
        yield _record(name, region, side, found, wrong_ml, bool(place and place.swapped))


def region_sides(sided: bool) -> tuple[tuple[str, RecordSide], ...]:
    """Abbreviation and side of each label from 1 on."""
    if sided:
        return tuple((region.abbreviation, side) for region, side in SIDED_REGIONS)
    return tuple((region.abbreviation, "both") for region in REGIONS)


def without_sides(labels: LabelMap) -> LabelMap:
    """A sided label map as an unsided one, 1..10."""
    largest = len(REGIONS)
    return labels.with_labels(np.where(labels.data > largest, labels.data - largest, labels.data))


def has_sides(labels: LabelMap) -> bool:
    """Whether a label of the patient's right side occurs."""
    return bool(labels.data.max() > len(REGIONS))


def _record(
    name: CaseName, region: str, side: RecordSide, found: LabelComparison, wrong_ml: float | None, swapped: bool
) -> RegionRecord:
    error = found.volume_ml - found.reference_ml
    there, predicted = found.reference_ml > 0, found.volume_ml > 0
    return RegionRecord(
        case=name.case,
        patient=name.patient,
        stage=name.stage,
        region=region,
        side=side,
        dice=found.dice if there or predicted else None,
        hausdorff95_mm=found.hausdorff95_mm,
        surface_distance_mm=found.mean_surface_distance_mm,
        volume_ml=found.volume_ml,
        reference_ml=found.reference_ml,
        volume_error_ml=error,
        volume_error_percent=100.0 * error / found.reference_ml if there else None,
        missing=there and not predicted,
        spurious=predicted and not there,
        wrong_side_ml=wrong_ml,
        side_error=swapped,
    )


def _absent(label: int) -> LabelComparison:
    """A label that neither map holds."""
    return LabelComparison(label, 0.0, None, None, None, None, 0.0, 0.0)


def _background(name: CaseName, prediction: LabelMap, truth: LabelMap) -> RegionRecord:
    """Dice and volumes of what is no region; its surface says nothing that those of the regions don't."""
    predicted, true = prediction.data == 0, truth.data == 0
    ml = truth.voxel_ml
    comparison = LabelComparison(
        0, dice(predicted, true), None, None, None, None, float(predicted.sum() * ml), float(true.sum() * ml)
    )
    return _record(name, BACKGROUND, "both", comparison, None, False)

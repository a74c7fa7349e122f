"""One label map against a reference, label by label."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from deepstroke.errors import InputError
from deepstroke.evaluation.distances import hausdorff95, mean_surface_distance
from deepstroke.evaluation.overlap import dice, sensitivity, specificity
from deepstroke.volume import LabelMap


@dataclass(frozen=True)
class LabelComparison:
    """Agreement on one label; a distance is None where either map lacks the label.

    Attributes:
        label: the number in both maps.
        dice, sensitivity, specificity: 0..1.
        hausdorff95_mm, mean_surface_distance_mm: in mm.
        volume_ml, reference_ml: millilitres of the label in the map and in the reference.
    """

    label: int
    dice: float
    sensitivity: float | None
    specificity: float
    hausdorff95_mm: float | None
    mean_surface_distance_mm: float | None
    volume_ml: float
    reference_ml: float

    def as_dict(self) -> dict[str, float | int | None]:
        """The comparison for JSON."""
        return asdict(self)


def compare_label_maps(prediction: LabelMap, truth: LabelMap) -> list[LabelComparison]:
    """Compare every label that occurs in either map.

    Raises:
        GeometryError: the two lie on different grids.
        InputError: neither holds a label.
    """
    truth.require_same_grid(prediction, "the label map")
    labels = sorted(set(prediction.present()) | set(truth.present()))
    if not labels:
        raise InputError("both label maps are empty: nothing to compare", code="empty-mask")
    return [_compare(prediction, truth, label) for label in labels]


def _compare(prediction: LabelMap, truth: LabelMap, label: int) -> LabelComparison:
    predicted, true = prediction.data == label, truth.data == label
    both = predicted.any() and true.any()
    found = sensitivity(predicted, true)
    return LabelComparison(
        label=label,
        dice=dice(predicted, true),
        sensitivity=None if math.isnan(found) else found,
        specificity=specificity(predicted, true),
        hausdorff95_mm=hausdorff95(predicted, true, truth.spacing_mm) if both else None,
        mean_surface_distance_mm=mean_surface_distance(predicted, true, truth.spacing_mm) if both else None,
        volume_ml=prediction.volume_ml(label),
        reference_ml=truth.volume_ml(label),
    )

"""Whether regions were put on the patient's right side of the body."""

from __future__ import annotations

from dataclasses import dataclass

from deepstroke.errors import InputError
from deepstroke.evaluation.overlap import joint_counts
from deepstroke.regions import SIDED_REGIONS, region_of
from deepstroke.volume import LabelMap


@dataclass(frozen=True)
class SidePlacement:
    """Where a predicted sided label lies by the sides of the truth, whatever the region there.

    Attributes:
        label: 1..20 of a sided label map.
        same_side_ml, other_side_ml: millilitres of the prediction where the truth holds a region of its own side, and
            of the other side; what lies on the truth's background counts for neither.
    """

    label: int
    same_side_ml: float
    other_side_ml: float

    @property
    def swapped(self) -> bool:
        """Whether most of the label lies on the other side."""
        return self.other_side_ml > self.same_side_ml


def place_sides(prediction: LabelMap, truth: LabelMap) -> list[SidePlacement]:
    """On which side each predicted label lies.

    Args:
        prediction: sided labels 0..20.
        truth: the same on the same grid.

    Raises:
        GeometryError: the two lie on different grids.
        InputError: a label is above 20.
    """
    truth.require_same_grid(prediction, "the label map")
    labels, counts = joint_counts(prediction.data, truth.data)
    if labels[-1] > len(SIDED_REGIONS):
        raise InputError(f"sided labels are 0..{len(SIDED_REGIONS)}, found {labels[-1]}", code="region-label")
    sides = {label: region_of(label)[1] for label in labels if label}
    ml = truth.voxel_ml

    def overlap(row: int, same: bool) -> float:
        own = sides[labels[row]]
        return ml * sum(int(counts[row, n]) for n, at in enumerate(labels) if at and (sides[at] == own) == same)

    rows = [row for row, label in enumerate(labels) if label and counts[row].any()]
    return [SidePlacement(labels[row], overlap(row, same=True), overlap(row, same=False)) for row in rows]

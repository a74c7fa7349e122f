"""One label map against a reference, label by label."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.evaluation.distances import hausdorff95_of, mean_of_surfaces, surface_distances
from deepstroke.evaluation.overlap import joint_counts
from deepstroke.volume import LabelMap


@dataclass(frozen=True)
class LabelComparison:
    """Agreement on one label; a distance is None where either map lacks the label, a share where there is nothing.

    Attributes:
        label: the number in both maps.
        dice, sensitivity, specificity: 0..1.
        hausdorff95_mm, mean_surface_distance_mm: in mm.
        volume_ml, reference_ml: millilitres of the label in the map and in the reference.
    """

    label: int
    dice: float
    sensitivity: float | None
    specificity: float | None
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
    labels, counts = joint_counts(prediction.data, truth.data)
    if len(labels) < 2:
        raise InputError("both label maps are empty: nothing to compare", code="empty-mask")
    return [_compare(prediction, truth, label, _Overlap.of(counts, n)) for n, label in enumerate(labels) if label]


@dataclass(frozen=True)
class _Overlap:
    """Voxels of one label in both maps, in the prediction, in the truth, and of the whole grid."""

    both: int
    predicted: int
    true: int
    grid: int

    @classmethod
    def of(cls, counts: NDArray[np.int64], n: int) -> _Overlap:
        """Of the nth label of ``joint_counts``."""
        return cls(int(counts[n, n]), int(counts[n].sum()), int(counts[:, n].sum()), int(counts.sum()))

    @property
    def specificity(self) -> float | None:
        """Share of the true background that was left alone; None where there is none."""
        outside = self.grid - self.true
        return (outside - (self.predicted - self.both)) / outside if outside else None


def _compare(prediction: LabelMap, truth: LabelMap, label: int, overlap: _Overlap) -> LabelComparison:
    hausdorff, mean = _distances(prediction, truth, label) if overlap.predicted and overlap.true else (None, None)
    return LabelComparison(
        label=label,
        dice=2.0 * overlap.both / (overlap.predicted + overlap.true),
        sensitivity=overlap.both / overlap.true if overlap.true else None,
        specificity=overlap.specificity,
        hausdorff95_mm=hausdorff,
        mean_surface_distance_mm=mean,
        volume_ml=overlap.predicted * truth.voxel_ml,
        reference_ml=overlap.true * truth.voxel_ml,
    )


def _distances(prediction: LabelMap, truth: LabelMap, label: int) -> tuple[float, float]:
    """HD95 and mean surface distance in mm, both from one pair of distance maps."""
    predicted, true = prediction.data == label, truth.data == label
    distances = surface_distances(predicted, true, truth.spacing_mm)
    return hausdorff95_of(*distances), mean_of_surfaces(*distances)

"""What is where in a synthetic head: label maps, and the ASPECTS that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from deepstroke.frames import Affine
from deepstroke.regions import REGIONS, Side
from deepstroke.volume import LabelMap
from deepstroke_training.synthesis.pathology import LesionLabel
from deepstroke_training.synthesis.template_head import TemplateHead, sample_grid

#: A region counts as involved from this part of its brain tissue on.
INVOLVED_FRACTION = 0.2


@dataclass(frozen=True, eq=False)
class Truth:
    """What is where, all on one grid.

    Attributes:
        regions: ASPECTS regions, 1..10 left and 11..20 right.
        lesions: ``LesionLabel`` 1..4.
        brain: intracranial space: brain and fluid up to the inner table, down to the foramen magnum.
        tissue: inside the brain mask 1 grey, 2 white, 3 fluid.
    """

    regions: LabelMap
    lesions: LabelMap
    brain: LabelMap
    tissue: LabelMap

    def involvement(self) -> dict[int, float]:
        """Part of the brain tissue of each sided region (label 1..20) that is acutely ischemic, 0..1."""
        parenchyma = (self.tissue.data == 1) | (self.tissue.data == 2)
        acute = parenchyma & (self.lesions.data == LesionLabel.ACUTE_INFARCT)
        whole = np.bincount(self.regions.data[parenchyma], minlength=21)
        part = np.bincount(self.regions.data[acute], minlength=21)
        return {label: float(part[label] / whole[label]) for label in range(1, 21) if whole[label]}

    def involved(self, side: Side) -> list[str]:
        """Abbreviations of the regions of one side that are involved."""
        parts = self.involvement()
        return [r.abbreviation for r in REGIONS if parts.get(r.label(side), 0.0) >= INVOLVED_FRACTION]

    def aspects(self, side: Side) -> int:
        """The ASPECTS of one side: 10 less one for each involved region."""
        return 10 - len(self.involved(side))


def read_labels(weights: torch.Tensor, points: torch.Tensor, head: TemplateHead) -> dict[str, torch.Tensor]:
    """The maps of ``Truth`` as uint8 tensors from truth weights (8, ...) and template points (3, ...)."""
    brain = weights[0] >= 0.5
    regions = head.regions
    region = sample_grid(regions.data, points, regions.first, regions.step, nearest=True)[0].round()
    labels = {
        "brain": brain,
        "regions": brain * region,
        "lesions": brain * (weights[4:].amax(0) >= 0.5) * _heaviest(weights[4:]),
        "tissue": brain * _heaviest(weights[1:4]),
    }
    return {name: label.to(torch.uint8) for name, label in labels.items()}


def _heaviest(weights: torch.Tensor) -> torch.Tensor:
    """1 + the channel of the largest weight, the first of equals."""
    best, winner = weights[0], torch.ones_like(weights[0])
    for channel, weight in enumerate(weights[1:], start=2):
        winner = torch.where(weight > best, torch.full_like(winner, channel), winner)
        best = torch.maximum(best, weight)
    return winner


def stack_truth(slices: Sequence[dict[str, torch.Tensor]], ijk_to_ras: Affine) -> Truth:
    """The truth of a volume from the labels (i, j) of its slices."""
    return Truth(
        **{
            name: LabelMap(torch.stack([labels[name] for labels in slices], dim=-1).cpu().numpy(), ijk_to_ras)
            for name in slices[0]
        }
    )

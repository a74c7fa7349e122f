"""What becomes of a batch on the device that trains: augmentation, stripping, intensities, labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from deepstroke.preprocess.windowing import normalised
from deepstroke.regions import SIDE_OFFSET
from deepstroke_training.data.prepared_case import STRIPPED_HU
from deepstroke_training.data.samples import Sample
from deepstroke_training.data.settings import DataSettings


@dataclass(frozen=True)
class BatchPreparation:
    """Turns collated samples into what a network takes.

    Attributes:
        settings: of the data.
    """

    settings: DataSettings

    @torch.no_grad()
    def __call__(self, samples: Sample) -> Sample:
        """A batch, on the device where the samples lie.

        Args:
            samples: as ``collate`` makes them; with ``seed`` they are augmented.

        Returns:
            ``image`` float32 (B, 1, i, j, k), 0..1 over the HU range; ``label`` uint8 (B, 1, i, j, k); ``brain`` bool
            (B, 1, i, j, k); ``case`` and ``stage``, lists of B names. With coordinates ``template_mm`` float32
            (B, 3, i, j, k), RAS+ mm, and ``coordinate_mask`` bool (B, 1, i, j, k), where they are known and matter. In
            validation batches ``is_padding`` bool (B,), true for a case that another process counts already.
        """
        batch: Sample = {"case": samples["case"], "stage": samples["stage"]}
        image, brain, label = samples["image"].float(), samples["brain"], samples["label"]
        strip = samples["strip"].reshape(-1, 1, 1, 1, 1)
        image = torch.where(strip & ~brain, float(STRIPPED_HU), image)
        batch["image"] = normalised(image, self.settings.hu_range)
        batch["brain"] = brain
        batch["label"] = label if self.settings.sided else unsided(label)
        if self.settings.coordinates:
            batch["template_mm"] = samples["template_mm"].float()
            batch["coordinate_mask"] = brain & samples["template_known"].reshape(-1, 1, 1, 1, 1)
        if "is_padding" in samples:
            batch["is_padding"] = samples["is_padding"]
        return batch


def unsided(labels: torch.Tensor) -> torch.Tensor:
    """Labels 1..10 of a sided label map (1..20), in its own type."""
    offset = SIDE_OFFSET["right"]
    return torch.where(labels > offset, labels - offset, labels)

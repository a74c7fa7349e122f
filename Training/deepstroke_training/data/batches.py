"""What becomes of a batch on the device that trains: augmentation, stripping, intensities, labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from deepstroke.inference.preparation import STRIPPED_HU
from deepstroke.preprocess.windowing import normalised
from deepstroke.regions import SIDE_OFFSET
from deepstroke_training.data.augmentation import HeadBatch, augment
from deepstroke_training.data.augmentation.head_batch import per_sample
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
        heads = self._heads(samples)
        if "seed" in samples:
            heads, image = self._augmented(heads, samples["seed"].tolist())
        else:
            outside = per_sample(heads.strip) & ~heads.brain
            image = normalised(torch.where(outside, float(STRIPPED_HU), heads.image), self.settings.hu_range)
        batch: Sample = {"image": image, "label": heads.label, "brain": heads.brain}
        if heads.template_mm is not None:
            known = per_sample(samples["template_known"])
            batch |= {"template_mm": heads.template_mm, "coordinate_mask": heads.brain & known}
        return batch | {name: samples[name] for name in ("case", "stage", "is_padding") if name in samples}

    def _heads(self, samples: Sample) -> HeadBatch:
        return HeadBatch(
            image=samples["image"].float(),
            label=samples["label"] if self.settings.sided else unsided(samples["label"]),
            brain=samples["brain"],
            template_mm=samples["template_mm"].float() if self.settings.coordinates else None,
            fill_hu=samples["fill_hu"],
            strip=samples["strip"],
        )

    def _augmented(self, heads: HeadBatch, seeds: list[int]) -> tuple[HeadBatch, torch.Tensor]:
        settings = self.settings
        with torch.autocast(heads.device.type, enabled=False):
            return augment(
                heads,
                seeds,
                settings.augmentation,
                spacing_mm=settings.spacing_mm,
                hu_range=settings.hu_range,
                patch=settings.patch,
                sided=settings.sided,
            )


def unsided(labels: torch.Tensor) -> torch.Tensor:
    """Labels 1..10 of a sided label map (1..20), in its own type."""
    offset = SIDE_OFFSET["right"]
    return torch.where(labels > offset, labels - offset, labels)

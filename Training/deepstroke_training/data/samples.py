"""What a data loader gives out: samples as they lie on the disk, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, default_collate

from deepstroke.inference.preparation import AIR_HU, STRIPPED_HU
from deepstroke_training.data.order import SampleOrder
from deepstroke_training.data.prepared_case import PreparedCase, Stage
from deepstroke_training.data.sources import StagedSource

#: Arrays and facts of a sample or of a batch, by name.
Sample = dict[str, Any]


def sample_of(case: PreparedCase, stage: Stage, coordinates: bool) -> Sample:
    """A case as a sample; arrays keep their compact types, since a batch is prepared on the device that trains.

    Args:
        case: on its grid.
        stage: how it is to be shown.
        coordinates: whether template coordinates are wanted; zeros stand for those that nobody knows.

    Returns:
        ``image`` int16, ``label`` uint8 and ``brain`` bool, each (1, i, j, k); ``fill_hu``, what lies beyond the grid;
        ``strip``, whether the brain is to be shown alone; ``case``; ``stage``; with coordinates ``template_mm``
        float16 (3, i, j, k) and ``template_known``.
    """
    sample: Sample = {
        "image": case.image[None],
        "label": case.label[None],
        "brain": case.brain[None],
        "fill_hu": float(AIR_HU if case.whole_head else STRIPPED_HU),
        "strip": stage != "raw",
        "case": case.name,
        "stage": stage,
    }
    if coordinates:
        known = case.template_mm is not None
        zeros = torch.zeros((3, *case.image.shape), dtype=torch.float16)
        sample |= {"template_mm": case.template_mm if known else zeros, "template_known": known}
    return sample


class TrainingSamples(Dataset[Sample]):
    """Training samples by their number counted from the first of epoch 0.

    Args:
        sources: as in the order's strands.
        order: which case stands where.
        coordinates: whether template coordinates are wanted.
    """

    def __init__(self, sources: Sequence[StagedSource], order: SampleOrder, coordinates: bool) -> None:
        self.sources, self.order, self.coordinates = tuple(sources), order, coordinates

    def __len__(self) -> int:
        return self.order.samples_per_epoch

    def __getitem__(self, number: int) -> Sample:
        draw = self.order.draw(number)
        source = self.sources[draw.strand]
        sample = sample_of(source.cases[draw.item], source.stage, self.coordinates)
        return {**sample, "seed": draw.seed}


class ValidationSamples(Dataset[Sample]):
    """Every case of every source once, and some twice where processes must do equally many steps.

    Args:
        sources: of validation cases.
        coordinates: whether template coordinates are wanted.
        rank, world_size: which share of how many this is.
        most: at most this many cases of each source.
    """

    def __init__(
        self,
        sources: Sequence[StagedSource],
        coordinates: bool,
        rank: int = 0,
        world_size: int = 1,
        most: int | None = None,
    ) -> None:
        self.coordinates = coordinates
        items = [(source, n) for source in sources for n in range(len(source.cases))[:most]]
        steps = -(-len(items) // world_size)
        self.mine = [
            (*items[n % len(items)], n >= len(items)) for n in range(rank, steps * world_size, world_size) if items
        ]

    def __len__(self) -> int:
        return len(self.mine)

    def __getitem__(self, number: int) -> Sample:
        source, item, repeated = self.mine[number]
        sample = sample_of(source.cases[item], source.stage, self.coordinates)
        return {**sample, "is_padding": repeated}


def collate(samples: Sequence[Sample]) -> Sample:
    """Samples as a batch: arrays are stacked, names become lists."""
    batch: Sample = default_collate([{k: v for k, v in s.items() if k not in ("case", "stage")} for s in samples])
    batch["fill_hu"] = batch["fill_hu"].float()
    return {**batch, **{name: [sample[name] for sample in samples] for name in ("case", "stage")}}

"""What each of several processes does with a metric; they import it by name."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import distributed

from deepstroke_training.metrics import GeneralizedDice, RegionDice


def label_maps(cases: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Predictions and truths, of which some lack some classes."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 11, (cases, 6, 6, 6), generator=generator)
    wrong = torch.rand(target.shape, generator=generator) < 0.3
    predicted = torch.where(wrong, torch.randint(0, 11, target.shape, generator=generator), target)
    for case in range(cases):
        for labels in (predicted[case], target[case]):
            labels[labels == case + 1] = 0
    return predicted, target


def accumulate(rank: int, processes: int, folder: str) -> None:
    """Give this process its share of five cases and write what the metrics say of all."""
    file = f"file://{folder}/meeting"
    distributed.init_process_group("gloo", init_method=file, rank=rank, world_size=processes)
    regions, generalized = RegionDice(), GeneralizedDice()
    predicted, target = label_maps(5)
    for case in range(rank, 5, processes):
        for metric in (regions, generalized):
            metric.update(predicted[case : case + 1], target[case : case + 1])
    figures = regions.compute() | generalized.compute()
    Path(folder, f"{rank}.json").write_text(json.dumps(figures))
    distributed.destroy_process_group()

"""A data module of small phantoms in memory, and runs on it, importable by worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from deepstroke_training.configuration import fill
from deepstroke_training.data import ScanDataModule
from deepstroke_training.data.prepared_case import PreparedCase
from deepstroke_training.data.sources import StagedSource
from deepstroke_training.data.splits import Part
from deepstroke_training.training.run_settings import RunSettings

SHAPE = (16, 16, 16)


class PhantomCases:
    """Cases with two boxes, C (grey) on the right and M1 (bright) on the left, at places drawn from the number."""

    def __init__(self, name: str, count: int, first: int = 0) -> None:
        self.name, self.count, self.first = name, count, first

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> PreparedCase:
        generator = torch.Generator().manual_seed(self.first + number)
        i, j, k = torch.randint(1, 5, (3,), generator=generator).tolist()
        label = torch.zeros(SHAPE, dtype=torch.uint8)
        label[8 + i - 1 : 12 + i - 1, j : j + 6, k : k + 6] = 11
        label[i : i + 3, j + 3 : j + 9, k + 2 : k + 9] = 5
        noise = torch.randn(SHAPE, generator=generator) * 3
        image = 20 + 40 * (label == 11) + 70 * (label == 5) + noise
        return PreparedCase(
            name=f"{self.name}-{number}",
            whole_head=False,
            image=image.round().to(torch.int16),
            label=label,
            brain=torch.ones(SHAPE, dtype=torch.bool),
            template_mm=torch.stack(torch.meshgrid(*[torch.arange(16.0) - 8] * 3, indexing="ij")).half(),
        )


class PhantomData(ScanDataModule):
    """Eight cases to train on and three to validate on, of other numbers."""

    def prepare_data(self) -> None:
        """Nothing: cases are made as they are read."""

    def setup(self, stage: str | None = None) -> None:
        """Nothing grows."""

    def sources(self, part: Part) -> list[StagedSource]:
        cases = PhantomCases("train", 8) if part == "train" else PhantomCases(part, 3, first=1000)
        return [StagedSource(cases, "stripped")]


def phantom_settings(**sections: Any) -> RunSettings:
    """Settings of a run of seconds; sections are laid over them."""
    mapping: dict[str, Any] = {
        "network": {"name": "unet3d", "depth": 3, "base_channels": 4, "dropout": 0.2},
        "data": {"shape": list(SHAPE), "batch_size": 2, "spacing_mm": 4.0, "augmentation": {"preset": "none"}},
        "optimizer": {"lr": 0.01},
        "trainer": {
            "max_epochs": 2,
            "accelerator": "cpu",
            "deterministic": True,
            "log_every": 1,
            "early_stopping": None,
            "overlays_every": 0,
        },
        "output": {"reserve_mb": 0},
    }
    for name, section in sections.items():
        mapping[name] = {**mapping.get(name, {}), **section} if isinstance(section, dict) else section
    return fill(RunSettings, mapping)


def phantom_data(settings: RunSettings) -> PhantomData:
    """The data of such a run."""
    return PhantomData(settings.data, settings.seed)


def main(arguments: Sequence[str]) -> None:
    """Train as YAML files say, one run after the other; ``FILE`` or ``FILE=RUN``; what is there is resumed."""
    from deepstroke_training.configuration import load_configuration
    from deepstroke_training.training.fit import fit

    for argument in arguments:
        config, _, run = argument.partition("=")
        settings = load_configuration(config)
        fit(settings, Path(run or config.removesuffix(".yaml")), resume=True, data=phantom_data(settings))


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])

"""Everything about a run, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepstroke.networks import settings_of
from deepstroke.regions import REGIONS, SIDED_REGIONS
from deepstroke_training.data import DataSettings
from deepstroke_training.losses import LossSettings
from deepstroke_training.training.objective import COORDINATES
from deepstroke_training.training.settings import (
    CoordinateSettings,
    NetworkSettings,
    OptimizerSettings,
    OutputSettings,
    TrainerSettings,
    raise_faults,
)


@dataclass(frozen=True)
class RunSettings:
    """A run: what is learnt, from what, how and where.

    Attributes:
        name: of the run and its folder.
        seed: of weights, order, augmentation and dropout.
        network: which one.
        loss: what is minimised.
        data: what it learns from.
        coordinates: of the coordinate channels, where ``data.coordinates`` switches them on.
        optimizer: and its learning rate.
        trainer: how long, where, how exactly.
        output: where the run lies.
        start: exported weights (``.safetensors``) that a new run begins with, to go on with other data or to fine-tune;
            drawn at random without it.

    Raises:
        ConfigError: sections contradict each other; one fault a line.
    """

    name: str = "run"
    seed: int = 0
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    data: DataSettings = field(default_factory=DataSettings)
    coordinates: CoordinateSettings = field(default_factory=CoordinateSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    output: OutputSettings = field(default_factory=OutputSettings)
    start: Path | None = None

    def __post_init__(self) -> None:
        faults = []
        if not self.name or Path(self.name).name != self.name or self.name.startswith("."):
            faults.append(f"name: expected the name of a folder, found {self.name!r}")
        if self.seed < 0:
            faults.append(f"seed: expected 0 or more, found {self.seed}")
        given = self.network.settings.get("out_channels")
        if given is not None and given != self.classes:
            faults.append(
                f"network.out_channels: the data have {self.classes} classes, found {given}; leave it out "
                "(channels of coordinates are added by themselves)"
            )
        weights = self.loss.class_weights
        if weights is not None and len(weights) != self.classes:
            faults.append(f"loss.class_weights: expected {self.classes} numbers, one a class, found {len(weights)}")
        raise_faults(faults)

    @property
    def classes(self) -> int:
        """Labels, the background included."""
        return 1 + len(SIDED_REGIONS if self.data.sided else REGIONS)

    @property
    def network_arguments(self) -> dict[str, Any]:
        """The network's settings with the channels that this run needs."""
        channels = self.classes + (COORDINATES if self.data.coordinates else 0)
        settings = {**self.network.settings, "out_channels": channels}
        return settings if "out_channels" in settings_of(self.network.name) else dict(self.network.settings)

    @property
    def folder(self) -> Path:
        """Where the run lies unless the command says otherwise."""
        return self.output.folder / self.name

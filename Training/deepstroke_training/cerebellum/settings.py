"""How a network for the cerebellum or the brainstem is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from deepstroke.errors import ConfigError
from deepstroke_training.cerebellum.augmentation import Augmentation

NetworkName = Literal["cerebellum_m1", "cerebellum_m2"]
Structure = Literal["cerebellum", "brainstem"]

#: Labels of the paper's data (Hammers' atlas): right and left cerebellum, brainstem.
STRUCTURE_LABELS: dict[Structure, tuple[int, ...]] = {"cerebellum": (17, 18), "brainstem": (19,)}


@dataclass(frozen=True)
class CerebellumSettings:
    """Of one training run; the defaults are the paper's. Cases are synthetic where no folder is named.

    Attributes:
        network: M1 or M2.
        structure: one network learns one.
        dataset: folder with ``images/`` and ``labels/`` of prepared NIfTI files of equal names; none: synthetic heads.
        training_cases, validation_cases, test_cases: how many; of a data set in the order of their names.
        spacing_mm: of synthetic heads and of their grid; the paper's is 1.
        epochs: at most so many.
        lr: of Adam.
        dropout: before the output convolution.
        augment: make the augmented copies of each training and validation image.
        augmentation: of these copies.
        precision: of the network's arithmetic in training.
        seed: of cases, weights and order.
        max_minutes: end after these, whatever the epochs.
        max_steps: end with the epoch in which so many cases have been learnt from, so that runs with and without
            augmented copies learn equally long.

    Raises:
        ConfigError: a value is out of range; one fault a line.
    """

    network: NetworkName = "cerebellum_m2"
    structure: Structure = "cerebellum"
    dataset: Path | None = None
    training_cases: int = 18
    validation_cases: int = 6
    test_cases: int = 6
    spacing_mm: float = 1.0
    epochs: int = 200
    lr: float = 1e-3
    dropout: float = 0.2
    augment: bool = True
    augmentation: Augmentation = field(default_factory=Augmentation)
    precision: Literal["32", "bf16"] = "32"
    seed: int = 0
    max_minutes: float | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        counts = {name: getattr(self, name) for name in ("training_cases", "validation_cases", "test_cases", "epochs")}
        faults = [f"{name}: 1 or more is expected, found {value}" for name, value in counts.items() if value < 1]
        if self.network not in get_args(NetworkName):
            faults.append(f"network: one of {', '.join(get_args(NetworkName))} is expected, found {self.network!r}")
        if self.structure not in get_args(Structure):
            faults.append(f"structure: one of {', '.join(get_args(Structure))} is expected, found {self.structure!r}")
        if self.precision not in ("32", "bf16"):
            faults.append(f"precision: 32 or bf16 is expected, found {self.precision!r}")
        if not self.lr > 0:
            faults.append(f"lr: above 0, found {self.lr}")
        if not 1 <= self.spacing_mm <= 4:
            faults.append(f"spacing_mm: 1 to 4 is expected, found {self.spacing_mm}")
        if self.max_steps is not None and self.max_steps < 1:
            faults.append(f"max_steps: 1 or more or null is expected, found {self.max_steps}")
        if self.max_minutes is not None and self.max_minutes <= 0:
            faults.append(f"max_minutes: above 0 or null, found {self.max_minutes}")
        if faults:
            raise ConfigError("\n".join(faults), code="cerebellum-settings")

"""How a network is trained. Every limit, unit and default is stated here; YAML and the command line only fill it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deepstroke.errors import ConfigError
from deepstroke.networks import check
from deepstroke.regions import REGIONS
from deepstroke_training.configuration import unknown_names

Schedule = Literal["constant", "cosine", "onecycle"]
Precision = Literal["auto", "32", "bf16", "fp16"]
StrategyName = Literal["auto", "single", "ddp", "fsdp"]
Accelerator = Literal["auto", "cpu", "gpu"]


#: What a validation measures.
MEASURES = (
    "val/loss",
    "val/dice_mean",
    "val/dice_mean_with_background",
    *(f"val/dice_{region.abbreviation}" for region in REGIONS),
    "val/dice_background",
)


def raise_faults(faults: list[str]) -> None:
    """Raise what was found wrong, one fault a line.

    Raises:
        ConfigError: there is a fault.
    """
    if faults:
        raise ConfigError("\n".join(faults), code="settings")


def below(settings: Any, least: float, *names: str, strictly: bool = False) -> list[str]:
    """A fault for each named setting that is given and lies below ``least`` (or on it, if ``strictly``)."""
    values = {name: getattr(settings, name) for name in names}
    expected = f"above {least:g}" if strictly else f"{least:g} or more"
    return [
        f"{name}: expected {expected}, found {value:g}"
        for name, value in values.items()
        if value is not None and (value < least or (strictly and value == least))
    ]


def outside(settings: Any, low: float, high: float, *names: str) -> list[str]:
    """A fault for each named setting that doesn't lie in ``low <= value < high``."""
    values = {name: getattr(settings, name) for name in names}
    return [
        f"{name}: expected {low:g} or more and below {high:g}, found {value:g}"
        for name, value in values.items()
        if not low <= value < high
    ]


@dataclass(frozen=True)
class NetworkSettings:
    """Which network, and its own settings.

    Attributes:
        name: as ``deepstroke.networks.available()`` lists them.
        settings: of that network; ``deepstroke.networks.settings_of(name)`` lists them.
    """

    name: str = "unet3d"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self.name, self.settings)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> NetworkSettings:
        """From ``{"name": "unet3d", "depth": 5}``: the name and the network's own settings side by side."""
        settings = {str(key): tuple(v) if isinstance(v, list) else v for key, v in mapping.items() if key != "name"}
        name = mapping.get("name", "unet3d")
        if not isinstance(name, str):
            raise ConfigError(f"name: expected text, found {name!r}", code="settings")
        return cls(name, settings)

    def as_mapping(self) -> dict[str, Any]:
        """What ``from_mapping`` takes."""
        return {
            "name": self.name,
            **{key: list(v) if isinstance(v, tuple) else v for key, v in self.settings.items()},
        }


@dataclass(frozen=True)
class OptimizerSettings:
    """The optimizer and its learning rate.

    Attributes:
        name: ``"adamw"`` or ``"adam"``.
        lr: highest learning rate.
        weight_decay: decoupled for AdamW.
        schedule: ``"constant"``; ``"cosine"`` falls to ``final`` at the run's end; ``"onecycle"`` rises over the first
            30 % from a 25th, then falls.
        warmup_steps: steps over which the rate rises linearly from 0 (not for onecycle, which has its own rise).
        final: learning rate at the end, as a fraction of ``lr``.
        clip: greatest norm of the gradient; null: not clipped.
    """

    name: Literal["adamw", "adam"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: Schedule = "constant"
    warmup_steps: int = 0
    final: float = 0.01
    clip: float | None = None

    def __post_init__(self) -> None:
        faults = below(self, 0, "lr", "clip", strictly=True) + below(self, 0, "weight_decay", "warmup_steps")
        raise_faults(faults + outside(self, 0, 1, "final"))


@dataclass(frozen=True)
class EarlyStoppingSettings:
    """When a run that no longer gains is ended.

    Attributes:
        monitor: a measure of the validation.
        patience: validations without gain before the run ends.
        mode: whether more or less is better.
        least_gain: what counts as gain.
    """

    monitor: str = "val/dice_mean"
    patience: int = 10
    mode: Literal["max", "min"] = "max"
    least_gain: float = 0.0

    def __post_init__(self) -> None:
        faults = [f"monitor: {fault}" for fault in unknown_names([self.monitor], MEASURES, "measure")]
        raise_faults(faults + below(self, 1, "patience") + below(self, 0, "least_gain"))


@dataclass(frozen=True)
class EmaSettings:
    """An exponential moving average of the weights, used for validation and export.

    Attributes:
        decay: of one step; smaller in the first steps: ``min(decay, (1 + step) / (10 + step))``.
    """

    decay: float = 0.999

    def __post_init__(self) -> None:
        raise_faults(outside(self, 0, 1, "decay"))


@dataclass(frozen=True)
class CheckpointSettings:
    """How often a run is saved; what is lost when it is killed lies between two checkpoints.

    Attributes:
        epochs: after every so many epochs; null: never for that reason.
        minutes: after every so many minutes; null: never for that reason.
        steps: after every so many optimizer steps; null: never for that reason.
    """

    epochs: int | None = 1
    minutes: float | None = 30.0
    steps: int | None = None

    def __post_init__(self) -> None:
        raise_faults(below(self, 1, "epochs", "steps") + below(self, 0, "minutes", strictly=True))


@dataclass(frozen=True)
class WindowSettings:
    """Validation of volumes larger than the window, piece by piece.

    Attributes:
        roi: voxels of the window; null: every volume is taken whole.
        overlap: of neighbouring windows, as a fraction.
        batch: windows at a time.
    """

    roi: tuple[int, int, int] | None = None
    overlap: float = 0.5
    batch: int = 1

    def __post_init__(self) -> None:
        faults = outside(self, 0, 1, "overlap") + below(self, 1, "batch")
        if self.roi is not None and min(self.roi) < 1:
            faults.append(f"roi: expected sizes of 1 or more, found {list(self.roi)}")
        raise_faults(faults)


@dataclass(frozen=True)
class TrainerSettings:
    """How long, where and how exactly a network is trained.

    Attributes:
        max_epochs, max_steps, max_minutes: the run ends at the first that is reached; null: no such limit. Steps are
            the optimizer's; minutes count over resumed runs together.
        accumulate: batches whose gradients are added up before a step.
        precision: of the arithmetic in the network; weights stay in 32 bits. ``"auto"``: 32 on a CPU, on a GPU bf16
            where it has it, else fp16.
        strategy: ``"ddp"`` keeps a copy of the network in each process, ``"fsdp"`` a share of it.
        devices: processes on this machine, a GPU each where there are any.
        num_nodes: machines.
        accelerator: ``"auto"`` takes GPUs where there are any.
        deterministic: the same settings give the same bits (slower on a GPU).
        compile: compile the network with ``torch.compile``.
        channels_last: lay channels innermost in memory (faster for 16 bits on a CPU and on GPUs).
        early_stopping: null: never.
        ema: null: none.
        checkpoint: how often the run is saved.
        window: of the validation.
        validate_every: epochs between validations.
        overlays_every: epochs between pictures of examples; 0: none.
        overlay_cases: how many cases are drawn.
        log_every: optimizer steps between lines of the log.
        most_nonfinite: so many steps in a row without a finite gradient end the run.
    """

    max_epochs: int | None = 300
    max_steps: int | None = None
    max_minutes: float | None = None
    accumulate: int = 1
    precision: Precision = "auto"
    strategy: StrategyName = "auto"
    devices: int | Literal["auto"] = "auto"
    num_nodes: int = 1
    accelerator: Accelerator = "auto"
    deterministic: bool = False
    compile: bool = False
    channels_last: bool = False
    early_stopping: EarlyStoppingSettings | None = field(default_factory=EarlyStoppingSettings)
    ema: EmaSettings | None = None
    checkpoint: CheckpointSettings = field(default_factory=CheckpointSettings)
    window: WindowSettings = field(default_factory=WindowSettings)
    validate_every: int = 1
    overlays_every: int = 10
    overlay_cases: int = 2
    log_every: int = 10
    most_nonfinite: int = 5

    def __post_init__(self) -> None:
        counts = ("max_epochs", "max_steps", "accumulate", "num_nodes", "validate_every", "log_every", "most_nonfinite")
        faults = below(self, 1, *counts) + below(self, 0, "overlays_every", "overlay_cases")
        faults += below(self, 0, "max_minutes", strictly=True)
        if self.devices != "auto":
            faults += below(self, 1, "devices")
        if self.max_epochs is None and self.max_steps is None and self.max_minutes is None:
            faults.append(
                "max_epochs: one of max_epochs, max_steps and max_minutes must be given, or the run never ends"
            )
        if self.strategy == "single" and (self.num_nodes > 1 or self.devices not in ("auto", 1)):
            faults.append(
                f"strategy: single is one process, found devices {self.devices} and num_nodes {self.num_nodes}; "
                "use ddp or fsdp"
            )
        if self.accelerator == "cpu" and self.precision == "fp16":
            faults.append("precision: fp16 needs a GPU; use bf16 or 32 on a CPU")
        raise_faults(faults)


@dataclass(frozen=True)
class CoordinateSettings:
    """Learning where each voxel lies in the template, on three more output channels; ``data.coordinates`` switches it.

    Attributes:
        weight: of the coordinate loss (mean distance along an axis in units of 50 mm).
    """

    weight: float = 1.0

    def __post_init__(self) -> None:
        raise_faults(below(self, 0, "weight", strictly=True))


@dataclass(frozen=True)
class OutputSettings:
    """Where runs lie.

    Attributes:
        folder: holds a folder for each run, named as the run.
        reserve_mb: space that must stay free there.
    """

    folder: Path = Path("runs")
    reserve_mb: float = 500.0

    def __post_init__(self) -> None:
        raise_faults(below(self, 0, "reserve_mb"))

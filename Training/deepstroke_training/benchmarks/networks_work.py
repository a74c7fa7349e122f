"""What networks are compared on: the same synthetic heads, loss, optimizer and budget for each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deepstroke.errors import ConfigError
from deepstroke.networks import build, check
from deepstroke.progress import Progress, silent
from deepstroke.regions import REGIONS
from deepstroke_training.losses import LossSettings, build_loss

Device = Literal["cpu", "cuda"]
CASE_FILE = "case{:04d}.npz"


@dataclass(frozen=True)
class NetworkChoice:
    """One contender.

    Attributes:
        name: as ``deepstroke.networks.build`` knows it.
        settings: of the network.
        lr: of AdamW; none: that of the work, for a transformer and a U-Net seldom learn best at the same rate.

    Raises:
        ConfigError: the network can't be built so; one fault a line.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    lr: float | None = None

    def __post_init__(self) -> None:
        check(self.name, self.settings)
        if self.lr is not None and not self.lr > 0:
            raise ConfigError(f"lr: above 0 or null is expected, found {self.lr}", code="benchmark-settings")


@dataclass(frozen=True)
class NetworksWork:
    """The comparison; defaults take about ten minutes of one core.

    Attributes:
        networks: those compared; the first is what the others are paired with.
        loss: of all.
        spacing_mm, shape: of the stripped heads; SwinUNETR needs sizes that 32 divides.
        training_cases, held_out_cases: how many, of different heads.
        steps: of training, over which the rate rises and falls (one cycle).
        seconds: end after so many seconds of processor time (of the clock on a GPU), whatever the steps; the cycle then
            follows whichever is nearer its end.
        batch: heads of a step.
        lr, weight_decay: of AdamW; gradients are cut at the norm of 1.
        precision: of the networks' arithmetic in training.
        device: ``"cpu"`` or ``"cuda"``.
        seed: of heads, weights and order.

    Raises:
        ConfigError: a value is out of range; one fault a line.
    """

    networks: tuple[NetworkChoice, ...] = (
        NetworkChoice("unet3d", {"depth": 4, "base_channels": 16, "se": False, "full_resolution_stage": True}),
        NetworkChoice("dynunet", {"depth": 4, "base_channels": 16}),
        NetworkChoice("swin_unetr", {"feature_size": 12}),
    )
    loss: LossSettings = field(default_factory=lambda: LossSettings(dice_activation="softmax", lambda_ce=1.0))
    spacing_mm: float = 4.5
    shape: tuple[int, int, int] = (32, 64, 32)
    training_cases: int = 60
    held_out_cases: int = 24
    steps: int = 200
    seconds: float | None = None
    batch: int = 1
    lr: float = 2e-3
    weight_decay: float = 1e-5
    precision: Literal["32", "bf16"] = "32"
    device: Device = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"training_cases": 1, "held_out_cases": 2, "steps": 1, "batch": 1}
        faults = [
            f"{name}: {minimum} or more is expected, found {getattr(self, name)}"
            for name, minimum in least.items()
            if getattr(self, name) < minimum
        ]
        if len(self.networks) < 2:
            faults.append(f"networks: two or more are expected, found {len(self.networks)}")
        if len(self.shape) != 3 or min(self.shape) < 16:
            faults.append(f"shape: three sizes of 16 or more are expected, found {self.shape}")
        if not (self.lr > 0 and self.weight_decay >= 0 and (self.seconds is None or self.seconds > 0)):
            faults.append("lr, seconds: above 0, and weight_decay: 0 or more are expected")
        if self.precision not in ("32", "bf16"):
            faults.append(f"precision: 32 or bf16 is expected, found {self.precision!r}")
        if self.device not in get_args(Device):
            faults.append(f"device: cpu or cuda is expected, found {self.device!r}")
        if faults:
            raise ConfigError("\n".join(faults), code="benchmark-settings")

    def network(self, number: int) -> nn.Module:
        """A contender with weights of the seed."""
        choice = self.networks[number]
        torch.manual_seed(self.seed)
        return build(choice.name, **choice.settings)

    def loss_function(self) -> nn.Module:
        """Logits (B, 11, i, j, k) and labels (B, 1, i, j, k) to a scalar."""
        return build_loss(self.loss)


@dataclass(frozen=True)
class HeadFacts:
    """What was drawn for a held-out head.

    Attributes:
        thickness_mm: of the slices.
        tilt_deg: of the gantry.
        lesion: acute infarct, other lesion or none.
    """

    thickness_mm: float
    tilt_deg: float
    lesion: Literal["acute", "other", "none"]


@dataclass(frozen=True, eq=False)
class HeadCase:
    """A case as it lies on the disk.

    Attributes:
        image: (i, j, k) 0..1, the window 0..80 HU within the brain.
        labels: (i, j, k) 0..10, without sides.
        facts: of the head.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    facts: HeadFacts


def make_cases(work: NetworksWork, folder: Path, progress: Progress = silent) -> None:
    """Write the training cases and then the held-out ones."""
    from deepstroke_training.asymmetry.cases import shown
    from deepstroke_training.synthesis.training_source import TrainingSource

    count = work.training_cases + work.held_out_cases
    source = TrainingSource(count, work.seed, work.spacing_mm, work.shape)
    for number in range(count):
        sample = source[number]
        regions = sample.regions.numpy()
        np.savez(
            folder / CASE_FILE.format(number),
            image=shown(sample.image[0].numpy(), sample.brain.numpy()),
            labels=np.where(regions > 0, (regions - 1) % len(REGIONS) + 1, 0).astype(np.uint8),
            facts=_facts(sample.seed, sample.lesions.numpy()),
        )
        progress((number + 1) / count, f"head {number + 1} of {count}")


def read_case(folder: Path, number: int) -> HeadCase:
    """A case that ``make_cases`` wrote."""
    with np.load(folder / CASE_FILE.format(number)) as stored:
        thickness, tilt, acute, other = stored["facts"].tolist()
        lesion: Literal["acute", "other", "none"] = "acute" if acute else "other" if other else "none"
        return HeadCase(stored["image"], stored["labels"], HeadFacts(thickness, tilt, lesion))


def _facts(seed: int, lesions: NDArray) -> list[float]:
    from deepstroke_training.synthesis.pathology import LesionLabel
    from deepstroke_training.synthesis.sampling import draw_settings

    scan = draw_settings(seed).acquisition
    acute = lesions == LesionLabel.ACUTE_INFARCT
    return [scan.thickness_mm, scan.tilt_degrees, float(acute.any()), float((lesions > 0)[~acute].any())]

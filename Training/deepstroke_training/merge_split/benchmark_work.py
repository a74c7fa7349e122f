"""What the benchmark of label merge-and-split trains: the same cases, network and policy, merged or not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke.labels import MergePlan
from deepstroke.networks import build
from deepstroke_training.losses import LossSettings, build_loss
from deepstroke_training.merge_split.parcellation import WarpedParcellation

Phase = Literal["train", "infer", "slide"]
#: A brain with its surroundings fits this cube, in mm.
_FIELD_MM = 176.0
PLAN_FILE, CASES_FILE = "plan.npz", "case{:03d}.npz"
SLIDE_PLAN_FILE, SLIDE_CASE_FILE = "slide-plan.npz", "slide-case.npz"


@dataclass(frozen=True)
class MergeWork:
    """One contender and its work; the policy is the paper's.

    Attributes:
        merged: whether labels are merged.
        labels: of the parcellation, background included.
        size: voxels along each axis.
        batch: volumes of a training step.
        base_channels, depth: of the DynUNet; the paper's are 32 and 5.
        training_cases, held_out_cases: how many.
        steps: of the training, over which the learning rate falls.
        device: ``"cpu"`` or ``"cuda"``.
        chunked: compute the loss by chunks, which the paper doesn't.
        slide_size: voxels along each axis of a finer volume through which a window of ``size`` slides, as the paper
            does it, when memory and time of inference are measured; 0: they are those of whole volumes of ``size``.
        seed: of weights and of the cases' order.

    Raises:
        ConfigError: a value is out of range; one fault a line.
    """

    merged: bool = False
    labels: int = 108
    size: int = 64
    batch: int = 2
    base_channels: int = 32
    depth: int = 5
    training_cases: int = 6
    held_out_cases: int = 4
    steps: int = 8
    device: Literal["cpu", "cuda"] = "cpu"
    chunked: bool = False
    slide_size: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"labels": 2, "batch": 1, "base_channels": 1, "depth": 2, "training_cases": 1, "held_out_cases": 2}
        least["steps"] = 1
        faults = [
            f"{name}: {minimum} or more is expected, found {getattr(self, name)}"
            for name, minimum in least.items()
            if getattr(self, name) < minimum
        ]
        if self.depth > 0 and (self.size < 1 or self.size % (1 << self.depth)):
            faults.append(f"size: a multiple of {1 << self.depth} is expected, found {self.size}")
        if self.slide_size and self.slide_size < self.size:
            faults.append(f"slide_size: 0, or {self.size} and more is expected, found {self.slide_size}")
        if self.device not in get_args(Literal["cpu", "cuda"]):
            faults.append(f"device: cpu or cuda is expected, found {self.device!r}")
        if faults:
            raise ConfigError("\n".join(faults), code="benchmark-settings")

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return "merged" if self.merged else "unmerged"

    @property
    def anatomy(self) -> WarpedParcellation:
        """What cases are drawn from."""
        return self.anatomy_in(self.size)

    def anatomy_in(self, size: int) -> WarpedParcellation:
        """The same anatomy in a cube of so many voxels along each axis."""
        return WarpedParcellation((size,) * 3, _FIELD_MM / size, self.labels, seed=self.seed)

    def network(self, channels: int) -> nn.Module:
        """The DynUNet with as many outputs, its weights the same for the same seed but for the outputs."""
        torch.manual_seed(self.seed)
        settings: dict[str, Any] = {"base_channels": self.base_channels, "depth": self.depth}
        return build("dynunet", out_channels=channels, deep_supervision=True, affine=False, **settings)

    def loss(self) -> nn.Module:
        """Cross-entropy plus Dice of a softmax, at all scales of deep supervision."""
        return build_loss(LossSettings(dice_activation="softmax", lambda_ce=1.0, chunked=self.chunked))


@dataclass(frozen=True, eq=False)
class BenchmarkCase:
    """A case as it lies on the disk.

    Attributes:
        image: (i, j, k).
        labels: (i, j, k), original ones.
    """

    image: NDArray[np.float32]
    labels: NDArray[np.uint16]

    def image_batch(self, device: str) -> Tensor:
        """(1, 1, i, j, k)."""
        return torch.from_numpy(self.image)[None, None].to(device)


def make_cases(work: MergeWork, folder: Path) -> MergePlan:
    """Write all cases and the plan that the training ones give."""
    maps = []
    for number in range(work.training_cases + work.held_out_cases):
        image, labels = work.anatomy.case(number)
        np.savez(folder / CASES_FILE.format(number), image=image, labels=labels)
        if number < work.training_cases:
            maps.append(labels)
    plan = MergePlan.fit(maps, work.anatomy.spacing_mm, labels=range(1, work.labels))
    plan.save(folder / PLAN_FILE)
    return plan


def make_slide_case(work: MergeWork, folder: Path) -> MergePlan:
    """Write a case through which windows slide, and the plan that it gives."""
    anatomy = work.anatomy_in(work.slide_size)
    image, labels = anatomy.case(0)
    np.savez(folder / SLIDE_CASE_FILE, image=image, labels=labels)
    plan = MergePlan.fit([labels], anatomy.spacing_mm, labels=range(1, work.labels))
    plan.save(folder / SLIDE_PLAN_FILE)
    return plan


def read_case(folder: Path, number: int) -> BenchmarkCase:
    """A case that ``make_cases`` wrote."""
    return read_case_file(folder / CASES_FILE.format(number))


def read_case_file(path: Path) -> BenchmarkCase:
    """A case of any name."""
    with np.load(path) as stored:
        return BenchmarkCase(stored["image"], stored["labels"])

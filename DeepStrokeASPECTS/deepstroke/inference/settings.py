"""How a network is applied, and from which figures on its answer is doubted or refused."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal, get_args

from deepstroke.errors import ConfigError

#: What computes: ``auto`` is OpenVINO on a processor, where it is installed and pays, and PyTorch elsewhere.
BackendName = Literal["auto", "torch", "openvino"]
#: Numbers it computes in: ``auto`` is 32 bits on a processor and 16 on a GPU.
Precision = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class GuardLimits:
    """Where a figure stops being acceptable: ``most_``/``least_`` refuse, ``doubtful_`` warn.

    Attributes:
        doubtful_residual, most_residual: median distance of the predicted template coordinates from the affine that
            fits them best, as a multiple of what the weights' manifest calls usual.
        doubtful_scale, most_scale: how much larger or smaller than the template the head may be, as a volume ratio.
        doubtful_confidence: mean probability of a region's voxels.
        least_confidence: mean probability of all regions' voxels.
        doubtful_volume: a region's volume against the atlas's, brought to the size of the head, as a ratio either way.
        doubtful_side_ratio: the larger side's volume of a region against the smaller's.
        doubtful_loose_share: share of a region that lay in pieces apart from it.
        most_missing: regions of the twenty that may be missing.

    Raises:
        ConfigError: a value is out of its range; all are named.
    """

    doubtful_residual: float = 2.0
    most_residual: float = 4.0
    doubtful_scale: float = 1.8
    most_scale: float = 3.0
    doubtful_confidence: float = 0.6
    least_confidence: float = 0.35
    doubtful_volume: float = 2.5
    doubtful_side_ratio: float = 1.5
    doubtful_loose_share: float = 0.15
    most_missing: int = 6

    def __post_init__(self) -> None:
        faults = [f"{f.name} above 0, found {getattr(self, f.name)}" for f in fields(self) if getattr(self, f.name) < 0]
        ratios = ("doubtful_scale", "most_scale", "doubtful_volume", "doubtful_side_ratio")
        faults += [f"{name} of 1 or more, found {getattr(self, name)}" for name in ratios if getattr(self, name) < 1]
        if faults:
            raise ConfigError("inference limits: expected " + "; ".join(faults), code="inference-settings")


@dataclass(frozen=True)
class InferenceSettings:
    """How a network is applied.

    Attributes:
        backend: what computes.
        precision: the numbers it computes in.
        flips: whether the mirrored head is segmented too and both answers are averaged, so that a mirrored scan gets
            mirrored regions.
        second_pass_degrees, second_pass_mm: a head that is turned or displaced by more is brought upright by the pose
            that the network found, and segmented again.
        least_agreement: Dice of a region between the two routes below which they part.
        limits: from which figures on the answer is doubted or refused.

    Raises:
        ConfigError: a value isn't one of those allowed; all are named.
    """

    backend: BackendName = "auto"
    precision: Precision = "auto"
    flips: bool = True
    second_pass_degrees: float = 5.0
    second_pass_mm: float = 10.0
    least_agreement: float = 0.6
    limits: GuardLimits = field(default_factory=GuardLimits)

    def __post_init__(self) -> None:
        faults = []
        for name, known in (("backend", get_args(BackendName)), ("precision", get_args(Precision))):
            if getattr(self, name) not in known:
                faults.append(f"{name} of {', '.join(known)}, found {getattr(self, name)!r}")
        if min(self.second_pass_degrees, self.second_pass_mm) < 0:
            faults.append(f"degrees and mm of 0 or more, found {self.second_pass_degrees} and {self.second_pass_mm}")
        if not 0 <= self.least_agreement <= 1:
            faults.append(f"least_agreement in 0..1, found {self.least_agreement}")
        if faults:
            raise ConfigError("inference settings: expected " + "; ".join(faults), code="inference-settings")

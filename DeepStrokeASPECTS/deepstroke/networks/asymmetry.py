"""The Asymmetry Disentanglement Network: which asymmetry of a head is a lesion's, and which is its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke.networks.alignment import AlignmentNetwork, InPlanePose, mirrored
from deepstroke.networks.group_norm_unets import ResidualUNet3D

#: The paper's settings, or those of the configuration that its authors published.
AsymmetryPreset = Literal["paper", "reference"]


@dataclass(frozen=True)
class _PresetFacts:
    rotation_deg: float
    translation: tuple[float, float]
    rectified: bool


_PRESETS: dict[AsymmetryPreset, _PresetFacts] = {
    "paper": _PresetFacts(60.0, (0.5, 0.5), rectified=False),
    "reference": _PresetFacts(40.0, (0.25, 0.0), rectified=True),
}


@dataclass(frozen=True, eq=False)
class AsymmetryMaps:
    """What the network finds, all (B, 1, i, j, k) on the aligned grid but ``segmentation``.

    Attributes:
        pose: of the heads.
        aligned: X, the image with its mid-sagittal plane in the middle, 0..1.
        total: A, how much darker X is than its mirror image, 0 and more.
        pathological: P, of it what a lesion does, 0..1.
        intrinsic: Q, of it what anatomy does.
        salient: X + Q, where only pathological asymmetry is left.
        compensated: X + P, where only intrinsic asymmetry is left.
        logits: of the lesion.
        segmentation: probability 0..1 of the lesion on the input's grid.
    """

    pose: InPlanePose
    aligned: Tensor
    total: Tensor
    pathological: Tensor
    intrinsic: Tensor
    salient: Tensor
    compensated: Tensor
    logits: Tensor
    segmentation: Tensor


class AsymmetryDisentanglementNetwork(nn.Module):
    """ADN (Ni et al., MICCAI 2022): alignment T, asymmetry extraction D and segmentation F; 24,997,644 parameters.

    Args:
        preset: limits of the alignment, and whether Q may be negative; see ``intrinsic_asymmetry``.
        base_channels: of D and F.

    Raises:
        ConfigError: a setting is out of range.

    Example:
        >>> maps = AsymmetryDisentanglementNetwork(base_channels=8).disentangle(torch.rand(1, 1, 32, 32, 16))
        >>> maps.segmentation.shape
        torch.Size([1, 1, 32, 32, 16])
    """

    def __init__(self, preset: AsymmetryPreset = "paper", base_channels: int = 32) -> None:
        super().__init__()
        if preset not in get_args(AsymmetryPreset):
            known = ", ".join(get_args(AsymmetryPreset))
            raise ConfigError(f"preset: one of {known} is expected, found {preset!r}", code="network-settings")
        facts = _PRESETS[preset]
        self.preset: AsymmetryPreset = preset
        self.rectified = facts.rectified
        self.alignment = AlignmentNetwork(1, facts.rotation_deg, facts.translation)
        self.extraction = ResidualUNet3D(base_channels=base_channels)
        self.segmentation = ResidualUNet3D(base_channels=base_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Skull-stripped CT (B, 1, i, j, k), 0..1, i being left-right, to the lesion's probability on the same grid."""
        return self.disentangle(x).segmentation

    def disentangle(self, x: Tensor) -> AsymmetryMaps:
        """All maps of (B, 1, i, j, k), for training and for pictures."""
        return self.disentangle_posed(x, self.alignment.pose(x))

    def disentangle_posed(self, x: Tensor, pose: InPlanePose) -> AsymmetryMaps:
        """The same with a pose that is known."""
        aligned = pose.align(x)
        total = total_asymmetry(aligned)
        pathological = self.extraction(aligned).float()
        intrinsic = intrinsic_asymmetry(total, pathological, self.rectified)
        salient = aligned + intrinsic
        logits = self.segmentation.logits(salient).float()
        return AsymmetryMaps(
            pose=pose,
            aligned=aligned,
            total=total,
            pathological=pathological,
            intrinsic=intrinsic,
            salient=salient,
            compensated=aligned + pathological,
            logits=logits,
            segmentation=pose.restore(logits.sigmoid()),
        )


def total_asymmetry(aligned: Tensor, mirror_image: Tensor | None = None) -> Tensor:
    """How much darker each voxel is than its mirror image (eq. 2), 0 and more.

    Args:
        aligned: (B, C, i, j, k), the mid-sagittal plane in the middle of i.
        mirror_image: the flipped volume; made where it isn't given.
    """
    other = mirrored(aligned) if mirror_image is None else mirror_image
    return torch.clamp(other - aligned, min=0)


def intrinsic_asymmetry(total: Tensor, pathological: Tensor, rectified: bool) -> Tensor:
    """Q = A - P as in the paper; where it is rectified what lies below 0 becomes 0, as in the reference."""
    rest = total - pathological
    return rest.relu() if rectified else rest

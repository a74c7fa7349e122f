"""The losses of T, D and F, in both presets (Ni et al., eq. 1 and 4-6)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from deepstroke.networks import AsymmetryMaps, InPlanePose, mirrored
from deepstroke.networks.asymmetry import AsymmetryPreset

_TINY = 1e-6
#: About how far a head reaches from its middle, a share of the volume's width.
_LEVER = 0.3
#: What a shift along the mid-sagittal plane, which changes nothing, counts beside one across it.
_ALONG = 0.1


@dataclass(frozen=True, eq=False)
class TissueMaps:
    """Tissue on the aligned grid, each (B, 1, i, j, k) of 0 and 1, lesions left out; needed in training alone.

    Attributes:
        grey, white, csf: the classes.
    """

    grey: Tensor
    white: Tensor
    csf: Tensor

    def excluded(self, symmetric: bool = False) -> Tensor:
        """Where asymmetry can't be pathological: CSF, and white matter whose mirror image is grey (and the reverse)."""
        across = mirrored(self.grey) * self.white
        if symmetric:
            across = across + self.grey * mirrored(self.white)
        return across + self.csf


def alignment_loss(image: Tensor, pose: InPlanePose, reconstruct: bool = True) -> Tensor:
    """How far the aligned image is from its mirror image (eq. 1), a mean.

    Args:
        image: (B, 1, i, j, k).
        pose: what the network found.
        reconstruct: add the mean difference of the image from the mirror image brought back, without which moving the
            head out of the volume is best.
    """
    aligned = pose.align(image)
    loss = (aligned - mirrored(aligned)).abs().mean()
    return loss + (image - pose.restore(mirrored(aligned))).abs().mean() if reconstruct else loss


def pose_loss(found: InPlanePose, wanted: InPlanePose, width: int) -> Tensor:
    """How far mid-sagittal planes are apart in two poses, in voxels, a mean.

    Args:
        found, wanted: poses of the same cases; how far ``found`` moves along the wanted plane counts a tenth.
        width: of the volume in voxels; the angle counts by what it does at ``_LEVER`` of it from the centre.
    """
    normal = wanted.aligned_to_input[:, :2, 0]
    moved = found.translation - wanted.of_least_shift().translation
    across = (normal * moved).sum(1).abs()
    along = (normal.flip(1) * moved * torch.tensor([-1.0, 1.0], device=moved.device)).sum(1).abs()
    turned = (found.angle_rad - wanted.angle_rad).abs()
    return (_LEVER * width * turned + across + _ALONG * along).mean()


def tissue_loss(pathological: Tensor, tissue: TissueMaps, symmetric: bool = False) -> Tensor:
    """Mean of P where asymmetry can't be pathological."""
    return (pathological * tissue.excluded(symmetric)).abs().mean()


def size_loss(pathological: Tensor, total: Tensor, lesion: Tensor, preset: AsymmetryPreset) -> Tensor:
    """How far the mean of P is from the lesion's (paper), or from that of the asymmetry in it (reference)."""
    wanted = lesion.to(total.dtype) if preset == "paper" else total * lesion
    return (pathological.mean() - wanted.mean()).abs()


def asymmetry_loss(pathological: Tensor, total: Tensor, preset: AsymmetryPreset) -> Tensor:
    """Mean of P weighed by 1 - A (paper), or of P where A is 0 (reference)."""
    symmetric = 1 - total if preset == "paper" else (total == 0).to(total.dtype)
    return (pathological * symmetric).abs().mean()


def intrinsic_loss(pathological: Tensor, total: Tensor, preset: AsymmetryPreset) -> Tensor:
    """Less the larger the intrinsic asymmetry is: of its mean (paper), or of its part above 0 (reference)."""
    rest = total - pathological
    return -rest.mean().abs() if preset == "paper" else -rest.relu().mean()


def generalised_dice_loss(probability: Tensor, truth: Tensor) -> Tensor:
    """1 - the generalised Dice of lesion and background, classes weighed by 1 / volume^2 (Sudre et al. 2017)."""
    p = torch.stack((probability, 1 - probability)).flatten(1)
    g = torch.stack((truth, 1 - truth)).to(probability.dtype).flatten(1)
    weights = 1 / g.sum(1).clamp(min=1).square()
    return 1 - 2 * (weights * (p * g).sum(1)).sum() / (weights * (p + g).sum(1)).sum()


def segmentation_loss(probability: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy plus generalised Dice of probabilities 0..1."""
    probability = probability.float()
    return cross_entropy(probability, truth) + generalised_dice_loss(probability, truth)


def cross_entropy(probability: Tensor, truth: Tensor) -> Tensor:
    """Binary cross-entropy of probabilities, in 32 bits also where the networks have fewer."""
    with torch.autocast(probability.device.type, enabled=False):
        return functional.binary_cross_entropy(probability.float().clamp(_TINY, 1 - _TINY), truth.float())


@dataclass(frozen=True)
class AsymmetryLoss:
    """L_F + lambda L_D of D and F together (eq. 5 and 6).

    Attributes:
        preset: which of the two versions.
        regularisation: lambda.
        tissue_weight: of L_tissue within L_D; 0 is the ablation.
        symmetric_tissue: see ``TissueMaps.excluded``.
        warm_dice: add the generalised Dice to the paper's warm start, as the reference's has it.
    """

    preset: AsymmetryPreset = "paper"
    regularisation: float = 10.0
    tissue_weight: float = 1.0
    symmetric_tissue: bool = False
    warm_dice: bool = False

    def __call__(self, maps: AsymmetryMaps, lesion: Tensor, tissue: TissueMaps, warm: bool = False) -> Tensor:
        """The loss, a scalar.

        Args:
            maps: of the network.
            lesion: (B, 1, i, j, k) of 0 and 1 on the input's grid.
            tissue: on the aligned grid.
            warm: whether D learns from the lesion too: beside L_D (paper), or in its place (reference).
        """
        aligned_lesion = aligned_mask(lesion, maps.pose)
        if self.preset == "paper":
            of_lesion = segmentation_loss(maps.segmentation, lesion)
        else:
            of_lesion = segmentation_loss(maps.logits.sigmoid(), aligned_lesion)
        if warm and self.preset == "reference":
            return of_lesion + segmentation_loss(maps.pathological, aligned_lesion)
        loss = of_lesion + self.regularisation * self.of_extraction(maps, aligned_lesion, tissue)
        if warm:
            of_extraction = segmentation_loss if self.warm_dice else cross_entropy
            loss = loss + of_extraction(maps.pathological, aligned_lesion)
        return loss

    def of_extraction(self, maps: AsymmetryMaps, aligned_lesion: Tensor, tissue: TissueMaps) -> Tensor:
        """L_D (eq. 5)."""
        p, a = maps.pathological, maps.total
        return (
            self.tissue_weight * tissue_loss(p, tissue, self.symmetric_tissue)
            + size_loss(p, a, aligned_lesion, self.preset)
            + asymmetry_loss(p, a, self.preset)
            + intrinsic_loss(p, a, self.preset)
        )


def aligned_mask(mask: Tensor, pose: InPlanePose) -> Tensor:
    """A mask (B, 1, i, j, k) on the aligned grid: made 0 and 1, moved linearly, and cut at one half."""
    return (pose.align((mask > 0).float()) >= 0.5).float()

"""Dice plus cross-entropy computed part by part, so that no tensor of the logits' size is kept but the gradient.

Of a batch of 11-channel logits MONAI's loss makes a 32-bit copy, their sigmoid, the labels as one channel a class, the
logarithms of their softmax, and most of their gradients: each 0.69 GiB for 256^3 voxels. The value needs only sums over
the voxels for each case and class, and the gradient of a voxel only its own logits and these sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from deepstroke.errors import InputError
from deepstroke_training.losses.settings import LossSettings

#: As MONAI's DiceLoss adds to numerator and denominator.
SMOOTH = 1e-5


class ChunkedDiceCE(nn.Module):
    """The value and gradient of MONAI's DiceCELoss, by chunks.

    Logits may be of 16 bits, as under autocast: parts are computed in 32 bits and added in 64.

    Args:
        settings: of the loss.

    Example:
        >>> loss = ChunkedDiceCE(LossSettings())
        >>> labels = torch.arange(11).reshape(1, 1, 11, 1, 1)
        >>> round(loss(torch.zeros(1, 11, 11, 1, 1), labels).item(), 7)
        1.3257316
    """

    class_weights: Tensor | None

    def __init__(self, settings: LossSettings) -> None:
        super().__init__()
        self.settings = settings
        weights = settings.class_weights
        self.register_buffer("class_weights", None if weights is None else torch.tensor(weights), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar.

        Args:
            logits: (B, K, i, j, k).
            target: labels (B, 1, i, j, k), integers 0..K-1.

        Raises:
            ConfigError: the settings have another number of class weights than K.
            InputError: a label is not 0..K-1, or the shapes don't fit.
        """
        self.settings.require_classes(logits.shape[1])
        require_labels(logits, target)
        weights = self.class_weights
        if weights is None:
            weights = torch.ones(logits.shape[1])
        return _DiceCE.apply(logits, target, weights.to(logits.device, torch.float64), self.settings)


def require_labels(logits: Tensor, target: Tensor) -> None:
    """Refuse labels whose shape doesn't fit that of the logits, with an ``InputError``."""
    expected = (logits.shape[0], 1, *logits.shape[2:])
    if tuple(target.shape) != expected:
        raise InputError(f"labels of shape {expected} are expected, found {tuple(target.shape)}", code="labels")


@dataclass(frozen=True)
class _Sums:
    """Sums over the voxels, (B, K): of predictions, labels, predictions where the label is, and -log softmax there."""

    predicted: Tensor
    true: Tensor
    both: Tensor
    surprise: Tensor


class _DiceCE(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, weights: Tensor, settings: LossSettings) -> Tensor:
        sums = _sums(logits, target, settings)
        ctx.save_for_backward(logits, target, weights, sums.predicted, sums.true, sums.both)
        ctx.settings = settings
        dice = (_dice_weights(weights, logits, settings) * _dice_losses(sums)).sum()
        ce = (weights * sums.surprise).sum() / (weights * sums.true).sum()
        value = settings.lambda_dice * dice + settings.lambda_ce * ce
        return value.to(_compute_type(logits))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        logits, target, weights, predicted, true, both = ctx.saved_tensors
        settings: LossSettings = ctx.settings
        by_dice = settings.lambda_dice * upstream * _dice_weights(weights, logits, settings)
        denominator = predicted + true + SMOOTH
        of_both = -2 * by_dice / denominator
        of_predicted = by_dice * (2 * both + SMOOTH) / denominator**2
        of_surprise = settings.lambda_ce * upstream * weights / (weights * true).sum()
        derivatives = _Derivatives(*(each.to(_compute_type(logits)) for each in (of_both, of_predicted, of_surprise)))
        return _gradient(logits, target, derivatives, settings), None, None, None


@dataclass(frozen=True)
class _Derivatives:
    """Of the loss by three of the sums, (B, K) or (K,)."""

    of_both: Tensor
    of_predicted: Tensor
    of_surprise: Tensor


def _sums(logits: Tensor, target: Tensor, settings: LossSettings) -> _Sums:
    totals = torch.zeros((4, *logits.shape[:2]), dtype=torch.float64, device=logits.device)
    for part in _parts(logits, settings.chunk_voxels or _default_voxels(logits)):
        z, truth = _part(logits, target, part)
        log_softmax = z.log_softmax(dim=1)
        p = z.sigmoid() if settings.dice_activation == "sigmoid" else log_softmax.exp()
        addends = (p, truth, p * truth, -log_softmax * truth)
        totals += torch.stack([each.sum(dim=2).double() for each in addends])
    if totals[1].sum() != target.numel():
        top, found = logits.shape[1] - 1, sorted({int(target.min()), int(target.max())})
        raise InputError(f"labels are 0..{top} where logits have {top + 1} channels, found {found}", code="labels")
    return _Sums(*totals)


def _gradient(logits: Tensor, target: Tensor, by: _Derivatives, settings: LossSettings) -> Tensor:
    """From the derivatives by the sums those by the logits."""
    gradient = torch.empty_like(logits)
    for part in _parts(logits, settings.chunk_voxels or _default_voxels(logits)):
        z, truth = _part(logits, target, part)
        softmax = z.softmax(dim=1)
        p = z.sigmoid() if settings.dice_activation == "sigmoid" else softmax
        by_p = by.of_predicted[:, :, None] + by.of_both[:, :, None] * truth
        if settings.dice_activation == "sigmoid":
            by_dice = by_p * p * (1 - p)
        else:
            by_dice = p * (by_p - (by_p * p).sum(dim=1, keepdim=True))
        weight = (by.of_surprise[:, None] * truth).sum(dim=1, keepdim=True)
        by_z = by_dice + weight * (softmax - truth)
        gradient[part] = by_z.reshape(gradient[part].shape).to(gradient.dtype)
    return gradient


def _parts(logits: Tensor, chunk_voxels: int) -> Iterator[tuple[slice, ...]]:
    """Slabs along the first spatial axis, of all cases, of about so many voxels."""
    slices = max(1, chunk_voxels // max(1, logits[:, :1, :1].numel()))
    for start in range(0, logits.shape[2], slices):
        yield slice(None), slice(None), slice(start, start + slices)


def _default_voxels(logits: Tensor) -> int:
    return 1 << 16 if logits.device.type == "cpu" else 1 << 20


def _part(logits: Tensor, target: Tensor, part: tuple[slice, ...]) -> tuple[Tensor, Tensor]:
    """Logits and labels of one part, both (B, K, voxels), the labels as one channel of 0 and 1 for each class."""
    z = logits[part].flatten(2).to(_compute_type(logits))
    classes = torch.arange(logits.shape[1], device=logits.device)[:, None]
    return z, (target[part].flatten(2) == classes).to(z.dtype)


def _compute_type(logits: Tensor) -> torch.dtype:
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def _dice_losses(sums: _Sums) -> Tensor:
    return 1 - (2 * sums.both + SMOOTH) / (sums.predicted + sums.true + SMOOTH)


def _dice_weights(weights: Tensor, logits: Tensor, settings: LossSettings) -> Tensor:
    """What each class's Dice loss of each case, (B, K), counts in their mean."""
    counted = weights.clone()
    if not settings.include_background:
        counted[0] = 0
    return counted / (logits.shape[0] * (logits.shape[1] - (not settings.include_background)))

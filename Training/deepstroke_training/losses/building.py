"""The loss that settings describe."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke_training.losses.chunked import ChunkedDiceCE
from deepstroke_training.losses.deep_supervision import DeepSupervision
from deepstroke_training.losses.settings import LossSettings


def build_loss(settings: LossSettings | None = None) -> nn.Module:
    """A loss of logits (B, K, i, j, k), or a list of them finest first, and labels (B, 1, i, j, k) of integers.

    Raises:
        ConfigError: it is MONAI's and MONAI isn't installed.

    Example:
        >>> loss = build_loss(LossSettings(chunked=True))
    """
    settings = settings or LossSettings()
    return DeepSupervision(ChunkedDiceCE(settings) if settings.chunked else MonaiDiceCE(settings))


class MonaiDiceCE(nn.Module):
    """MONAI's DiceCELoss on logits of any precision.

    Args:
        settings: of the loss.

    Raises:
        ConfigError: MONAI isn't installed.
    """

    def __init__(self, settings: LossSettings) -> None:
        super().__init__()
        try:
            from monai.losses.dice import DiceCELoss
        except ImportError as error:
            raise ConfigError(
                "the loss is MONAI's, which isn't installed: pip install \"deepstroke[train]\", or set chunked",
                code="missing-dependency",
            ) from error
        self.settings = settings
        self.loss = DiceCELoss(
            sigmoid=settings.dice_activation == "sigmoid",
            softmax=settings.dice_activation == "softmax",
            to_onehot_y=True,
            include_background=settings.include_background,
            lambda_dice=settings.lambda_dice,
            lambda_ce=settings.lambda_ce,
            weight=None if settings.class_weights is None else torch.tensor(settings.class_weights),
        )

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar, of logits (B, K, i, j, k) and labels (B, 1, i, j, k)."""
        self.settings.require_classes(logits.shape[1])
        # In 16 bits the sums over a volume would overflow or lose all digits.
        wide = logits if logits.dtype == torch.float64 else logits.float()
        return self.loss(wide, target)

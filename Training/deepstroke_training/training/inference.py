"""Whole volumes through a network during validation."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from deepstroke_training.training.settings import WindowSettings


class VolumeInferer:
    """Applies a network to volumes of any size: whole, or window by window where they exceed the window.

    Args:
        network: takes (B, 1, i, j, k); put into evaluation mode.
        window: of large volumes.
        channels_last: whether channels lie innermost in memory.
    """

    def __init__(self, network: nn.Module, window: WindowSettings, channels_last: bool = False) -> None:
        self.network, self.window, self.channels_last = network.eval(), window, channels_last
        if channels_last:
            lay_out_weights(self.network)

    @torch.no_grad()
    def __call__(self, image: Tensor) -> Tensor:
        """(B, 1, i, j, k) to the network's output (B, K, i, j, k) in 32 bits.

        Windows that overlap are joined with weights that fall off towards their borders.
        """
        roi = self.window.roi
        if roi is None or all(size <= most for size, most in zip(image.shape[2:], roi, strict=True)):
            return self._whole(image)
        from monai.inferers.inferer import SlidingWindowInferer

        inferer = SlidingWindowInferer(roi, self.window.batch, self.window.overlap, mode="gaussian")
        return inferer(image, self._whole)  # type: ignore[return-value]

    def _whole(self, image: Tensor) -> Tensor:
        """Some networks take only sizes that a number divides: what is missing is added behind and cut off again."""
        divisor = getattr(self.network, "divisor", 1)
        missing = [-size % divisor for size in image.shape[2:]]
        padded = pad(image, [n for size in reversed(missing) for n in (0, size)], mode="replicate")
        i, j, k = image.shape[2:]
        return self.network(laid_out(padded, self.channels_last)).float()[..., :i, :j, :k]


def lay_out_weights(network: nn.Module) -> None:
    """Put channels innermost in memory."""
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def laid_out(image: Tensor, channels_last: bool) -> Tensor:
    """The same values with channels innermost in memory, where wanted."""
    return image.contiguous(memory_format=torch.channels_last_3d) if channels_last else image

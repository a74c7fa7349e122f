"""U-Nets with group norm before each convolution: residual ones with summed skips, and plain ones with put-beside ones.

The residual one (Lee et al. 2017, arXiv:1706.00120) is D and F of the Asymmetry Disentanglement Network; the plain one
(Çiçek et al. 2016, arXiv:1606.06650) is its baseline.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepstroke.errors import ConfigError

_GROUPS = 8


class ResidualUNet3D(nn.Module):
    """A residual 3D U-Net with summed skips; without arguments of 8,769,251 parameters.

    Args:
        in_channels, out_channels: of (B, C, i, j, k).
        base_channels: of the finest level; doubled at each of ``levels``.
        levels: how many; sizes are halved between them (odd ones rounded down) and come back exactly.
        sigmoid: give probabilities, not logits.

    Raises:
        ConfigError: a setting is out of range, one fault a line; or, when applied, the input is too small.

    Example:
        >>> ResidualUNet3D(base_channels=8)(torch.zeros(1, 1, 16, 16, 10)).shape
        torch.Size([1, 1, 16, 16, 10])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        base_channels: int = 32,
        levels: int = 4,
        sigmoid: bool = True,
    ) -> None:
        super().__init__()
        widths = _checked_widths(in_channels, out_channels, base_channels, levels)
        self.sigmoid = sigmoid
        inputs = (in_channels, *widths[:-1])
        self.encoder = nn.ModuleList(ResidualBlock(a, b) for a, b in zip(inputs, widths, strict=True))
        coarse = widths[:0:-1]
        self.up = nn.ModuleList(nn.Conv3d(width, width // 2, 3, padding=1) for width in coarse)
        self.decoder = nn.ModuleList(ResidualBlock(width // 2, width // 2) for width in coarse)
        self.final = nn.Conv3d(base_channels, out_channels, 1)

    def logits(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to logits (B, out_channels, i, j, k)."""
        skips = _encode(self.encoder, x)
        y = skips.pop()
        for up, block in zip(self.up, self.decoder, strict=True):
            skip = skips.pop()
            y = block(up(functional.interpolate(y, skip.shape[2:], mode="nearest")) + skip)
        return self.final(y)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to probabilities (B, out_channels, i, j, k), or logits without the sigmoid."""
        logits = self.logits(x)
        return logits.float().sigmoid() if self.sigmoid else logits  # bf16 has no number between 0.996 and 1


class DoubleConvUNet3D(nn.Module):
    """The plain 3D U-Net of two convolutions a level; without arguments of 4,081,267 parameters.

    Args, Raises: as ``ResidualUNet3D``.
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        base_channels: int = 32,
        levels: int = 4,
        sigmoid: bool = True,
    ) -> None:
        super().__init__()
        widths = _checked_widths(in_channels, out_channels, base_channels, levels)
        self.sigmoid = sigmoid
        inputs = (in_channels, *widths[:-1])
        self.encoder = nn.ModuleList(
            nn.Sequential(_conv(a, max(a, b // 2)), _conv(max(a, b // 2), b))
            for a, b in zip(inputs, widths, strict=True)
        )
        pairs = zip(widths[:0:-1], widths[-2::-1], strict=True)
        self.decoder = nn.ModuleList(nn.Sequential(_conv(a + b, b), _conv(b, b)) for a, b in pairs)
        self.final = nn.Conv3d(base_channels, out_channels, 1)

    def logits(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to logits (B, out_channels, i, j, k)."""
        skips = _encode(self.encoder, x)
        y = skips.pop()
        for block in self.decoder:
            skip = skips.pop()
            y = block(torch.cat((skip, functional.interpolate(y, skip.shape[2:], mode="nearest")), dim=1))
        return self.final(y)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to probabilities (B, out_channels, i, j, k), or logits without the sigmoid."""
        logits = self.logits(x)
        return logits.float().sigmoid() if self.sigmoid else logits  # bf16 has no number between 0.996 and 1


class ResidualBlock(nn.Module):
    """Three convolutions; the first one's output is added to the third's before its ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = _conv(in_channels, out_channels)
        self.second = _conv(out_channels, out_channels)
        self.third = _conv(out_channels, out_channels, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to (B, out_channels, i, j, k)."""
        residual = self.first(x)
        return functional.relu(self.third(self.second(residual)) + residual)


def _conv(in_channels: int, out_channels: int, relu: bool = True) -> nn.Sequential:
    """Group norm (one group below 8 channels), convolution without bias, ReLU."""
    groups = _GROUPS if in_channels >= _GROUPS else 1
    layers: list[nn.Module] = [
        nn.GroupNorm(groups, in_channels),
        nn.Conv3d(in_channels, out_channels, 3, padding=1, bias=False),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


def _encode(levels: Iterable[nn.Module], x: Tensor) -> list[Tensor]:
    """The output of each level, finest first."""
    found: list[Tensor] = []
    for level in levels:
        if found and min(found[-1].shape[2:]) < 2:
            raise ConfigError(
                f"the network halves its input more often than {tuple(x.shape[2:])} allows: pad it",
                code="network-input",
            )
        found.append(level(functional.max_pool3d(found[-1], 2) if found else x))
    return found


def _checked_widths(in_channels: int, out_channels: int, base_channels: int, levels: int) -> tuple[int, ...]:
    given = {"in_channels": in_channels, "out_channels": out_channels, "levels": levels}
    faults = [f"{name}: 1 or more is expected, found {value}" for name, value in given.items() if value < 1]
    if base_channels < 1 or base_channels % _GROUPS:
        faults.append(f"base_channels: a multiple of {_GROUPS} is expected, found {base_channels}")
    if faults:
        raise ConfigError("\n".join(faults), code="network-settings")
    return tuple(base_channels << level for level in range(levels))

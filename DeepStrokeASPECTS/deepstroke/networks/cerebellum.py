"""Two small networks for the cerebellum and the brainstem on T1 MRI (Cabeza-Ruiz et al. 2021), M1 and M2."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepstroke.errors import ConfigError

#: Where dropout stands: before the output convolution, or after it as the paper's text has it.
DropoutPlace = Literal["before", "after"]


class CerebellumM1(nn.Module):
    """The paper's first network, a U-Net of dilated convolutions with 372,521 parameters.

    Three halvings, two skips; a ReLU follows every convolution of 3 x 3 x 3 but the last, none the transposed ones.

    Args:
        in_channels, out_channels: of (B, C, i, j, k); the paper trains one network a structure.
        dropout: probability that a value is zeroed.
        dropout_place: ``"before"`` the output convolution, or ``"after"`` it.
        sigmoid: give probabilities, as published, not logits.

    Raises:
        ConfigError: a setting is out of range; or, when applied, 8 doesn't divide a size.

    Example:
        >>> CerebellumM1()(torch.zeros(1, 1, 16, 16, 8)).shape
        torch.Size([1, 1, 16, 16, 8])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        dropout: float = 0.2,
        dropout_place: DropoutPlace = "before",
        sigmoid: bool = True,
    ) -> None:
        super().__init__()
        _require_settings(in_channels, out_channels, dropout, dropout_place)
        self.down1 = _convs((in_channels, 8, 8), (1, 2))
        self.down2 = _convs((8, 16, 16), (1, 2))
        self.down3 = _convs((16, 32, 32, 32), (1, 2, 3))
        self.bottom = _convs((32, 64, 64), (1, 1))
        self.up3 = nn.ConvTranspose3d(64, 32, 2, stride=2)
        self.merge3 = _convs((64, 32, 32), (1, 1))
        self.up2 = nn.ConvTranspose3d(32, 16, 2, stride=2)
        self.merge2 = _convs((32, 16, 16), (1, 1))
        self.up1 = nn.ConvTranspose3d(16, 4, 2, stride=2)
        self.head = _Head(nn.Conv3d(4, out_channels, 3, padding=1), dropout, dropout_place, sigmoid)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to (B, out_channels, i, j, k), probabilities or logits."""
        _require_divisible(x, 8)
        half = self.down2(functional.max_pool3d(self.down1(x), 2))
        quarter = self.down3(functional.max_pool3d(half, 2))
        y = self.up3(self.bottom(functional.max_pool3d(quarter, 2)))
        y = self.up2(self.merge3(torch.cat((y, quarter), dim=1)))
        y = self.up1(self.merge2(torch.cat((y, half), dim=1)))
        return self.head(y)


class CerebellumM2(nn.Module):
    """The paper's second network, a U-Net of inception modules with 550,097 parameters.

    Four halvings and four skips. Pooling and transposed convolutions have kernels of 3 and strides of 2 with Keras's
    padding ``same``.

    Args, Raises: as ``CerebellumM1``, but 16 must divide sizes.

    Example:
        >>> CerebellumM2()(torch.zeros(1, 1, 16, 32, 16)).shape
        torch.Size([1, 1, 16, 32, 16])
    """

    _WIDTHS = (4, 8, 16, 32)

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        dropout: float = 0.2,
        dropout_place: DropoutPlace = "before",
        sigmoid: bool = True,
    ) -> None:
        super().__init__()
        _require_settings(in_channels, out_channels, dropout, dropout_place)
        w1, w2, w3, w4 = self._WIDTHS
        inputs = (in_channels, 4 * w1, 4 * w2, 4 * w3)
        self.down = nn.ModuleList(Inception(n, width) for n, width in zip(inputs, self._WIDTHS, strict=True))
        self.bottom = nn.Sequential(Inception(4 * w4, w4), Inception(4 * w4, w4))
        ups = ((4 * w4, w4), (4 * w4, w4), (4 * w3, w3), (4 * w2, w2))
        self.up = nn.ModuleList(nn.ConvTranspose3d(n, width, 3, stride=2) for n, width in ups)
        merged = ((w4 + 4 * w4, w4), (w4 + 4 * w3, w3), (w3 + 4 * w2, w2), (w2 + 4 * w1, w1))
        self.merge = nn.ModuleList(Inception(n, width) for n, width in merged)
        self.head = _Head(nn.Conv3d(4 * w1, out_channels, 1), dropout, dropout_place, sigmoid)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to (B, out_channels, i, j, k), probabilities or logits."""
        _require_divisible(x, 16)
        skips = []
        for down in self.down:
            skips.append(down(x))
            x = same_pool(skips[-1])
        x = self.bottom(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips), strict=True):
            x = merge(torch.cat((same_transposed(up, x), skip), dim=1))
        return self.head(x)


class Inception(nn.Module):
    """Four ways side by side: conv 1; then conv 3; then conv 3 again; and pooling with conv 1. A ReLU ends each conv.

    Args:
        in_channels: of the input.
        width: channels of each way; the output has four times as many.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.point = nn.Conv3d(in_channels, width, 1)
        self.first = nn.Conv3d(width, width, 3, padding=1)
        self.second = nn.Conv3d(width, width, 3, padding=1)
        self.pooled = nn.Conv3d(in_channels, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to (B, 4 width, i, j, k)."""
        one = self.point(x).relu()
        two = self.first(one).relu()
        three = self.second(two).relu()
        four = self.pooled(functional.max_pool3d(x, 3, stride=1, padding=1)).relu()
        return torch.cat((one, two, three, four), dim=1)


class _Head(nn.Module):
    """The last convolution with dropout before or after it, and the sigmoid where it is wanted."""

    def __init__(self, conv: nn.Conv3d, dropout: float, place: DropoutPlace, sigmoid: bool) -> None:
        super().__init__()
        self.dropout, self.conv = nn.Dropout(dropout), conv
        self.place, self.sigmoid = place, sigmoid

    def forward(self, x: Tensor) -> Tensor:
        logits = self.conv(self.dropout(x)) if self.place == "before" else self.dropout(self.conv(x))
        return logits.float().sigmoid() if self.sigmoid else logits


def same_pool(x: Tensor) -> Tensor:
    """The largest of three neighbours at every second voxel of even sizes, as Keras pads: at the end only."""
    return functional.max_pool3d(functional.pad(x, (0, 1) * 3, value=-torch.inf), 3, stride=2)


def same_transposed(conv: nn.Module, x: Tensor) -> Tensor:
    """A transposed convolution of kernel 3, stride 2 and no padding that doubles sizes as Keras does: the last goes."""
    return conv(x)[:, :, :-1, :-1, :-1]


def _convs(channels: tuple[int, ...], dilations: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after, dilation in zip(channels, channels[1:], dilations, strict=False):
        layers += [nn.Conv3d(before, after, 3, padding=dilation, dilation=dilation), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def _initialise(module: nn.Module) -> None:
    """Glorot's uniform distribution and biases of zero, Keras's defaults."""
    if isinstance(module, (nn.Conv3d, nn.ConvTranspose3d)):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _require_settings(in_channels: int, out_channels: int, dropout: float, place: str) -> None:
    channels = {"in_channels": in_channels, "out_channels": out_channels}
    faults = [f"{name}: 1 or more is expected, found {value}" for name, value in channels.items() if value < 1]
    if not 0 <= dropout < 1:
        faults.append(f"dropout: at least 0 and below 1 is expected, found {dropout}")
    if place not in get_args(DropoutPlace):
        faults.append(f"dropout_place: one of {', '.join(get_args(DropoutPlace))} is expected, found {place!r}")
    if faults:
        raise ConfigError("\n".join(faults), code="network-settings")


def _require_divisible(x: Tensor, divisor: int) -> None:
    if any(size % divisor for size in x.shape[2:]):
        raise ConfigError(
            f"the network needs sizes that {divisor} divides, found {tuple(x.shape[2:])}: pad or crop the volume",
            code="network-input",
        )

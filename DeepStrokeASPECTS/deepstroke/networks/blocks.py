"""The blocks of the convolutional networks: squeeze-and-excitation, the residual block, the doubling stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.utils.checkpoint import checkpoint

from deepstroke.errors import ConfigError

Norm = Literal["instance", "batch", "group", "none"]
Activation = Literal["relu", "leaky_relu", "elu", "silu", "gelu"]

#: Channels that share a gate's hidden unit.
REDUCTION = 16
_MOST_GROUPS = 8
_ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(0.01, inplace=True),
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
}


@dataclass(frozen=True)
class BlockStyle:
    """What the blocks of one network have in common.

    Attributes:
        norm: which normalisation follows each convolution.
        affine: whether it has a learned scale and shift per channel.
        activation: which one.
        se: whether residual blocks end with squeeze-and-excitation.
        se_min_hidden: least hidden units of its gate. At 0, as published, the gate of fewer than 16 channels doesn't
            see its input; 1 repairs that.
        dropout: probability, 0 to below 1, that a channel is zeroed after the first activation of a residual block.
        checkpointed: in training keep only what goes in and out of half a residual block, and compute the rest again in
            the backward pass: the same gradients for a quarter more time. (A batch norm counts each batch twice.)

    Raises:
        ConfigError: a value is not one of those allowed; one fault a line.
    """

    norm: Norm = "instance"
    affine: bool = False
    activation: Activation = "relu"
    se: bool = True
    se_min_hidden: int = 0
    dropout: float = 0.2
    checkpointed: bool = False

    def __post_init__(self) -> None:
        faults = []
        if self.norm not in get_args(Norm):
            faults.append(f"norm: one of {', '.join(get_args(Norm))} is expected, found {self.norm!r}")
        if self.activation not in get_args(Activation):
            faults.append(
                f"activation: one of {', '.join(get_args(Activation))} is expected, found {self.activation!r}"
            )
        if self.se_min_hidden < 0:
            faults.append(f"se_min_hidden: 0 or more is expected, found {self.se_min_hidden}")
        if not 0 <= self.dropout < 1:
            faults.append(f"dropout: at least 0 and below 1 is expected, found {self.dropout}")
        if faults:
            raise ConfigError("\n".join(faults), code="network-settings")

    def normalization(self, channels: int) -> nn.Module:
        """A new normalisation of so many channels."""
        if self.norm == "instance":
            return InstanceNorm3D(channels, affine=self.affine)
        if self.norm == "batch":
            return nn.BatchNorm3d(channels, affine=self.affine)
        if self.norm == "group":
            groups = next(g for g in range(min(_MOST_GROUPS, channels), 0, -1) if channels % g == 0)
            return nn.GroupNorm(groups, channels, affine=self.affine)
        return nn.Identity()

    def activate(self) -> nn.Module:
        """A new activation."""
        return _ACTIVATIONS[self.activation]()

    def drop(self) -> nn.Module:
        """A new dropout of whole channels."""
        return nn.Dropout3d(self.dropout) if self.dropout else nn.Identity()

    def gate(self, channels: int) -> nn.Module:
        """A new squeeze-and-excitation of so many channels, or the identity."""
        return SqueezeExcite3D(channels, min_hidden=self.se_min_hidden) if self.se else nn.Identity()


class InstanceNorm3D(nn.InstanceNorm3d):
    """``nn.InstanceNorm3d`` that trains on a single sample in channels-last layout without copying it.

    PyTorch's instance norm brings such a sample into the other layout and back, forth and back again for the gradient.
    Of a single sample the batch norm's statistics are the same, and its kernel takes the layout as it is.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(B, channels, i, j, k) with mean 0 and variance 1 in each channel of each sample."""
        last = input.is_contiguous(memory_format=torch.channels_last_3d) and not input.is_contiguous()
        if self.training and len(input) == 1 and last:
            return batch_norm(input, None, None, self.weight, self.bias, training=True, momentum=0.0, eps=self.eps)
        return super().forward(input)


class SqueezeExcite3D(nn.Module):
    """Weigh each channel by a gate of all channels' means (Hu et al. 2018, doi:10.1109/CVPR.2018.00745, eq. 2-4).

    The gate has ``channels // 16`` hidden units. Fewer than 16 channels have none: what is left is ``sigmoid(bias)``, a
    gate that doesn't see its input. That is the published network's first level; ``min_hidden=1`` repairs it. Note that
    an instance norm before the gate makes all channel means the same (0, or its shift), so that in the published
    network the gates of the other levels don't see their input either; after another norm they do.

    Args:
        channels: of input and output, (B, channels, i, j, k).
        min_hidden: least hidden units.
    """

    def __init__(self, channels: int, min_hidden: int = 0) -> None:
        super().__init__()
        hidden = max(channels // REDUCTION, min_hidden)
        self.gate = _Excitation(channels, hidden) if hidden else _ConstantGate(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, i, j, k) to the same, each channel scaled by 0..1."""
        return x * self.gate(x)[:, :, None, None, None]


class _Excitation(nn.Module):
    """The gate (B, C) of an input (B, C, i, j, k)."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, hidden)
        self.activation = nn.ReLU()
        self.expand = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.expand(self.activation(self.reduce(x.mean(dim=(2, 3, 4))))).sigmoid()


class _ConstantGate(nn.Module):
    """What two linear layers with no unit between them come to; their empty weights would upset DDP and exporters."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.bias.to(x.dtype).sigmoid().expand(x.shape[0], -1)


class ResBlock3D(nn.Module):
    """Two 3 x 3 x 3 convolutions with squeeze-and-excitation, added to the input.

    conv (stride), norm, activation, dropout, conv, norm, squeeze-and-excitation, + skip, activation. The skip is the
    identity, or a 1 x 1 x 1 convolution and a norm where channels or size change. No convolution has a bias.

    Args:
        in_channels, out_channels: of (B, C, i, j, k).
        stride: of the first convolution; sizes become ``ceil(size / stride)``.
        style: norm, activation, dropout and gate.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1, style: BlockStyle | None = None) -> None:
        super().__init__()
        style = style or BlockStyle()
        self.checkpointed = style.checkpointed
        self.conv1 = nn.Conv3d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = style.normalization(out_channels)
        self.activation1 = style.activate()
        self.dropout = style.drop()
        self.conv2 = nn.Conv3d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = style.normalization(out_channels)
        self.gate = style.gate(out_channels)
        self.skip = self._skip(in_channels, out_channels, stride, style)
        self.activation2 = style.activate()

    @staticmethod
    def _skip(in_channels: int, out_channels: int, stride: int, style: BlockStyle) -> nn.Module:
        if in_channels == out_channels and stride == 1:
            return nn.Identity()
        conv = nn.Conv3d(in_channels, out_channels, 1, stride, bias=False)
        return nn.Sequential(conv, style.normalization(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to (B, out_channels, i', j', k')."""
        y = run_part(self, self._first_half, x)
        return run_part(self, self._second_half, y, x)

    def _first_half(self, x: Tensor) -> Tensor:
        return self.dropout(self.activation1(self.norm1(self.conv1(x))))

    def _second_half(self, y: Tensor, x: Tensor) -> Tensor:
        return self.activation2(self.gate(self.norm2(self.conv2(y))) + self.skip(x))


def run_part(module: ResBlock3D | UpStage, part: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """Apply part of a module; where it is checkpointed, in training, activations inside are computed again.

    Dropout then draws the same channels again, so gradients are equal.
    """
    if module.checkpointed and module.training:
        return checkpoint(part, *inputs, use_reentrant=False)
    return part(*inputs)


class UpStage(nn.Module):
    """One level of a decoder: a transposed convolution that doubles the size, then a residual block.

    Args:
        in_channels, out_channels: before and after.
        skip_channels: of the encoder's feature put beside the doubled one; 0 without.
        style: of norm, activation, dropout and gate.
    """

    def __init__(self, in_channels: int, out_channels: int, skip_channels: int, style: BlockStyle) -> None:
        super().__init__()
        self.checkpointed = style.checkpointed
        conv = nn.ConvTranspose3d(in_channels, out_channels, 2, stride=2, bias=False)
        self.up = nn.Sequential(conv, style.normalization(out_channels), style.activate())
        self.block = ResBlock3D(out_channels + skip_channels, out_channels, 1, style)

    def forward(self, x: Tensor, skip: Tensor | None = None, size: Sequence[int] | None = None) -> Tensor:
        """Double ``x``, crop it to ``size`` where given, put ``skip`` beside it where given, and apply the block."""
        x = run_part(self, self.up, x)
        if size is not None:  # the encoder rounds odd sizes up
            i, j, k = size
            x = x[:, :, :i, :j, :k]
        return self.block(x if skip is None else torch.cat((x, skip), dim=1))

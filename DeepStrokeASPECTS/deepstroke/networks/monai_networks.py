"""Networks of MONAI, for comparison with ours; MONAI is imported only when one is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from deepstroke.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

_DYNUNET_MOST_CHANNELS = 320
_SWIN_DIVISOR = 32


class DeepSupervised(nn.Module):
    """A DynUNet whose outputs in training are a list of logits, finest first, instead of one stacked tensor."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """(B, in_channels, i, j, k) to logits of the same size; all of a list are interpolated to it."""
        logits = self.network(x)
        return list(logits.unbind(1)) if self.training else logits


class SizeChecked(nn.Module):
    """A network whose input must divide by a number along each axis."""

    def __init__(self, network: nn.Module, divisor: int) -> None:
        super().__init__()
        self.network, self.divisor = network, divisor

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to logits of the same size."""
        if any(size % self.divisor for size in x.shape[2:]):
            raise ConfigError(
                f"the network needs sizes that {self.divisor} divides, found {tuple(x.shape[2:])}: pad the volume",
                code="network-input",
            )
        if x.shape[2:].numel() == self.divisor**3:
            raise ConfigError(
                f"at {tuple(x.shape[2:])} one voxel is left at the coarsest level, which an instance norm makes 0 of: "
                "take a larger volume or fewer halvings",
                code="network-input",
            )
        return self.network(x)


def dynunet(
    in_channels: int = 1,
    out_channels: int = 11,
    base_channels: int = 32,
    depth: int = 5,
    res_block: bool = False,
    dropout: float = 0.0,
    deep_supervision: bool = False,
    affine: bool = True,
) -> nn.Module:
    """MONAI's DynUNet, nnU-Net's plain U-Net: ``depth`` halvings below a level at the input's size.

    Args:
        in_channels, out_channels: of input and logits.
        base_channels: of the finest level; doubled at each, up to 320.
        depth: how often the size is halved; sizes must divide by ``2 ** depth``.
        res_block: residual blocks instead of plain ones.
        dropout: probability, 0 to below 1.
        deep_supervision: in training give a list of logits, all at the input's size.
        affine: whether the instance norms have a learned scale and shift; those of label merge-and-split have none.

    Raises:
        ConfigError: a setting is out of range, one fault a line; or MONAI isn't installed.
    """
    given = {"in_channels": in_channels, "out_channels": out_channels, "base_channels": base_channels, "depth": depth}
    least = {"depth": 2}
    faults = [
        f"{name}: {least.get(name, 1)} or more is expected, found {value}"
        for name, value in given.items()
        if value < least.get(name, 1)
    ]
    if not 0 <= dropout < 1:
        faults.append(f"dropout: at least 0 and below 1 is expected, found {dropout}")
    if faults:
        raise ConfigError("\n".join(faults), code="network-settings")
    strides = (1, *(2,) * depth)
    network = _monai_networks().DynUNet(
        spatial_dims=3,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=(3,) * (depth + 1),
        strides=strides,
        upsample_kernel_size=strides[1:],
        filters=tuple(min(base_channels << level, _DYNUNET_MOST_CHANNELS) for level in range(depth + 1)),
        norm_name=("INSTANCE", {"affine": affine}),
        dropout=dropout or None,
        res_block=res_block,
        deep_supervision=deep_supervision,
        deep_supr_num=min(depth - 1, 3),
    )
    return SizeChecked(DeepSupervised(network) if deep_supervision else network, 2**depth)


def swin_unetr(
    in_channels: int = 1,
    out_channels: int = 11,
    feature_size: int = 24,
    depths: Sequence[int] = (2, 2, 2, 2),
    num_heads: Sequence[int] = (3, 6, 12, 24),
    dropout: float = 0.0,
    checkpoint_activations: bool = False,
) -> nn.Module:
    """MONAI's SwinUNETR (Hatamizadeh et al. 2022, arXiv:2201.01266); sizes must divide by 32.

    Args:
        in_channels, out_channels: of input and logits.
        feature_size: channels of the first level, a multiple of 12.
        depths, num_heads: blocks and attention heads of each of four levels.
        dropout: probability, 0 to 1.
        checkpoint_activations: trade time for memory in training.

    Raises:
        ConfigError: MONAI isn't installed, or it refuses the settings.
    """
    network_class = _monai_networks().SwinUNETR
    try:
        with torch.device("cpu"):  # it computes with values while it is built, which the meta device hasn't
            network = network_class(
                in_channels=in_channels,
                out_channels=out_channels,
                feature_size=feature_size,
                depths=tuple(depths),
                num_heads=tuple(num_heads),
                drop_rate=dropout,
                use_checkpoint=checkpoint_activations,
            )
    except ValueError as error:
        raise ConfigError(f"swin_unetr: {error}", code="network-settings") from error
    return SizeChecked(network, _SWIN_DIVISOR)


def _monai_networks() -> ModuleType:
    try:
        from monai.networks import nets
    except ImportError as error:
        raise ConfigError(
            "this network is MONAI's, which isn't installed: pip install \"deepstroke[train]\"",
            code="missing-dependency",
        ) from error
    return nets

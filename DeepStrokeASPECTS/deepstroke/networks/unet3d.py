"""The published network: a 3D U-Net with squeeze-and-excitation residual blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke.networks.blocks import Activation, BlockStyle, Norm
from deepstroke.networks.cnn import CNNDecoder3D, CNNEncoder3D, level_widths


class UNetEncoder3D(CNNEncoder3D):
    """The encoder of a U-Net: as ``CNNEncoder3D``, and it shows the features of all levels."""

    def forward(self, x: Tensor) -> list[Tensor]:  # type: ignore[override]
        """(B, in_channels, i, j, k) to the features of all levels, finest first; the last is the latent."""
        return self.features(x)


class UNet3D(nn.Module):
    """The 3D U-Net of the DeepStroke paper; without arguments exactly the published one of 23,041,993 parameters.

    Seven levels of 8..512 channels, the finest at half the input's size; sizes that don't divide evenly are rounded up
    on the way down and cropped on the way up.

    Args:
        in_channels, out_channels: of the input and the logits.
        base_channels: of the first level; doubled at each of ``depth`` levels.
        depth: how often the size is halved.
        se, se_min_hidden, dropout, norm, activation: see ``BlockStyle``.
        deep_supervision: in training give a list of logits at up to four scales, finest first.
        checkpoint_activations: keep only the blocks' outputs in training and compute the rest again.
        full_resolution_stage: a residual block at the input's size with a skip (not published).

    Raises:
        ConfigError: settings are out of range, one fault a line; or, when applied, the input is too small or of another
            number of channels; the message names what would fit.

    Example:
        >>> import torch
        >>> UNet3D(depth=3)(torch.zeros(1, 1, 32, 32, 24)).shape
        torch.Size([1, 11, 32, 32, 24])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 11,
        base_channels: int = 8,
        depth: int = 7,
        se: bool = True,
        se_min_hidden: int = 0,
        dropout: float = 0.2,
        norm: Norm = "instance",
        activation: Activation = "relu",
        deep_supervision: bool = False,
        checkpoint_activations: bool = False,
        full_resolution_stage: bool = False,
    ) -> None:
        super().__init__()
        style = _checked_style(
            {"in_channels": in_channels, "out_channels": out_channels},
            {"base_channels": base_channels, "depth": depth},
            {"norm": norm, "activation": activation, "se": se, "se_min_hidden": se_min_hidden, "dropout": dropout}
            | {"checkpointed": checkpoint_activations},
        )
        self.encoder = UNetEncoder3D(in_channels, base_channels, depth, style, full_resolution_stage)
        self.decoder = CNNDecoder3D(
            out_channels,
            base_channels,
            depth,
            style=replace(style, affine=True),
            full_resolution_stage=full_resolution_stage,
            deep_supervision=deep_supervision,
        )

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """(B, in_channels, i, j, k) to logits (B, out_channels, i, j, k), or to a list: see ``deep_supervision``."""
        *skips, latent = self.encoder(x)
        return self.decoder(latent, skips, x.shape[2:])


def _checked_style(channels: dict[str, int], levels: dict[str, int], style: dict[str, Any]) -> BlockStyle:
    """The blocks' style, once the faults of all settings have been collected."""
    faults = [f"{name}: 1 or more is expected, found {value}" for name, value in channels.items() if value < 1]
    made = None
    for check in (lambda: level_widths(**levels), lambda: BlockStyle(**style)):
        try:
            made = check()
        except ConfigError as error:
            faults.append(str(error))
    if faults or not isinstance(made, BlockStyle):
        raise ConfigError("\n".join(faults), code="network-settings")
    return made

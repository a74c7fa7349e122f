"""A residual encoder that halves its input at each level, and the decoder that doubles it back."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke.networks.blocks import BlockStyle, ResBlock3D, UpStage

#: Most scales that deep supervision looks at.
SUPERVISED_SCALES = 4
#: An instance norm needs more than one voxel.
_LEAST_LATENT = 2


def level_widths(base_channels: int, depth: int) -> tuple[int, ...]:
    """Channels of each level, finest first: doubled at each.

    Raises:
        ConfigError: a number below 1; one fault a line.
    """
    given = {"base_channels": base_channels, "depth": depth}
    faults = [f"{name}: 1 or more is expected, found {value}" for name, value in given.items() if value < 1]
    if faults:
        raise ConfigError("\n".join(faults), code="network-settings")
    return tuple(base_channels << level for level in range(depth))


def least_size(depth: int) -> int:
    """Least voxels along each axis for which the coarsest of ``depth`` levels keeps two."""
    return (_LEAST_LATENT - 1 << depth) + 1


class CNNEncoder3D(nn.Module):
    """Residual blocks of stride 2, each doubling the channels; their norms are without affine, as published.

    Args:
        in_channels: of the input (B, in_channels, i, j, k).
        base_channels: of the first level.
        depth: how many levels.
        style: of the blocks; its ``affine`` holds.
        full_resolution_stage: put a block of stride 1 before the first level (not published).

    Raises:
        ConfigError: a setting is out of range; or, when applied, the input doesn't fit.
    """

    def __init__(
        self,
        in_channels: int = 1,
        base_channels: int = 8,
        depth: int = 7,
        style: BlockStyle | None = None,
        full_resolution_stage: bool = False,
    ) -> None:
        super().__init__()
        self.in_channels, self.depth = in_channels, depth
        self.widths = level_widths(base_channels, depth)
        self.stem = ResBlock3D(in_channels, base_channels, 1, style) if full_resolution_stage else None
        first = base_channels if full_resolution_stage else in_channels
        inputs = (first, *self.widths[:-1])
        self.levels = nn.ModuleList(ResBlock3D(a, b, 2, style) for a, b in zip(inputs, self.widths, strict=True))

    def features(self, x: Tensor) -> list[Tensor]:
        """The output of every level, finest first; the stem's before them where there is one."""
        self._check(x)
        blocks = [self.stem, *self.levels] if self.stem is not None else self.levels
        found = []
        for block in blocks:
            x = block(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to the latent (B, base * 2^(depth-1), i / 2^depth, ...), sizes rounded up."""
        return self.features(x)[-1]

    def _check(self, x: Tensor) -> None:
        least = least_size(self.depth)
        if x.ndim != 5 or x.shape[1] != self.in_channels:
            raise ConfigError(
                f"the network takes (batch, {self.in_channels}, i, j, k), found {tuple(x.shape)}: "
                "bring the volume into that order or set in_channels",
                code="network-input",
            )
        if min(x.shape[2:]) < least:
            raise ConfigError(
                f"{self.depth} levels need at least {least} voxels along each axis "
                f"({_LEAST_LATENT << self.depth} divides evenly), found {tuple(x.shape[2:])}: "
                "pad the volume or set a smaller depth",
                code="network-input",
            )


class CNNDecoder3D(nn.Module):
    """Doubles a latent back to the input's size, with the encoder's features beside it where ``skips``.

    Args:
        out_channels: of the logits.
        base_channels, depth: as of the encoder.
        skips: whether features of the encoder are taken; without, sizes must divide by ``2 ** depth``.
        style: of the blocks; its ``affine`` holds (the published decoder's norms have it).
        full_resolution_stage: whether the encoder had one.
        deep_supervision: in training give logits at up to four scales.

    Raises:
        ConfigError: a setting is out of range; or, when applied, the number of skips isn't the expected one.
    """

    def __init__(
        self,
        out_channels: int = 11,
        base_channels: int = 8,
        depth: int = 7,
        skips: bool = True,
        style: BlockStyle | None = None,
        full_resolution_stage: bool = False,
        deep_supervision: bool = False,
    ) -> None:
        super().__init__()
        style = style or BlockStyle(affine=True)
        widths = level_widths(base_channels, depth)
        outputs = (*widths[-2::-1], base_channels)
        skipped = (*widths[-2::-1], base_channels if full_resolution_stage else 0) if skips else (0,) * depth
        self.skips = sum(channels > 0 for channels in skipped)
        stages = zip(widths[::-1], outputs, skipped, strict=True)
        self.stages = nn.ModuleList(UpStage(a, b, skip, style) for a, b, skip in stages)
        self.head = nn.Conv3d(base_channels, out_channels, 1)
        coarser = outputs[-2 : -SUPERVISED_SCALES - 1 : -1] if deep_supervision else ()
        self.coarser_heads = nn.ModuleList(nn.Conv3d(width, out_channels, 1) for width in coarser)

    def forward(
        self, latent: Tensor, skips: Sequence[Tensor] = (), size: Sequence[int] | None = None
    ) -> Tensor | list[Tensor]:
        """(B, C, i, j, k) to logits (B, out_channels, i * 2^depth, ...), cropped to ``size`` where given.

        Args:
            latent: the encoder's last feature.
            skips: its other features, finest first.
            size: voxels of the output.

        Returns:
            Logits; with deep supervision, in training, a list of them, finest first.
        """
        if len(skips) != self.skips:
            raise ConfigError(f"the decoder takes {self.skips} skips, found {len(skips)}", code="network-input")
        features = self._features(latent, list(skips), size)
        logits = self.head(features[-1])
        if not self.training or not len(self.coarser_heads):
            return logits
        coarser = zip(self.coarser_heads, features[-2::-1], strict=False)
        return [logits, *(head(feature) for head, feature in coarser)]

    def _features(self, x: Tensor, skips: list[Tensor], size: Sequence[int] | None) -> list[Tensor]:
        features: list[Tensor] = []
        for stage in self.stages:
            skip = skips.pop() if skips else None
            last = len(features) == len(self.stages) - 1
            crop = skip.shape[2:] if skip is not None else size if last else None
            x = stage(x, skip, crop)
            features.append(x)
        return features

"""T of the Asymmetry Disentanglement Network: it turns a head so that its mid-sagittal plane lies in the middle."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepstroke.errors import ConfigError

_WIDTHS = (32, 64, 128, 256)
_CHANNELS_A_GROUP = 4
#: Rotations about i, j and k, and translations along them.
_PARAMETERS = 6


@dataclass(frozen=True)
class InPlanePose:
    """A rigid motion of each case within the (i, j) plane, about the centre of the volume.

    Attributes:
        aligned_to_input: (B, 4, 4) double: points of the aligned volume, in voxels from its centre, to the input's.
    """

    aligned_to_input: Tensor

    @staticmethod
    def of(angle_rad: Tensor, translation: Tensor) -> InPlanePose:
        """A pose from angles (B,) from i towards j, and translations (B, 2) in voxels along i and j; differentiable."""
        cos, sin = angle_rad.double().cos(), angle_rad.double().sin()
        rows = torch.zeros((len(angle_rad), 4, 4), dtype=torch.float64, device=angle_rad.device)
        rows = rows + torch.eye(4, dtype=torch.float64, device=angle_rad.device)
        turned = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), 1)
        top = torch.cat((turned, torch.zeros_like(turned[..., :1]), translation.double()[..., None]), dim=2)
        return InPlanePose(torch.cat((top, rows[:, 2:]), dim=1))

    @staticmethod
    def identity(count: int) -> InPlanePose:
        """No motion of so many cases."""
        return InPlanePose(torch.eye(4, dtype=torch.float64).repeat(count, 1, 1))

    @property
    def input_to_aligned(self) -> Tensor:
        """(B, 4, 4) double, the inverse."""
        matrix = self.aligned_to_input
        turned = matrix[:, :3, :3].transpose(1, 2)
        top = torch.cat((turned, -turned @ matrix[:, :3, 3:]), dim=2)
        return torch.cat((top, matrix[:, 3:]), dim=1)

    def align(self, volume: Tensor) -> Tensor:
        """Sample an input (B, C, i, j, k) on the aligned grid, linearly; 0 beyond it."""
        return _sample(volume, self.aligned_to_input)

    def restore(self, aligned: Tensor) -> Tensor:
        """Bring an aligned volume (B, C, i, j, k) back to the input's grid, linearly; 0 beyond it."""
        return _sample(aligned, self.input_to_aligned)

    def after(self, motion: InPlanePose) -> InPlanePose:
        """The pose that aligns ``motion.align(image)`` as this one aligns the image."""
        return InPlanePose(motion.input_to_aligned @ self.aligned_to_input)

    def of_least_shift(self) -> InPlanePose:
        """The pose with the same mid-sagittal plane that doesn't shift along it."""
        normal = self.aligned_to_input[:, :2, 0]
        return InPlanePose.of(self.angle_rad, normal * (normal * self.translation).sum(1, keepdim=True))

    def mirrored(self, which: Tensor) -> InPlanePose:
        """The pose that aligns the mirror images of those cases that ``which`` (B,) of bool names."""
        sides = torch.ones(4, dtype=torch.float64, device=which.device)
        sides[0] = -1
        flipped = sides[:, None] * self.aligned_to_input * sides
        return InPlanePose(torch.where(which[:, None, None], flipped, self.aligned_to_input))

    @property
    def angle_rad(self) -> Tensor:
        """(B,) from i towards j."""
        return torch.atan2(self.aligned_to_input[:, 1, 0], self.aligned_to_input[:, 0, 0])

    @property
    def translation(self) -> Tensor:
        """(B, 2) voxels along i and j."""
        return self.aligned_to_input[:, :2, 3]


def mirrored(volume: Tensor) -> Tensor:
    """A volume (B, C, i, j, k) flipped left and right about its middle."""
    return volume.flip(2)


class AlignmentNetwork(nn.Module):
    """The transformation network T (Ni et al., MICCAI 2022) of 7,459,142 parameters.

    Four stages halve the size, then the mean over the volume and one linear layer give six numbers in -1..1: rotations
    about i, j and k and translations along them. As published only the rotation about k and translations within the
    slice are used; i is left and right, and voxels are as long along i as along j.

    Args:
        in_channels: of the input (B, in_channels, i, j, k).
        rotation_deg: largest rotation.
        translation: largest translations along i and j as a share of the volume's size.

    Raises:
        ConfigError: a setting is out of range; or, when applied, a size is below 16.

    Example:
        >>> AlignmentNetwork()(torch.zeros(2, 1, 32, 32, 16)).shape
        torch.Size([2, 6])
    """

    def __init__(
        self, in_channels: int = 1, rotation_deg: float = 60.0, translation: tuple[float, ...] = (0.5, 0.5)
    ) -> None:
        super().__init__()
        _require_settings(in_channels, rotation_deg, translation)
        self.rotation_deg, self.limits = float(rotation_deg), tuple(map(float, translation))
        inputs = (in_channels, *_WIDTHS[:-1])
        self.stages = nn.Sequential(*(_Stage(a, b) for a, b in zip(inputs, _WIDTHS, strict=True)))
        self.regress = nn.Linear(_WIDTHS[-1], _PARAMETERS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, i, j, k) to (B, 6) numbers in -1..1."""
        if min(x.shape[2:]) < 1 << len(_WIDTHS):
            raise ConfigError(
                f"alignment needs 16 voxels or more along each axis, found {tuple(x.shape[2:])}", code="network-input"
            )
        return self.regress(self.stages(x).mean(dim=(2, 3, 4))).tanh()

    def pose(self, x: Tensor) -> InPlanePose:
        """The pose that aligns each case of (B, in_channels, i, j, k)."""
        numbers = self(x)
        sizes = torch.tensor(x.shape[2:4], dtype=numbers.dtype, device=x.device)
        limits = torch.tensor(self.limits, dtype=numbers.dtype, device=x.device)
        angle = numbers[:, 2] * torch.pi * self.rotation_deg / 180
        return InPlanePose.of(angle, numbers[:, 3:5] * limits * sizes)


class _Stage(nn.Module):
    """A convolution that halves the size, and a residual block with its norms and ReLUs before the convolutions."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.halve = nn.Conv3d(in_channels, out_channels, 4, stride=2, padding=1, bias=False)
        layers: list[nn.Module] = []
        for _ in range(2):
            norm = nn.GroupNorm(out_channels // _CHANNELS_A_GROUP, out_channels)
            layers += [norm, nn.ReLU(inplace=True), nn.Conv3d(out_channels, out_channels, 3, padding=1)]
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        y = self.halve(x)
        return y + self.block(y)


def _sample(volume: Tensor, out_to_in: Tensor) -> Tensor:
    """Sample a volume where a matrix in voxels from the centre says; equal sizes in and out."""
    half = torch.tensor(volume.shape[2:], dtype=torch.float64, device=volume.device) / 2
    normalised = out_to_in[:, :3, :].clone()
    normalised[:, :, :3] = normalised[:, :, :3] * half[None, None, :]
    normalised = normalised / half[None, :, None]
    order = [2, 1, 0]  # grid_sample counts axes from the last
    theta = torch.cat((normalised[:, order][:, :, order], normalised[:, order, 3:]), dim=2)
    with torch.autocast(volume.device.type, enabled=False):  # places rounded to bf16 would be off by voxels
        grid = functional.affine_grid(theta.float(), list(volume.shape), align_corners=False)
        return functional.grid_sample(volume.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _require_settings(in_channels: int, rotation_deg: float, translation: tuple[float, ...]) -> None:
    faults = []
    if in_channels < 1:
        faults.append(f"in_channels: 1 or more is expected, found {in_channels}")
    if not 0 <= rotation_deg <= 180:
        faults.append(f"rotation_deg: 0..180 is expected, found {rotation_deg}")
    if len(translation) != 2 or not all(0 <= each <= 1 for each in translation):
        faults.append(f"translation: two shares of 0..1, along i and j, are expected, found {tuple(translation)}")
    if faults:
        raise ConfigError("\n".join(faults), code="network-settings")

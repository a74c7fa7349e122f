"""Whole volumes through a network, at once and window by window."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepstroke_training.training.inference import VolumeInferer
from deepstroke_training.training.settings import WindowSettings


class Pointwise(nn.Module):
    """Each voxel's value and its double: windows don't matter to it."""

    divisor = 4

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.sizes.append(tuple(x.shape))
        assert all(size % self.divisor == 0 for size in x.shape[2:])
        return torch.cat([x, 2 * x], dim=1)


def test_a_volume_is_taken_whole_and_padded_to_what_the_network_divides() -> None:
    image = torch.randn(1, 1, 5, 8, 9)
    network = Pointwise()
    found = VolumeInferer(network, WindowSettings())(image)
    assert torch.equal(found, torch.cat([image, 2 * image], dim=1))
    assert network.sizes == [(1, 1, 8, 8, 12)]


def test_a_large_volume_is_taken_window_by_window() -> None:
    image = torch.randn(1, 1, 12, 8, 8)
    network = Pointwise()
    found = VolumeInferer(network, WindowSettings(roi=(8, 8, 8), overlap=0.5, batch=2))(image)
    assert torch.allclose(found, torch.cat([image, 2 * image], dim=1), atol=1e-6)
    assert network.sizes == [(2, 1, 8, 8, 8)]


def test_a_volume_no_larger_than_the_window_is_taken_whole() -> None:
    network = Pointwise()
    VolumeInferer(network, WindowSettings(roi=(8, 8, 8)))(torch.randn(1, 1, 8, 4, 8))
    assert network.sizes == [(1, 1, 8, 4, 8)]


def test_dropout_is_off_and_16_bits_come_back_as_32() -> None:
    network = nn.Sequential(nn.Dropout(0.9), nn.Conv3d(1, 1, 1))
    inferer = VolumeInferer(network, WindowSettings(), channels_last=True)
    image = torch.ones(1, 1, 4, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        first, second = inferer(image), inferer(image)
    assert torch.equal(first, second)
    assert first.dtype == torch.float32

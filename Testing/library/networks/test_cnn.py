"""Encoder and decoder on their own, as other networks use them."""

from __future__ import annotations

import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke.networks import CNNDecoder3D, CNNEncoder3D, UNetEncoder3D, least_size
from deepstroke.networks.cnn import level_widths


def test_widths_double_at_each_level() -> None:
    assert level_widths(8, 7) == (8, 16, 32, 64, 128, 256, 512)


def test_the_least_size_leaves_two_voxels_at_the_coarsest_level() -> None:
    assert least_size(7) == 129
    encoder = CNNEncoder3D(depth=3)
    assert encoder(torch.rand(1, 1, 9, 9, 9)).shape == (1, 32, 2, 2, 2)
    with pytest.raises(ConfigError, match=r"3 levels need at least 9 voxels along each axis \(16 divides evenly\)"):
        encoder(torch.rand(1, 1, 32, 32, 8))


def test_the_plain_encoder_gives_what_is_last_of_the_other() -> None:
    torch.manual_seed(0)
    plain, showing = CNNEncoder3D(depth=2).eval(), UNetEncoder3D(depth=2).eval()
    showing.load_state_dict(plain.state_dict())
    x = torch.rand(1, 1, 8, 8, 8)
    features = showing(x)
    assert [feature.shape[1] for feature in features] == [8, 16]
    assert torch.equal(plain(x), features[-1])


def test_an_input_of_other_channels_or_order_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"takes \(batch, 1, i, j, k\), found \(1, 2, 32, 32, 32\)"):
        CNNEncoder3D(depth=2)(torch.rand(1, 2, 32, 32, 32))
    with pytest.raises(ConfigError, match=r"found \(1, 32, 32, 32\)"):
        CNNEncoder3D(depth=2)(torch.rand(1, 32, 32, 32))


def test_a_decoder_without_skips_doubles_a_latent_back() -> None:
    decoder = CNNDecoder3D(out_channels=3, depth=3, skips=False)
    assert decoder(torch.rand(2, 32, 2, 3, 4)).shape == (2, 3, 16, 24, 32)
    assert decoder(torch.rand(1, 32, 2, 3, 4), size=(15, 24, 31)).shape == (1, 3, 15, 24, 31)


def test_a_decoder_with_skips_refuses_another_number_of_them() -> None:
    with pytest.raises(ConfigError, match="takes 2 skips, found 0"):
        CNNDecoder3D(depth=3)(torch.rand(1, 32, 2, 2, 2))


def test_all_faults_of_the_levels_are_told_at_once() -> None:
    with pytest.raises(
        ConfigError, match=r"base_channels: 1 or more is expected, found 0\ndepth: 1 or more .* found -1"
    ):
        level_widths(0, -1)

"""The residual and the plain U-Net with group norm."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepstroke.errors import ConfigError
from deepstroke.networks import DoubleConvUNet3D, ResidualUNet3D
from deepstroke.networks.group_norm_unets import ResidualBlock

NETWORKS = (ResidualUNet3D, DoubleConvUNet3D)


def count(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def test_the_residual_one_has_the_published_parameters_part_by_part() -> None:
    network = ResidualUNet3D()
    assert [count(each) for each in network.encoder] == [56290, 276800, 1106560, 4424960]
    both = zip(network.up, network.decoder, strict=True)
    assert [count(up) + count(block) for up, block in both] == [2212736, 553408, 138464]
    assert count(network.final) == 33
    assert count(network) == 8_769_251
    assert count(ResidualUNet3D(in_channels=2)) == 8_770_117


def test_the_plain_one_has_the_published_parameters() -> None:
    assert count(DoubleConvUNet3D()) == 4_081_267


def test_the_first_norm_has_one_group_of_one_channel_and_the_others_eight() -> None:
    norms = [each for each in ResidualUNet3D().modules() if isinstance(each, nn.GroupNorm)]
    assert (norms[0].num_groups, norms[0].num_channels) == (1, 1)
    assert {each.num_groups for each in norms[1:]} == {8}


def test_a_block_adds_its_first_output_before_the_last_relu() -> None:
    torch.manual_seed(0)
    block, x = ResidualBlock(8, 16), torch.rand(1, 8, 6, 6, 6)
    nn.init.zeros_(block.third[1].weight)
    torch.testing.assert_close(block(x), block.first(x))
    assert not any(isinstance(each, nn.ReLU) for each in block.third)


@pytest.mark.parametrize("network_class", NETWORKS)
def test_probabilities_of_any_size_and_logits(network_class: type[ResidualUNet3D | DoubleConvUNet3D]) -> None:
    torch.manual_seed(0)
    network, x = network_class(in_channels=2, out_channels=3, base_channels=8).eval(), torch.rand(1, 2, 17, 24, 10)
    found = network(x)
    assert found.shape == (1, 3, 17, 24, 10)
    torch.testing.assert_close(network.logits(x).sigmoid(), found)
    network.sigmoid = False
    torch.testing.assert_close(network(x), network.logits(x))


@pytest.mark.parametrize("network_class", NETWORKS)
def test_all_parameters_are_learnt(network_class: type[ResidualUNet3D | DoubleConvUNet3D]) -> None:
    torch.manual_seed(1)
    network = network_class(base_channels=8)
    network(torch.rand(1, 1, 16, 16, 16)).mean().backward()
    first = next(each for each in network.modules() if isinstance(each, nn.GroupNorm))
    others = [each for each in network.parameters() if each is not first.weight]
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in others)


def test_too_small_an_input_and_faulty_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"halves its input more often than \(8, 8, 4\) allows"):
        ResidualUNet3D(base_channels=8)(torch.zeros(1, 1, 8, 8, 4))
    with pytest.raises(ConfigError) as caught:
        DoubleConvUNet3D(out_channels=0, base_channels=12)
    assert str(caught.value).splitlines() == [
        "out_channels: 1 or more is expected, found 0",
        "base_channels: a multiple of 8 is expected, found 12",
    ]

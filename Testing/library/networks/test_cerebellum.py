"""M1 and M2: every layer's count, Keras's padding, dropout and the start of the weights."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from deepstroke.errors import ConfigError
from deepstroke.networks import CerebellumM1, CerebellumM2, build
from deepstroke.networks.cerebellum import Inception, same_pool, same_transposed

NETWORKS = (CerebellumM1, CerebellumM2)


def count(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def test_m1_has_the_published_parameters_layer_by_layer() -> None:
    network = CerebellumM1()
    convs = [each for each in network.modules() if isinstance(each, (nn.Conv3d, nn.ConvTranspose3d))]
    assert [count(each) for each in convs] == [
        *(224, 1736, 3472, 6928, 13856, 27680, 27680, 55360, 110656, 16416, 55328, 27680, 4112, 13840, 6928, 516, 109)
    ]
    assert count(network) == 372_521


def test_m1_dilates_its_encoder_only() -> None:
    dilations = [each.dilation[0] for each in CerebellumM1().modules() if isinstance(each, nn.Conv3d)]
    assert dilations == [1, 2, 1, 2, 1, 2, 3, *[1] * 7]


def test_m2_has_the_published_parameters_part_by_part() -> None:
    network = CerebellumM2()
    assert [count(each) for each in [*network.down, *network.bottom]] == [888, 3744, 14912, 59520, 63616, 63616]
    assert [count(each) for each in network.up] == [110624, 110624, 27664, 6920]
    assert [count(each) for each in network.merge] == [65664, 16960, 4256, 1072]
    assert count(network.head) == 17
    assert count(network) == 550_097


@pytest.mark.parametrize("network_class", NETWORKS)
def test_a_probability_a_voxel(network_class: type[CerebellumM1 | CerebellumM2]) -> None:
    torch.manual_seed(0)
    network, x = network_class().eval(), torch.rand(2, 1, 16, 32, 48)
    found = network(x)
    assert found.shape == (2, 1, 16, 32, 48)
    assert 0 < found.min() < found.max() < 1
    logits = network_class(sigmoid=False).eval()
    logits.load_state_dict(network.state_dict())
    torch.testing.assert_close(logits(x).sigmoid(), found)


@pytest.mark.parametrize("network_class", NETWORKS)
def test_all_parameters_are_learnt(network_class: type[CerebellumM1 | CerebellumM2]) -> None:
    torch.manual_seed(1)
    network = network_class()
    network(torch.rand(1, 1, 32, 32, 32)).mean().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in network.parameters())


@pytest.mark.parametrize("network_class", NETWORKS)
def test_weights_begin_as_glorot_says(network_class: type[CerebellumM1 | CerebellumM2]) -> None:
    for module in network_class().modules():
        if isinstance(module, nn.Conv3d):
            voxels = module.weight[0, 0].numel()
            limit = math.sqrt(6 / (voxels * (module.in_channels + module.out_channels)))
            assert module.weight.abs().max() <= limit
            assert module.bias.abs().max() == 0


def test_inception_puts_four_ways_side_by_side() -> None:
    module = Inception(1, 1)
    for each, weight in zip((module.point, module.first, module.second, module.pooled), (2, 1, 1, 3), strict=True):
        nn.init.constant_(each.weight, weight)
        nn.init.zeros_(each.bias)
    x = torch.zeros(1, 1, 5, 5, 5)
    x[0, 0, 2, 2, 2] = 1
    one, two, three, four = module(x)[0]
    assert (one.sum(), two.sum(), three.sum(), four.sum()) == (2, 2 * 27, 2 * 729 * 1.0, 3 * 27)
    assert three[2, 2, 2] == 2 * 27
    assert module(-x)[0, :3].max() == 0


def test_pooling_pads_at_the_end_as_keras_does() -> None:
    line = torch.arange(8.0).reshape(1, 1, 1, 1, 8).expand(1, 1, 8, 8, 8)
    assert same_pool(line)[0, 0, 0, 0].tolist() == [2, 4, 6, 7]
    assert same_pool(line - 100)[0, 0, 0, 0].tolist() == [-98, -96, -94, -93]


def test_a_transposed_convolution_drops_the_last_as_keras_does() -> None:
    conv = nn.ConvTranspose3d(1, 1, 3, stride=2, bias=False)
    nn.init.zeros_(conv.weight)
    conv.weight.data[0, 0, 0, 0] = torch.tensor([1.0, 10.0, 100.0])
    x = torch.tensor([1.0, 2.0]).reshape(1, 1, 1, 1, 2)
    found = same_transposed(conv, x)
    assert found.shape == (1, 1, 2, 2, 4)
    assert found[0, 0, 0, 0].tolist() == [1, 10, 102, 20]


@pytest.mark.parametrize(("place", "zeros"), [("before", False), ("after", True)])
def test_dropout_stands_before_or_after_the_last_convolution(place: Any, zeros: bool) -> None:
    torch.manual_seed(2)
    network = CerebellumM2(dropout=0.5, dropout_place=place, sigmoid=False)
    nn.init.ones_(network.head.conv.bias)
    x = torch.rand(1, 1, 16, 16, 16)
    share = (network(x) == 0).float().mean().item()
    assert share == pytest.approx(0.5 if zeros else 0.0, abs=0.05)
    torch.testing.assert_close(network.eval()(x), network(x))


@pytest.mark.parametrize(("name", "divisor", "wrong"), [("cerebellum_m1", 8, 20), ("cerebellum_m2", 16, 24)])
def test_by_name_and_only_sizes_that_divide(name: str, divisor: int, wrong: int) -> None:
    network = build(name, dropout=0)
    with pytest.raises(ConfigError, match=rf"sizes that {divisor} divides, found \(16, 16, {wrong}\)"):
        network(torch.zeros(1, 1, 16, 16, wrong))


def test_settings_out_of_range_are_told_together() -> None:
    with pytest.raises(ConfigError) as caught:
        CerebellumM1(in_channels=0, dropout=1.0, dropout_place="beside")  # type: ignore[arg-type]
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "in_channels",
        "dropout",
        "dropout_place",
    ]

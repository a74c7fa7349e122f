"""The blocks: counts and shapes as published, gates known by hand, norms and activations by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from deepstroke.errors import ConfigError
from deepstroke.networks import BlockStyle, ResBlock3D, SqueezeExcite3D
from deepstroke.networks.blocks import InstanceNorm3D


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("channels", "min_hidden", "count"), [(8, 0, 8), (8, 1, 25), (16, 0, 49), (256, 0, 8464)])
def test_the_gate_has_its_published_size(channels: int, min_hidden: int, count: int) -> None:
    assert parameters(SqueezeExcite3D(channels, min_hidden)) == count


def test_the_gate_of_eight_channels_does_not_see_its_input() -> None:
    gated = SqueezeExcite3D(8)
    (bias,) = gated.parameters()
    with torch.no_grad():
        bias.copy_(torch.linspace(-3, 3, 8))
    x = torch.rand(2, 8, 3, 4, 5)
    expected = torch.linspace(-3, 3, 8).sigmoid()[None, :, None, None, None]
    torch.testing.assert_close(gated(x), x * expected)
    torch.testing.assert_close(gated(7 * x), 7 * x * expected)


def test_the_published_gate_starts_at_one_half() -> None:
    x = torch.rand(1, 8, 2, 2, 2)
    torch.testing.assert_close(SqueezeExcite3D(8)(x), x / 2)


def test_the_repaired_gate_sees_its_input() -> None:
    gated, x = SqueezeExcite3D(8, min_hidden=1), torch.rand(1, 8, 2, 2, 2)
    with torch.no_grad():
        for parameter in gated.parameters():
            parameter.fill_(0.1)
    assert (gated(7 * x) / (7 * x) > gated(x) / x + 0.01).all()


def test_after_an_instance_norm_no_gate_sees_its_input_and_after_a_group_norm_it_does() -> None:
    """Every channel's mean is then the same; so it is at all levels of the published network."""
    torch.manual_seed(0)
    gate = SqueezeExcite3D(32)
    one, other = torch.randn(1, 32, 4, 4, 4), torch.rand(1, 32, 4, 4, 4) * torch.arange(32)[:, None, None, None]

    def gates(norm: nn.Module) -> list[torch.Tensor]:
        return [gate.gate(norm(x)) for x in (one, other)]

    torch.testing.assert_close(*gates(BlockStyle(norm="instance").normalization(32)))
    differing = gates(BlockStyle(norm="group").normalization(32))
    assert (differing[0] - differing[1]).abs().max() > 0.01


def test_the_gate_is_that_of_the_channels_means() -> None:
    gated = SqueezeExcite3D(16)
    with torch.no_grad():
        for parameter in gated.parameters():
            parameter.fill_(1.0)
    x = torch.zeros(1, 16, 2, 2, 2)
    x[0, 3, 0, 0, 0] = 8.0  # its channel's mean is 1, so the hidden unit is 1 + 1, and the gate sigmoid(2 + 1)
    torch.testing.assert_close(gated(x)[0, 3, 0, 0, 0].item(), 8 * torch.tensor(3.0).sigmoid().item())


@pytest.mark.parametrize(
    ("channels", "affine", "count"), [((1, 8, 2), False, 1960), ((512, 256, 1), True, 5449488), ((8, 8, 1), True, 3496)]
)
def test_the_residual_block_has_its_published_size(channels: tuple[int, int, int], affine: bool, count: int) -> None:
    assert parameters(ResBlock3D(*channels, BlockStyle(affine=affine))) == count


def test_the_skip_is_the_identity_only_where_nothing_changes() -> None:
    assert isinstance(ResBlock3D(8, 8).skip, nn.Identity)
    for block in (ResBlock3D(8, 16), ResBlock3D(8, 8, stride=2)):
        (conv, norm) = block.skip
        assert conv.kernel_size == (1, 1, 1)
        assert conv.bias is None
        assert isinstance(norm, nn.InstanceNorm3d)


def test_a_block_whose_branch_is_zero_gives_its_rectified_input() -> None:
    block = ResBlock3D(8, 8)
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(1, 8, 4, 4, 4)
    torch.testing.assert_close(block(x), x.relu())


def test_a_block_halves_sizes_rounded_up_and_leaves_its_input_alone() -> None:
    x = torch.randn(1, 2, 9, 8, 7)
    kept = x.clone()
    assert ResBlock3D(2, 4, stride=2)(x).shape == (1, 4, 5, 4, 4)
    assert torch.equal(x, kept)


def test_dropout_zeroes_whole_channels_after_the_first_activation() -> None:
    torch.manual_seed(0)
    block = ResBlock3D(1, 64, style=BlockStyle(dropout=0.5))
    seen: list[torch.Tensor] = []
    block.conv2.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    block(torch.randn(1, 1, 4, 4, 4))
    block.eval()(torch.randn(1, 1, 4, 4, 4))
    dropped, kept = ((x == 0).all(dim=(2, 3, 4)).sum().item() for x in seen)
    assert 16 < dropped < 48
    assert kept == 0


@pytest.mark.parametrize(
    ("norm", "kind"),
    [("instance", InstanceNorm3D), ("batch", nn.BatchNorm3d), ("group", nn.GroupNorm), ("none", nn.Identity)],
)
def test_norms_by_name(norm: Any, kind: type[nn.Module]) -> None:
    block = ResBlock3D(2, 12, style=BlockStyle(norm=norm, affine=True))
    assert type(block.norm1) is kind
    assert parameters(block.norm1) == (0 if norm == "none" else 24)
    assert block(torch.randn(2, 2, 4, 4, 4)).shape == (2, 12, 4, 4, 4)


@pytest.mark.parametrize(
    ("activation", "at_minus_one"),
    [("relu", 0.0), ("leaky_relu", -0.01), ("elu", -0.6321206), ("silu", -0.2689414), ("gelu", -0.1586553)],
)
def test_activations_by_name(activation: Any, at_minus_one: float) -> None:
    activated = BlockStyle(activation=activation).activate()(torch.tensor([-1.0]))
    assert activated.item() == pytest.approx(at_minus_one, abs=1e-6)


def test_without_squeeze_and_excitation_there_is_no_gate() -> None:
    assert isinstance(ResBlock3D(8, 8, style=BlockStyle(se=False)).gate, nn.Identity)


def test_all_faults_of_a_style_are_told_at_once() -> None:
    wrong: Any = {"norm": "layer", "activation": "tanh", "se_min_hidden": -1, "dropout": 1.0}
    with pytest.raises(ConfigError, match="norm: one of instance") as caught:
        BlockStyle(**wrong)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == list(wrong)


@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("layout", [torch.channels_last_3d, torch.contiguous_format])
def test_the_instance_norm_and_its_gradient_are_those_of_pytorch_in_every_layout(
    samples: int, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    image, weight = torch.randn(samples, 4, 5, 6, 7) * 3 + 2, torch.randn(samples, 4, 5, 6, 7)
    found = []
    for norm in (InstanceNorm3D(4, affine=True), nn.InstanceNorm3d(4, affine=True)):
        given = image.to(memory_format=layout).requires_grad_()
        output = norm.train()(given)
        (output * weight).sum().backward()
        found.append([output.detach(), given.grad, *(each.grad for each in norm.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_a_single_sample_stays_in_channels_last_layout() -> None:
    image = torch.randn(1, 4, 5, 6, 7).to(memory_format=torch.channels_last_3d)
    assert InstanceNorm3D(4).train()(image).is_contiguous(memory_format=torch.channels_last_3d)

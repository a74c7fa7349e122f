"""The published network, fact by fact, and what can be changed of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke.networks import UNet3D

PUBLISHED_ENCODER = [1960, 10545, 42146, 168516, 673928, 2695440, 10781216]
PUBLISHED_UP = [1049088, 262400, 65664, 16448, 4128, 1040, 528]
PUBLISHED_BLOCK = [5449488, 1362824, 340932, 85346, 21393, 5368, 3496]


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(scope="module")
def published() -> UNet3D:
    """The published network, without values: shapes and counts need none."""
    with torch.device("meta"):
        return UNet3D()


@pytest.fixture
def volume() -> Tensor:
    return torch.empty(1, 1, 256, 256, 256, device="meta")


def test_the_published_parameters_in_total(published: UNet3D) -> None:
    assert parameters(published.encoder) == 14_373_751
    assert parameters(published.decoder) == 8_668_242
    assert parameters(published) == 23_041_993


def test_the_published_parameters_per_layer(published: UNet3D) -> None:
    assert [parameters(level) for level in published.encoder.levels] == PUBLISHED_ENCODER
    assert [parameters(stage.up) for stage in published.decoder.stages] == PUBLISHED_UP
    assert [parameters(stage.block) for stage in published.decoder.stages] == PUBLISHED_BLOCK
    assert parameters(published.decoder.head) == 99


def test_the_published_shapes(published: UNet3D, volume: Tensor) -> None:
    features = published.encoder(volume)
    assert [tuple(feature.shape) for feature in features] == [
        (1, 8 << level, *(128 >> level,) * 3) for level in range(7)
    ]
    assert tuple(published(volume).shape) == (1, 11, 256, 256, 256)


def test_the_published_summary(published: UNet3D, volume: Tensor) -> None:
    torchinfo = pytest.importorskip("torchinfo")
    summary = torchinfo.summary(published, input_data=volume, device="meta", verbose=0)
    assert round(summary.total_mult_adds / 1e9, 2) == 103.90
    assert round(summary.total_output_bytes / 1e6, 2) == 9887.00
    total = summary.total_input + summary.total_output_bytes + summary.total_param_bytes
    assert round(total / 1e6, 2) == 10046.28


def test_the_published_norms_are_affine_in_the_decoder_alone(published: UNet3D) -> None:
    def norms(module: nn.Module) -> Iterator[nn.InstanceNorm3d]:
        return (each for each in module.modules() if isinstance(each, nn.InstanceNorm3d))

    assert [norm.affine for norm in norms(published.encoder)] == [False] * 21
    assert all(norm.affine for norm in norms(published.decoder))


@pytest.mark.parametrize(
    ("depth", "count"), [(3, 90_703), (4, 361_013), (5, 1_441_537), (6, 5_762_201), (7, 23_041_993)]
)
def test_the_published_pattern_at_other_depths(depth: int, count: int) -> None:
    with torch.device("meta"):
        assert parameters(UNet3D(depth=depth)) == count


@pytest.mark.parametrize("size", [(16, 16, 16), (17, 18, 21), (9, 30, 12)])
def test_logits_have_the_size_of_the_input(size: tuple[int, int, int]) -> None:
    assert UNet3D(depth=3)(torch.rand(2, 1, *size)).shape == (2, 11, *size)


def test_a_volume_too_small_for_seven_levels_is_refused_with_the_least_size(published: UNet3D) -> None:
    with pytest.raises(ConfigError, match=r"7 levels need at least 129 voxels .* \(256 divides evenly\)"):
        published(torch.empty(1, 1, 128, 128, 128, device="meta"))


@pytest.mark.parametrize(
    "settings",
    [
        {"in_channels": 2},
        {"out_channels": 14},
        {"base_channels": 4},
        {"se": False},
        {"se_min_hidden": 1},
        {"dropout": 0.0},
        {"norm": "batch"},
        {"norm": "group"},
        {"norm": "none"},
        {"activation": "leaky_relu"},
        {"activation": "gelu"},
        {"full_resolution_stage": True},
        {"full_resolution_stage": True, "base_channels": 16, "deep_supervision": True, "checkpoint_activations": True},
    ],
    ids=str,
)
def test_every_option_trains_all_its_parameters(settings: dict[str, Any]) -> None:
    torch.manual_seed(0)
    network = UNet3D(depth=2, **settings)
    logits = network(torch.rand(2, settings.get("in_channels", 1), 8, 8, 9))
    logits = logits if isinstance(logits, list) else [logits]
    assert logits[0].shape == (2, settings.get("out_channels", 11), 8, 8, 9)
    sum(each.square().sum() for each in logits).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_the_stage_at_full_resolution_adds_a_stem_and_widens_the_last_block() -> None:
    plain, full = UNet3D(depth=3), UNet3D(depth=3, full_resolution_stage=True)
    stem = 27 * 8 + 27 * 64 + 8 + 8  # two convolutions, the gate, the skip
    first_level = 27 * 64 + 64 - (27 * 8 + 8)  # eight channels come in instead of one
    last_block = 27 * 64 + 8 * 16 + 16  # sixteen come in instead of eight, and a skip with its norm
    assert parameters(full) - parameters(plain) == stem + first_level + last_block


def test_deep_supervision_gives_a_list_in_training_alone() -> None:
    network, x = UNet3D(depth=5, deep_supervision=True), torch.rand(1, 1, 33, 48, 64)
    assert [tuple(each.shape) for each in network(x)] == [
        (1, 11, 33, 48, 64),
        (1, 11, 17, 24, 32),
        (1, 11, 9, 12, 16),
        (1, 11, 5, 6, 8),
    ]
    assert network.eval()(x).shape == (1, 11, 33, 48, 64)


def test_a_single_level_has_one_scale_to_supervise() -> None:
    network = UNet3D(depth=1, deep_supervision=True)
    assert network(torch.rand(1, 1, 4, 4, 4)).shape == (1, 11, 4, 4, 4)


def test_checkpointing_gives_equal_gradients_with_the_same_dropout() -> None:
    torch.manual_seed(0)
    plain = UNet3D(depth=3, full_resolution_stage=True)
    lean = UNet3D(depth=3, full_resolution_stage=True, checkpoint_activations=True)
    lean.load_state_dict(plain.state_dict())
    x = torch.rand(1, 1, 16, 16, 17)
    for network in (plain, lean):
        torch.manual_seed(1)
        network(x).square().mean().backward()
    for (name, one), other in zip(plain.named_parameters(), lean.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad), name


def test_checkpointing_keeps_fewer_values_for_the_backward_pass() -> None:
    def kept(network: UNet3D) -> int:
        sizes = {}

        def pack(tensor: Tensor) -> Tensor:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        held = []  # storages must stay, or their addresses would come again
        with torch.autograd.graph.saved_tensors_hooks(lambda t: (held.append(t), pack(t))[1], lambda t: t):
            network(torch.rand(1, 1, 32, 32, 32))
        return sum(sizes.values())

    assert kept(UNet3D(depth=3, checkpoint_activations=True)) < kept(UNet3D(depth=3)) / 2


def test_an_evaluated_network_sees_each_case_of_a_batch_alone() -> None:
    torch.manual_seed(0)
    network, x = UNet3D(depth=2).eval(), torch.rand(2, 1, 8, 8, 8)
    torch.testing.assert_close(network(x)[1:], network(x[1:]))


def test_faults_of_all_settings_are_told_at_once() -> None:
    wrong: Any = {"out_channels": 0, "depth": 0, "norm": "layer", "dropout": -0.1}
    with pytest.raises(ConfigError, match="out_channels: 1 or more") as caught:
        UNet3D(**wrong)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == list(wrong)


def test_bfloat16_autocast_runs() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        logits = UNet3D(depth=2)(torch.rand(1, 1, 8, 8, 8))
    assert logits.isfinite().all()


@pytest.mark.gpu
def test_the_published_network_trains_at_its_published_size() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    network = UNet3D(checkpoint_activations=True).cuda()
    with torch.autocast("cuda", torch.bfloat16):
        logits = network(torch.rand(1, 1, 256, 256, 256, device="cuda"))
    logits.float().square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in network.parameters())

"""Networks by name, ours and MONAI's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from deepstroke.errors import ConfigError
from deepstroke.networks import UNet3D, available, build, check, register, registry, settings_of


@pytest.fixture
def registered() -> Iterator[str]:
    register("tiny", lambda width=4: torch.nn.Conv3d(1, width, 1))
    yield "tiny"
    registry._FACTORIES.pop("tiny")


def test_ours_by_name() -> None:
    network = build("unet3d", depth=3)
    assert isinstance(network, UNet3D)
    assert network(torch.rand(1, 1, 16, 16, 16)).shape == (1, 11, 16, 16, 16)


def test_another_can_be_registered_once(registered: str) -> None:
    assert registered in available()
    assert build(registered, width=2).out_channels == 2
    with pytest.raises(ConfigError, match="'tiny' is registered already"):
        register(registered, UNet3D)


def test_settings_and_their_defaults_can_be_seen() -> None:
    assert settings_of("unet3d")["base_channels"] == 8
    assert "feature_size" in settings_of("swin_unetr")


def test_an_unknown_name_is_refused_with_the_nearest_and_all() -> None:
    with pytest.raises(
        ConfigError, match=r"'unet' is unknown, did you mean 'unet3d'\? .*dynunet, .*swin_unetr, unet3d"
    ):
        build("unet")


def test_unknown_settings_and_wrong_types_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="deph: no such setting of unet3d, did you mean 'depth'") as caught:
        build("unet3d", deph=3, base_channels="8", dropout=True, se=1)
    lines = str(caught.value).splitlines()
    assert lines[1:] == [
        "base_channels: int is expected, such as 8, found '8'",
        "dropout: float is expected, such as 0.2, found True",
        "se: bool is expected, such as True, found 1",
    ]


@pytest.mark.parametrize("name", ["unet3d", "dynunet", "swin_unetr"])
def test_valid_settings_pass_the_check(name: str) -> None:
    check(name, {"dropout": 0, "in_channels": 2})


@pytest.mark.parametrize(
    ("name", "settings", "match"),
    [
        ("unet3d", {"depth": 0}, "depth: 1 or more is expected, found 0"),
        ("dynunet", {"depth": 1, "dropout": 1.0}, "depth: 2 or more is expected, found 1\ndropout: at least 0"),
        ("swin_unetr", {"feature_size": 20}, "feature_size should be divisible by 12"),
    ],
)
def test_values_out_of_range_fail_the_check(name: str, settings: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        check(name, settings)


def test_dynunet_gives_logits_and_in_training_a_list_finest_first() -> None:
    pytest.importorskip("monai")
    network, x = build("dynunet", depth=3, base_channels=4, deep_supervision=True), torch.rand(1, 1, 16, 16, 24)
    assert [tuple(each.shape) for each in network(x)] == [(1, 11, 16, 16, 24)] * 3
    finest = network.network.network.output_block.conv.conv.weight
    assert torch.autograd.grad(network(x)[0].sum(), finest)[0].abs().sum() > 0
    assert network.eval()(x).shape == (1, 11, 16, 16, 24)


def test_dynunet_refuses_sizes_that_do_not_divide() -> None:
    pytest.importorskip("monai")
    with pytest.raises(ConfigError, match=r"sizes that 8 divides, found \(16, 16, 20\)"):
        build("dynunet", depth=3, base_channels=4)(torch.rand(1, 1, 16, 16, 20))


def test_swin_unetr_gives_logits_and_refuses_sizes_that_do_not_divide() -> None:
    pytest.importorskip("monai")
    network = build("swin_unetr", feature_size=12)
    assert network(torch.rand(1, 1, 32, 32, 64)).shape == (1, 11, 32, 32, 64)
    with pytest.raises(ConfigError, match="sizes that 32 divides"):
        network(torch.rand(1, 1, 48, 32, 32))


@pytest.mark.parametrize("name", ["dynunet", "swin_unetr"])
def test_without_monai_its_networks_say_how_to_get_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "monai.networks", None)
    with pytest.raises(ConfigError, match='pip install "deepstroke\\[train\\]"'):
        build(name)


@pytest.mark.parametrize(
    ("name", "settings", "parameters"),
    [
        ("cerebellum_m1", {}, 372_521),
        ("cerebellum_m2", {}, 550_097),
        ("residual_unet3d", {}, 8_769_251),
        ("residual_unet3d", {"in_channels": 2}, 8_770_117),
        ("double_conv_unet3d", {}, 4_081_267),
        ("alignment", {}, 7_459_142),
        ("adn", {"preset": "reference"}, 24_997_644),
        ("dynunet", {"out_channels": 34, "deep_supervision": True, "affine": False}, 31_198_120),
        ("dynunet", {"out_channels": 36, "deep_supervision": True, "affine": False}, 31_199_088),
        ("dynunet", {"out_channels": 108, "deep_supervision": True, "affine": False}, 31_233_936),
    ],
)
def test_published_networks_have_their_parameters(name: str, settings: dict[str, Any], parameters: int) -> None:
    if name == "dynunet":
        pytest.importorskip("monai")
    check(name, settings)
    with torch.device("meta"):
        network = build(name, **settings)
    assert sum(each.numel() for each in network.parameters()) == parameters


def test_one_voxel_at_the_coarsest_level_is_refused() -> None:
    """An instance norm of one voxel gives 0 whatever it is given, and PyTorch refuses it."""
    pytest.importorskip("monai")
    network = build("dynunet", base_channels=2, depth=2)
    with pytest.raises(ConfigError, match=r"at \(4, 4, 4\) one voxel is left at the coarsest level"):
        network(torch.zeros(1, 1, 4, 4, 4))
    assert network(torch.zeros(1, 1, 8, 4, 4)).shape == (1, 11, 8, 4, 4)

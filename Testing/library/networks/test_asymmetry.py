"""The Asymmetry Disentanglement Network's maps against numbers worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from deepstroke.errors import ConfigError
from deepstroke.networks import AsymmetryDisentanglementNetwork, InPlanePose, build, mirrored
from deepstroke.networks.asymmetry import intrinsic_asymmetry, total_asymmetry


def line(*values: float) -> Tensor:
    return torch.tensor(values).reshape(1, 1, -1, 1, 1)


X, MIRROR, P = line(0.2, 0.5, 0.4, 0.6), line(0.6, 0.5, 0.5, 0.6), line(0.3, 0, 0.05, 0.1)


def test_it_has_the_parameters_of_its_parts() -> None:
    network = AsymmetryDisentanglementNetwork()
    assert sum(each.numel() for each in network.parameters()) == 7_459_142 + 2 * 8_769_251


def test_the_maps_of_a_line_of_voxels_by_hand() -> None:
    total = total_asymmetry(X, MIRROR)
    torch.testing.assert_close(total, line(0.4, 0, 0.1, 0))
    signed, rectified = intrinsic_asymmetry(total, P, False), intrinsic_asymmetry(total, P, True)
    torch.testing.assert_close(signed, line(0.1, 0, 0.05, -0.1))
    torch.testing.assert_close(X + signed, line(0.3, 0.5, 0.45, 0.5))
    torch.testing.assert_close(X + rectified, line(0.3, 0.5, 0.45, 0.6))
    torch.testing.assert_close(X + P, line(0.5, 0.5, 0.45, 0.7))


def test_all_asymmetry_pathological_leaves_the_image_and_none_makes_it_the_lighter_of_both_sides() -> None:
    x = torch.rand(1, 1, 8, 6, 4)
    total = total_asymmetry(x)
    torch.testing.assert_close(x + intrinsic_asymmetry(total, total, False), x)
    torch.testing.assert_close(x + intrinsic_asymmetry(total, 0 * x, False), torch.maximum(x, mirrored(x)))


def test_of_two_mirrored_voxels_only_one_is_darker() -> None:
    total = total_asymmetry(torch.rand(1, 1, 8, 6, 4))
    assert (total * mirrored(total)).abs().max() == 0
    assert total.max() > 0


@pytest.mark.parametrize(
    ("preset", "rotation", "limits", "rectified"),
    [("paper", 60.0, (0.5, 0.5), False), ("reference", 40.0, (0.25, 0.0), True)],
)
def test_presets_differ_in_limits_and_in_the_sign_of_intrinsic_asymmetry(
    preset: Any, rotation: float, limits: tuple[float, float], rectified: bool
) -> None:
    torch.manual_seed(0)
    network = AsymmetryDisentanglementNetwork(preset, base_channels=8)
    assert (network.alignment.rotation_deg, network.alignment.limits) == (rotation, limits)
    maps = network.disentangle(torch.rand(1, 1, 16, 16, 16))
    assert (maps.intrinsic.min() >= 0) == rectified


def test_the_maps_belong_together() -> None:
    torch.manual_seed(1)
    network, x = AsymmetryDisentanglementNetwork(base_channels=8).eval(), torch.rand(2, 1, 16, 24, 16)
    maps = network.disentangle(x)
    torch.testing.assert_close(maps.total, total_asymmetry(maps.aligned))
    torch.testing.assert_close(maps.pathological + maps.intrinsic, maps.total)
    torch.testing.assert_close(maps.salient, maps.aligned + maps.intrinsic)
    torch.testing.assert_close(maps.compensated, maps.aligned + maps.pathological)
    torch.testing.assert_close(network(x), maps.segmentation)
    assert 0 <= maps.segmentation.min() <= maps.segmentation.max() <= 1


def test_with_a_known_pose_the_lesion_comes_back_to_the_input() -> None:
    network = AsymmetryDisentanglementNetwork(base_channels=8).eval()
    pose = InPlanePose.of(torch.zeros(1), torch.tensor([[3.0, 0.0]]))
    maps = network.disentangle_posed(torch.rand(1, 1, 16, 16, 16), pose)
    torch.testing.assert_close(maps.segmentation[:, :, 3:], maps.logits.sigmoid()[:, :, :-3], atol=1e-4, rtol=0)
    assert maps.segmentation[:, :, :3].abs().max() < 1e-4


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="one of paper, reference is expected, found 'papers'"):
        build("adn", preset="papers")

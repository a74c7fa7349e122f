"""Poses within the slice, and the network that finds them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform
from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke.networks import AlignmentNetwork, InPlanePose, mirrored

SHAPE = (40, 28, 6)


def count(module: nn.Module) -> int:
    return sum(each.numel() for each in module.parameters())


def pose(degrees: float, i: float = 0.0, j: float = 0.0) -> InPlanePose:
    return InPlanePose.of(torch.tensor([math.radians(degrees)]), torch.tensor([[i, j]]))


def blob(centre: tuple[float, float, float] = (23.0, 11.0, 2.5), width: float = 4.0) -> Tensor:
    axes = torch.meshgrid(*(torch.arange(float(size)) for size in SHAPE), indexing="ij")
    squares = sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True))
    return torch.exp(-squares / (2 * width**2))[None, None]  # type: ignore[operator]


def test_the_network_has_the_published_parameters_stage_by_stage() -> None:
    network = AlignmentNetwork()
    assert [count(each) for each in network.stages] == [57536, 352640, 1409792, 5637632]
    assert count(network.regress) == 1542
    assert count(network) == 7_459_142
    groups = [each.num_groups for each in network.modules() if isinstance(each, nn.GroupNorm)]
    assert groups == [8, 8, 16, 16, 32, 32, 64, 64]


def test_six_numbers_within_one_and_poses_within_the_limits() -> None:
    torch.manual_seed(0)
    network = AlignmentNetwork(rotation_deg=40, translation=(0.25, 0.0))
    nn.init.constant_(network.regress.bias, 9.0)
    x = torch.rand(2, 1, 32, 48, 16)
    assert network(x).shape == (2, 6)
    found = network.pose(x)
    assert torch.rad2deg(found.angle_rad).tolist() == pytest.approx([40, 40], abs=1e-3)
    np.testing.assert_allclose(found.translation.detach(), [[8, 0], [8, 0]], atol=1e-4)


def test_a_pose_and_its_inverse_cancel() -> None:
    poses = InPlanePose.of(torch.tensor([0.3, -1.0]), torch.tensor([[20.0, -7.0], [3.0, 64.0]]))
    product = poses.aligned_to_input @ poses.input_to_aligned
    assert (product - torch.eye(4, dtype=torch.float64)).abs().max() < 1e-7


def test_no_motion_changes_nothing() -> None:
    image = torch.rand(2, 2, *SHAPE)
    for still in (InPlanePose.identity(2), InPlanePose.of(torch.zeros(2), torch.zeros(2, 2))):
        torch.testing.assert_close(still.align(image), image, atol=1e-5, rtol=0)


def test_a_moved_image_is_aligned_by_the_pose_after_its_motion() -> None:
    found, motion = pose(15, 2, -1), pose(-8, 1.5, 2)
    moved = motion.align(blob())
    torch.testing.assert_close(found.after(motion).align(moved), found.align(blob()), atol=0.06, rtol=0)
    assert (found.align(moved) - found.align(blob())).abs().max() > 0.2


def test_the_mirror_image_is_aligned_by_the_mirrored_pose() -> None:
    found = InPlanePose.of(torch.tensor([0.3, 0.3]), torch.tensor([[3.0, -2.0], [3.0, -2.0]]))
    changed = found.mirrored(torch.tensor([True, False]))
    assert changed.angle_rad.tolist() == pytest.approx([-0.3, 0.3])
    assert changed.translation.tolist() == [[-3.0, -2.0], [3.0, -2.0]]
    image = blob().expand(2, -1, -1, -1, -1)
    torch.testing.assert_close(changed.align(mirrored(image))[:1], mirrored(found.align(image))[:1], atol=1e-4, rtol=0)


def test_the_least_shift_keeps_the_plane() -> None:
    least = pose(90, 4, -3).of_least_shift()  # the plane's normal is j
    assert math.degrees(float(least.angle_rad)) == pytest.approx(90)
    assert least.translation[0].tolist() == pytest.approx([0, -3], abs=1e-6)


def test_a_translation_is_in_voxels_along_i_and_j() -> None:
    image = torch.rand(1, 1, *SHAPE)
    moved = pose(0, 3, -2).align(image)
    torch.testing.assert_close(moved[:, :, :-3, 2:], image[:, :, 3:, :-2], atol=1e-4, rtol=0)
    assert moved[:, :, -3:].abs().max() < 1e-4


@pytest.mark.parametrize(("degrees", "i", "j"), [(12.0, 0.0, 0.0), (-35.0, 2.5, -4.0), (90.0, 0.0, 0.0)])
def test_rotations_hold_where_sides_differ_in_length(degrees: float, i: float, j: float) -> None:
    image, posed = blob(), pose(degrees, i, j)
    matrix = posed.aligned_to_input[0].numpy()
    centre = (np.array(SHAPE) - 1) / 2
    offset = centre + matrix[:3, 3] - matrix[:3, :3] @ centre
    expected = affine_transform(image[0, 0].numpy(), matrix[:3, :3], offset, order=1, mode="grid-constant")
    found = posed.align(image)[0, 0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert expected.max() > 0.5


def test_the_angle_turns_from_i_towards_j() -> None:
    image = torch.zeros(1, 1, 21, 21, 1)
    image[0, 0, 10, 15] = 1  # 5 voxels along j
    aligned = pose(90).align(image)  # the input is looked up a quarter turn on, where the point at +i is +j
    assert aligned[0, 0, 15, 10, 0].item() == pytest.approx(1, abs=1e-4)


def test_a_round_trip_is_close_but_not_exact() -> None:
    image, posed = blob((19.5, 13.5, 2.5)), pose(12)
    error = (posed.restore(posed.align(image)) - image).abs()[:, :, 8:-8, 6:-6].max().item()
    assert 1e-4 < error < 0.02


def test_poses_are_differentiable() -> None:
    angle, translation = torch.tensor([0.1], requires_grad=True), torch.tensor([[1.0, 2.0]], requires_grad=True)
    posed = InPlanePose.of(angle, translation)
    aligned = posed.align(blob())
    (aligned - mirrored(aligned)).abs().mean().backward()
    assert angle.grad is not None
    assert angle.grad.abs().item() > 0
    assert translation.grad is not None
    assert translation.grad[0, 0].abs() > 0


def test_mirroring_flips_left_and_right() -> None:
    image = torch.rand(1, 1, 4, 3, 2)
    assert torch.equal(mirrored(image)[0, 0, 0], image[0, 0, 3])


def test_small_inputs_and_faulty_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"16 voxels or more along each axis, found \(32, 32, 8\)"):
        AlignmentNetwork()(torch.zeros(1, 1, 32, 32, 8))
    with pytest.raises(ConfigError) as caught:
        AlignmentNetwork(in_channels=0, rotation_deg=181, translation=(0.5,))
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "in_channels",
        "rotation_deg",
        "translation",
    ]

"""Losses at several scales, against labels brought to each."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from deepstroke_training.losses import DeepSupervision, LossSettings, build_loss, downsample_labels


class Largest(nn.Module):
    """A loss known by hand: the largest logit plus the largest label."""

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        assert logits.shape[2:] == target.shape[2:]
        return logits.max() + target.max()


def test_scales_weigh_one_a_half_and_a_quarter() -> None:
    logits = [torch.full((1, 2, size, size, size), value) for size, value in ((8, 1.0), (4, 10.0), (2, 100.0))]
    loss = DeepSupervision(Largest())(logits, torch.zeros(1, 1, 8, 8, 8, dtype=torch.uint8))
    assert loss.item() == pytest.approx((1 + 5 + 25) / 1.75)


def test_one_scale_is_the_loss_itself() -> None:
    torch.manual_seed(0)
    loss, logits = build_loss(LossSettings(chunked=True)), torch.randn(1, 3, 4, 4, 4)
    target = torch.randint(0, 3, (1, 1, 4, 4, 4))
    torch.testing.assert_close(loss(logits, target), loss([logits], target))
    torch.testing.assert_close(loss(logits, target), loss([logits, logits, logits], target))


def test_labels_are_taken_at_the_centres() -> None:
    labels = torch.arange(6, dtype=torch.uint8).reshape(1, 1, 6, 1, 1)
    assert downsample_labels(labels, (2, 1, 1)).flatten().tolist() == [1, 4]
    assert downsample_labels(labels, (3, 1, 1)).flatten().tolist() == [1, 3, 5]
    assert downsample_labels(labels, (6, 1, 1)) is labels


def test_labels_keep_their_type_and_axes() -> None:
    labels = torch.randint(0, 11, (2, 1, 9, 6, 4), dtype=torch.uint8)
    small = downsample_labels(labels, (3, 3, 4))
    assert small.dtype == torch.uint8
    assert torch.equal(small, labels[:, :, 1::3, 1::2])


def test_a_network_with_deep_supervision_learns_from_every_scale() -> None:
    from deepstroke.networks import UNet3D

    torch.manual_seed(0)
    network = UNet3D(depth=3, deep_supervision=True)
    target = torch.randint(0, 11, (1, 1, 9, 16, 12), dtype=torch.uint8)
    build_loss(LossSettings(chunked=True))(network(torch.rand(1, 1, 9, 16, 12)), target).backward()
    assert len(network.decoder.coarser_heads) == 2
    assert all(head.weight.grad.abs().sum() > 0 for head in network.decoder.coarser_heads)

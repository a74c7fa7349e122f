"""The losses of T, D and F against numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from deepstroke.networks import AsymmetryDisentanglementNetwork, InPlanePose
from deepstroke_training.asymmetry.losses import (
    AsymmetryLoss,
    TissueMaps,
    aligned_mask,
    alignment_loss,
    asymmetry_loss,
    cross_entropy,
    generalised_dice_loss,
    intrinsic_loss,
    segmentation_loss,
    size_loss,
    tissue_loss,
)


def line(*values: float) -> Tensor:
    return torch.tensor(values).reshape(1, 1, -1, 1, 1)


A, P, G = line(0.4, 0, 0.1, 0), line(0.3, 0, 0.05, 0.1), line(1, 0, 0, 0)


@pytest.mark.parametrize(
    ("preset", "asymmetry", "size", "intrinsic"),
    [("paper", 0.08125, 0.1375, -0.0125), ("reference", 0.025, 0.0125, -0.0375)],
)
def test_the_terms_of_both_presets_by_hand(preset: Any, asymmetry: float, size: float, intrinsic: float) -> None:
    assert asymmetry_loss(P, A, preset).item() == pytest.approx(asymmetry, abs=1e-6)
    assert size_loss(P, A, G, preset).item() == pytest.approx(size, abs=1e-6)
    assert intrinsic_loss(P, A, preset).item() == pytest.approx(intrinsic, abs=1e-6)


def test_asymmetry_counts_as_tissue_only_where_grey_lies_opposite_white_or_in_csf() -> None:
    tissue = TissueMaps(grey=line(1, 0, 0, 1), white=line(0, 1, 0, 0), csf=line(0, 0, 1, 0))
    assert tissue.excluded().flatten().tolist() == [0, 0, 1, 0]
    crossed = TissueMaps(grey=line(1, 1, 0, 0), white=line(0, 0, 1, 0), csf=line(0, 0, 0, 1))
    assert crossed.excluded().flatten().tolist() == [0, 0, 1, 1]
    assert crossed.excluded(symmetric=True).flatten().tolist() == [0, 1, 1, 1]
    assert tissue_loss(P, crossed).item() == pytest.approx(0.15 / 4)


def test_a_symmetric_head_in_the_middle_has_no_alignment_loss_and_a_turned_one_has() -> None:
    axes = torch.meshgrid(*(torch.arange(24.0) - 11.5,) * 3, indexing="ij")
    head = torch.exp(-((axes[0] / 5) ** 2 + (axes[1] / 8) ** 2 + (axes[2] / 8) ** 2))[None, None]

    def pose(degrees: float, i: float) -> InPlanePose:
        return InPlanePose.of(torch.tensor([math.radians(degrees)]), torch.tensor([[i, 0.0]]))

    in_place = alignment_loss(head, pose(0, 0))
    assert in_place.item() < 1e-6
    assert alignment_loss(head, pose(15, 0)).item() > 1e-3
    assert alignment_loss(head, pose(0, 3)).item() > 1e-3


def test_without_reconstruction_an_empty_volume_is_best() -> None:
    head, away = torch.rand(1, 1, 16, 16, 16), InPlanePose.of(torch.zeros(1), torch.tensor([[40.0, 0.0]]))
    assert alignment_loss(head, away, reconstruct=False).item() == 0
    assert alignment_loss(head, away).item() == pytest.approx(head.mean().item(), rel=1e-4)


def test_generalised_dice_weighs_a_small_lesion_as_much_as_the_rest() -> None:
    truth = torch.zeros(1, 1, 10, 10, 10)
    truth[..., :2, :2, :2] = 1
    assert generalised_dice_loss(truth, truth).item() == pytest.approx(0, abs=1e-6)
    missed = generalised_dice_loss(torch.zeros_like(truth), truth).item()
    weights = 1 / 8**2, 1 / 992**2
    assert missed == pytest.approx(1 - 2 * weights[1] * 992 / (weights[0] * 8 + weights[1] * (1000 + 992)), rel=1e-5)
    assert missed > 0.95


def test_masks_are_moved_as_zero_and_one_and_cut_at_a_half() -> None:
    mask = torch.zeros(1, 1, 8, 4, 4)
    mask[:, :, 4] = 7
    pose = InPlanePose.of(torch.zeros(1), torch.tensor([[0.4, 0.0]]))
    assert aligned_mask(mask, pose)[0, 0, :, 2, 2].tolist() == [0, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize("preset", ["paper", "reference"])
def test_the_whole_loss_adds_its_parts_and_teaches_both_networks(preset: Any) -> None:
    torch.manual_seed(0)
    network = AsymmetryDisentanglementNetwork(preset, base_channels=8)
    image, lesion = torch.rand(1, 1, 16, 16, 16), torch.zeros(1, 1, 16, 16, 16)
    lesion[..., 4:8, 4:8, 4:8] = 1
    pose = InPlanePose.of(torch.zeros(1), torch.zeros(1, 2))
    maps = network.disentangle_posed(image, pose)
    empty = torch.zeros_like(image)
    tissue = TissueMaps(empty, empty, torch.ones_like(image))
    loss, ablation = AsymmetryLoss(preset), AsymmetryLoss(preset, tissue_weight=0.0)
    found = loss(maps, lesion, tissue)
    torch.testing.assert_close(found - ablation(maps, lesion, tissue), 10 * maps.pathological.mean(), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        found, segmentation_loss(maps.logits.sigmoid(), lesion) + 10 * loss.of_extraction(maps, lesion, tissue)
    )
    warm = loss(maps, lesion, tissue, warm=True)
    if preset == "paper":
        torch.testing.assert_close(warm, found + cross_entropy(maps.pathological, lesion))
        with_dice = AsymmetryLoss(preset, warm_dice=True)
        torch.testing.assert_close(
            with_dice(maps, lesion, tissue, warm=True), found + segmentation_loss(maps.pathological, lesion)
        )
        assert with_dice(maps, lesion, tissue) == found
    else:
        expected = segmentation_loss(maps.logits.sigmoid(), lesion) + segmentation_loss(maps.pathological, lesion)
        torch.testing.assert_close(warm, expected)
    found.backward()
    for part in (network.extraction, network.segmentation):
        assert sum(each.grad.abs().sum() for each in part.parameters() if each.grad is not None) > 0

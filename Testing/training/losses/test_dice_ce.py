"""Dice plus cross-entropy: MONAI's as published, and the same value and gradient by chunks."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch import Tensor

from deepstroke.errors import ConfigError, InputError
from deepstroke_training.losses import LossSettings, build_loss

CLASSES = 11
SETTINGS: list[dict[str, Any]] = [
    {},
    {"lambda_ce": 1.0, "include_background": False},
    {"lambda_dice": 0.0},
    {"lambda_ce": 0.0},
    {"dice_activation": "softmax"},
    {"dice_activation": "softmax", "include_background": False, "lambda_ce": 1.0},
    {"class_weights": tuple(0.5 + 0.25 * k for k in range(CLASSES))},
    {"dice_activation": "softmax", "class_weights": (0.0, *(1.0 + k for k in range(CLASSES - 1)))},
    {"include_background": False, "class_weights": tuple(1.0 + k for k in range(CLASSES))},
]


def example(dtype: torch.dtype = torch.float32, size: tuple[int, ...] = (5, 6, 7)) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    logits = 3 * torch.randn(2, CLASSES, *size)
    return logits.to(dtype), torch.randint(0, CLASSES - 1, (2, 1, *size), dtype=torch.uint8)  # the last is absent


def value_and_gradient(settings: LossSettings, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    logits = logits.clone().requires_grad_()
    value = build_loss(settings).to(torch.promote_types(logits.dtype, torch.float32)).to(logits.device)(logits, target)
    (3 * value).backward()  # as a gradient scaler would
    assert logits.grad is not None
    return value.detach(), logits.grad


@pytest.mark.parametrize("chunked", [False, True])
def test_the_published_loss_of_zero_logits(chunked: bool) -> None:
    loss = build_loss(LossSettings(chunked=chunked, chunk_voxels=3))
    two = torch.tensor([0, 1]).reshape(1, 1, 2, 1, 1)
    assert loss(torch.zeros(1, 2, 2, 1, 1), two).item() == pytest.approx(0.6386269, abs=1e-7)
    eleven = torch.arange(11).reshape(1, 1, 11, 1, 1)
    assert loss(torch.zeros(1, 11, 11, 1, 1), eleven).item() == pytest.approx(1.3257316, abs=2e-7)


def test_a_loss_by_hand() -> None:
    """One voxel of class 0, logits (ln 3, 0): sigmoids 3/4 and 1/2, softmax 3/4 and 1/4."""
    logits = torch.tensor([3.0, 1.0]).log().reshape(1, 2, 1, 1, 1)
    target = torch.zeros(1, 1, 1, 1, 1, dtype=torch.uint8)
    surprise = -torch.tensor(0.75).log().item()
    for activation, p0, p1 in (("sigmoid", 0.75, 0.5), ("softmax", 0.75, 0.25)):
        dice = 1 - ((2 * p0 + 1e-5) / (p0 + 1 + 1e-5) + 1e-5 / (p1 + 1e-5)) / 2
        for chunked in (False, True):
            loss = build_loss(LossSettings(dice_activation=activation, chunked=chunked))  # type: ignore[arg-type]
            assert loss(logits, target).item() == pytest.approx(dice + 0.2 * surprise, abs=1e-6)


@pytest.mark.parametrize("chunk_voxels", [1, 100, None])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_chunks_give_monais_value_and_gradient(settings: dict[str, Any], chunk_voxels: int | None) -> None:
    whole = value_and_gradient(LossSettings(**settings), *example(torch.float64))
    parts = LossSettings(**settings, chunked=True, chunk_voxels=chunk_voxels)
    for one, other in zip(whole, value_and_gradient(parts, *example(torch.float64)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("dtype", "relative"), [(torch.float32, 1e-4), (torch.bfloat16, 1e-2), (torch.float16, 2e-3)])
def test_chunks_give_the_same_in_other_precisions(dtype: torch.dtype, relative: float) -> None:
    """Values come from the same 32 bits; gradients are rounded to the logits' own precision."""
    logits, target = example(dtype)
    one, other = (value_and_gradient(LossSettings(chunked=c, chunk_voxels=50), logits, target) for c in (False, True))
    torch.testing.assert_close(one[0], other[0], rtol=1e-5, atol=0)
    assert other[1].dtype == dtype
    torch.testing.assert_close(one[1], other[1], rtol=relative, atol=1e-6)


@pytest.mark.parametrize("chunked", [False, True])
def test_under_autocast_the_loss_is_that_of_the_logits_in_32_bits(chunked: bool) -> None:
    settings = LossSettings(chunked=chunked, chunk_voxels=50)
    logits, target = example(torch.bfloat16)
    wide = value_and_gradient(settings, logits.float(), target)
    with torch.autocast("cpu", torch.bfloat16):
        narrow = value_and_gradient(settings, logits, target)
    torch.testing.assert_close(narrow[0], wide[0], rtol=1e-5, atol=0)
    torch.testing.assert_close(narrow[1].float(), wide[1], rtol=1e-2, atol=1e-6)


def test_sums_that_16_bits_cannot_hold() -> None:
    """500,000 voxels with probability 1 overflow the sums of fp16, and bf16 would stop counting at 256."""
    logits = torch.full((1, 2, 128, 64, 64), -20.0, dtype=torch.float16)
    logits[:, 0] = 20.0
    target = torch.zeros(1, 1, 128, 64, 64, dtype=torch.uint8)
    for chunked in (False, True):
        value = build_loss(LossSettings(chunked=chunked, include_background=False))(logits, target)
        absent = 1 - 1e-5 / (128 * 64 * 64 * torch.tensor(-20.0).sigmoid().item() + 1e-5)
        assert value.item() == pytest.approx(absent, rel=1e-4)


def test_chunks_leave_channels_last_as_it_is() -> None:
    logits, target = example()
    last = logits.to(memory_format=torch.channels_last_3d)
    settings = LossSettings(chunked=True, chunk_voxels=50)
    one, other = (value_and_gradient(settings, each, target) for each in (logits, last))
    torch.testing.assert_close(one, other)
    assert other[1].is_contiguous(memory_format=torch.channels_last_3d)


def test_the_gradient_is_that_of_finite_differences() -> None:
    loss = build_loss(LossSettings(chunked=True, chunk_voxels=2, dice_activation="softmax", class_weights=(1, 2, 3)))
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 2, 1, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: loss(z, torch.tensor([0, 2, 2, 0] * 2).reshape(2, 1, 2, 1, 2)), logits)


def test_chunks_keep_nothing_for_the_backward_pass_but_their_inputs() -> None:
    def kept(chunked: bool) -> int:
        saved: dict[int, Tensor] = {}

        def keep(tensor: Tensor) -> Tensor:
            saved[tensor.untyped_storage().data_ptr()] = tensor
            return tensor

        logits, target = example(torch.bfloat16, (16, 16, 16))
        logits.requires_grad_()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            build_loss(LossSettings(chunked=chunked))(logits, target)
        return sum(tensor.untyped_storage().nbytes() for tensor in saved.values())

    inputs = 2 * 16**3 * (CLASSES * 2 + 1)
    assert kept(chunked=True) < inputs + 1000
    assert kept(chunked=False) > 4 * inputs


def test_wrong_labels_are_refused_by_chunks() -> None:
    logits, target = example()
    loss = build_loss(LossSettings(chunked=True))
    with pytest.raises(InputError, match=r"labels are 0\.\.10 where logits have 11 channels, found \[0, 20\]"):
        loss(logits, target.index_fill(2, torch.tensor(1), 20))
    with pytest.raises(InputError, match=r"labels of shape \(2, 1, 5, 6, 7\) are expected, found \(2, 5, 6, 7\)"):
        loss(logits, target[:, 0])


@pytest.mark.parametrize("chunked", [False, True])
def test_another_number_of_class_weights_is_refused(chunked: bool) -> None:
    with pytest.raises(ConfigError, match="class_weights: 11 numbers are expected, one a class, found 2"):
        build_loss(LossSettings(chunked=chunked, class_weights=(1.0, 2.0)))(*example())


def test_all_faults_of_the_settings_are_told_at_once() -> None:
    wrong: Any = {"lambda_dice": -1, "class_weights": (), "dice_activation": "tanh", "chunk_voxels": 0}
    with pytest.raises(ConfigError, match="lambda_dice: 0 or more is expected, found -1") as caught:
        LossSettings(**wrong)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == list(wrong)
    with pytest.raises(ConfigError, match="nothing to learn from"):
        LossSettings(lambda_dice=0, lambda_ce=0)


def test_without_monai_its_loss_says_how_to_get_it_and_chunks_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "monai.losses.dice", None)
    with pytest.raises(ConfigError, match=r'pip install "deepstroke\[train\]", or set chunked'):
        build_loss()
    assert build_loss(LossSettings(chunked=True))(*example()) > 0


@pytest.mark.gpu
def test_chunks_need_less_memory_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")

    def peak(chunked: bool) -> int:
        logits = torch.zeros(1, CLASSES, 128, 128, 128, device="cuda", dtype=torch.bfloat16, requires_grad=True)
        target = torch.zeros(1, 1, 128, 128, 128, device="cuda", dtype=torch.uint8)
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        build_loss(LossSettings(chunked=chunked, chunk_voxels=1 << 17))(logits, target).backward()
        return torch.cuda.max_memory_allocated() - before

    assert peak(chunked=True) < peak(chunked=False) / 4


@pytest.mark.gpu
def test_chunks_give_the_same_value_and_gradient_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    logits, target = example()
    settings = LossSettings(chunked=True, chunk_voxels=50)
    value, gradient = value_and_gradient(settings, logits.cuda(), target.cuda())
    here = value_and_gradient(settings, logits, target)
    torch.testing.assert_close((value.cpu(), gradient.cpu()), here, rtol=1e-4, atol=1e-7)

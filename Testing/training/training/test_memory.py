"""What a step takes, worked out from shapes, and settings that fit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepstroke_training.configuration import fill
from deepstroke_training.training.memory import (
    GIB,
    estimate_need,
    is_out_of_memory,
    parameter_bytes,
    saved_bytes,
    settings_that_fit,
)
from deepstroke_training.training.placement import Placement
from deepstroke_training.training.run_settings import RunSettings


def published(**data: object) -> RunSettings:
    return fill(RunSettings, {"data": {"shape": [256, 256, 256], "batch_size": 2, "spacing_mm": 1.0, **data}})


def gpu(precision: str = "32-true", processes: int = 1) -> Placement:
    strategy = "single" if processes == 1 else "fsdp"
    return Placement("cuda", processes, 1, strategy, precision)  # type: ignore[arg-type]


def test_the_published_network_keeps_about_5_gib_a_sample() -> None:
    """4.9 GiB by the specification, which leaves out what the head and the gates keep."""
    found = saved_bytes(published())
    assert found is not None
    weights, saved = found
    assert weights == 23_041_993
    assert 4.9 <= saved / GIB <= 5.8


def test_the_parts_of_the_need() -> None:
    settings = published()
    need = estimate_need(settings, gpu())
    half = estimate_need(settings, gpu("bf16-mixed"))
    eighth = estimate_need(settings, gpu(processes=8))
    assert need is not None
    assert half is not None
    assert eighth is not None
    assert need.weights == 4 * 4 * 23_041_993
    assert half.activations == need.activations / 2
    assert eighth.weights == need.weights / 8
    assert need.loss == pytest.approx(5 * 2 * 11 * 256**3 * 4)


def test_what_fits_costs_as_little_as_it_can() -> None:
    settings = published()
    assert settings_that_fit(settings, gpu(), 24 * GIB) == ("trainer.precision=bf16",)
    least = ("trainer.precision=bf16", "loss.chunked=true", "network.checkpoint_activations=true")
    assert settings_that_fit(settings, gpu(), 6 * GIB) == least
    tight = settings_that_fit(settings, gpu(), 2 * GIB)
    assert tight is not None
    assert tight[3:5] == ("data.batch_size=1", "trainer.accumulate=2")
    assert tight[5] == "data.patch=[192,192,192]"
    assert settings_that_fit(settings, gpu(), 0.1 * GIB) is None


def test_errors_that_mean_memory() -> None:
    with pytest.raises(RuntimeError) as told:
        torch.empty(1 << 50)
    assert is_out_of_memory(told.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert not is_out_of_memory(RuntimeError("shapes differ"))


def test_weights_are_counted_at_32_bits() -> None:
    assert parameter_bytes(nn.Linear(3, 2)) == 4 * 8

"""Batches of boxes to be changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from deepstroke_training.data.augmentation import HeadBatch
from deepstroke_training.data.prepared_case import PreparedCase


@pytest.fixture
def batch(case: PreparedCase) -> Callable[..., HeadBatch]:
    """A function that gives a batch of equal heads, the first of them to be shown stripped if asked so."""

    def make(count: int = 1, strip: bool = False) -> HeadBatch:
        def repeated(tensor: torch.Tensor) -> torch.Tensor:
            return tensor.expand(count, *tensor.shape).clone()

        assert case.template_mm is not None
        return HeadBatch(
            image=repeated(case.image.float()[None]),
            label=repeated(case.label[None]),
            brain=repeated(case.brain[None]),
            template_mm=repeated(case.template_mm.float()),
            fill_hu=torch.full((count,), -1024.0),
            strip=torch.arange(count) < (1 if strip else 0),
        )

    return make

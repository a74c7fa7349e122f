"""A figure with its interval behaves as a number."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from deepstroke.evaluation import Estimate


def test_an_estimate_is_its_value() -> None:
    estimate = Estimate(0.5, 0.25, 0.75)
    assert estimate == 0.5
    assert estimate * 2 == 1.0
    assert json.dumps(estimate) == "0.5"
    assert estimate.text(2) == "0.50 [0.25, 0.75]"
    assert estimate.as_dict() == {"value": 0.5, "low": 0.25, "high": 0.75, "confidence": 0.95}


@pytest.mark.parametrize("clone", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_copies_keep_the_interval(clone) -> None:
    copied = clone(Estimate(0.5, 0.25, 0.75, 0.9))
    assert (copied, copied.low, copied.high, copied.confidence) == (0.5, 0.25, 0.75, 0.9)

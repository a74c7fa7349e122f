"""The average of weights over steps."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepstroke_training.training.averaging import WeightAverage


def test_the_decay_grows_to_its_limit() -> None:
    """Step 0 keeps 1/10; step 1 keeps 2/11; from step 9 on (10/19 > 0.5) a half."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 0.0)
    average = WeightAverage(network, decay=0.5)
    nn.init.constant_(network.weight, 1.0)
    average.update(network, step=0)
    assert average.tensors["weight"].item() == pytest.approx(0.9)
    average.update(network, step=1)
    assert average.tensors["weight"].item() == pytest.approx(1 - 0.1 * 2 / 11)
    nn.init.constant_(network.weight, 0.0)
    before = average.tensors["weight"].item()
    average.update(network, step=9)
    assert average.tensors["weight"].item() == pytest.approx(before / 2)


def test_counts_are_copied_and_the_network_stays() -> None:
    network = nn.BatchNorm1d(2)
    average = WeightAverage(network, decay=0.9)
    network(torch.randn(4, 2))
    weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    average.update(network, step=100)
    assert average.tensors["num_batches_tracked"].item() == 1
    assert all(torch.equal(weights[name], tensor) for name, tensor in network.state_dict().items())
    expected = 0.1 * network.running_mean
    assert torch.allclose(average.tensors["running_mean"], expected)

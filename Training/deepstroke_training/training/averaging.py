"""An exponential moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepstroke_training.training.sharding import local_part


class WeightAverage:
    """The average of a network's weights over the steps, each weighing less the longer ago it was.

    The decay of step n is ``min(decay, (1 + n) / (10 + n))``, so that the first steps are soon forgotten. Weights that
    are shared out over processes are averaged where they lie.

    Args:
        network: whose weights are averaged, where they stay for training.
        decay: of one step.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.tensors: dict[str, Tensor] = {name: t.detach().clone() for name, t in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step.

        Args:
            network: the one the average was made for.
            step: how many steps were done before.
        """
        share = 1.0 - min(self.decay, (1.0 + step) / (10.0 + step))
        averages, values = [], []
        for name, tensor in network.state_dict().items():
            average, value = local_part(self.tensors[name]), local_part(tensor.detach())
            if average.is_floating_point():
                averages.append(average)
                values.append(value)
            else:
                average.copy_(value)
        torch._foreach_lerp_(averages, values, share)

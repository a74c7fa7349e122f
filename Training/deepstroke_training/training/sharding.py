"""Networks whose weights are shared out over processes (FSDP2), and how their tensors are put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from deepstroke.errors import ConfigError

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

#: Parts with at least so many parameters are gathered on their own.
_PART = 100_000


def shard(network: nn.Module, mesh: DeviceMesh) -> None:
    """Share a network's weights out over the processes of a mesh, part by part.

    Raises:
        ConfigError: PyTorch is too old for it.
    """
    try:
        from torch.distributed.fsdp import fully_shard
    except ImportError as error:
        raise ConfigError(
            f"trainer.strategy: fsdp needs PyTorch 2.6 or newer, found {torch.__version__}; use ddp or upgrade PyTorch",
            code="strategy",
        ) from error
    for part in _parts(network):
        fully_shard(part, mesh=mesh)
    fully_shard(network, mesh=mesh)


def _parts(network: nn.Module) -> list[nn.Module]:
    """The smallest modules with enough parameters of their own, innermost first; lists have no forward to hook."""
    parts: list[nn.Module] = []
    taken: set[nn.Parameter] = set()
    for module in reversed(list(network.modules())):
        free = [parameter for parameter in module.parameters() if parameter not in taken]
        plain = not isinstance(module, (nn.ModuleList, nn.ModuleDict)) and module is not network
        if plain and sum(parameter.numel() for parameter in free) >= _PART:
            parts.append(module)
            taken.update(free)
    return parts


def is_shared(tensor: Tensor) -> bool:
    """Whether a tensor is spread over processes."""
    if not torch.distributed.is_available():
        return False
    from torch.distributed.tensor import DTensor

    return isinstance(tensor, DTensor)


def local_part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor; changing it changes the tensor."""
    return tensor.to_local() if is_shared(tensor) else tensor  # type: ignore[attr-defined]


def whole(tensor: Tensor) -> Tensor:
    """The whole tensor; of a shared one every process must ask at once."""
    return tensor.full_tensor() if is_shared(tensor) else tensor  # type: ignore[attr-defined]


def laid_out_like(values: Tensor, like: Tensor) -> Tensor:
    """A whole tensor on the device of another, and shared out as that is."""
    values = values.to(like.device)
    if not is_shared(like):
        return values
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(values, like.device_mesh, like.placements)  # type: ignore[attr-defined]

"""How much memory a training step takes, worked out without doing it, and settings that would fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from deepstroke.errors import ConfigError
from deepstroke.networks import build, settings_of
from deepstroke_training.training.placement import Placement
from deepstroke_training.training.run_settings import RunSettings

GIB = 2.0**30
#: Tensors of the logits' size that the losses make in 32 bits.
_LOSS_TENSORS, _CHUNKED_LOSS_TENSORS = 5.0, 1.5
#: Gradients on their way back, workspaces of convolutions, fragments.
_OVERHEAD = 1.25
_SMALLEST_PATCH = 64


@dataclass(frozen=True)
class MemoryNeed:
    """What one process needs for a training step, in bytes.

    Attributes:
        weights: with gradients, moments and average.
        activations: kept for the backward pass.
        loss: of the loss's own tensors.
    """

    weights: float
    activations: float
    loss: float

    @property
    def total(self) -> float:
        """All together, with an allowance for what can't be foreseen."""
        return self.weights + _OVERHEAD * (self.activations + self.loss)

    def __str__(self) -> str:
        return f"about {self.total / GIB:.1f} GiB"


def estimate_need(settings: RunSettings, placement: Placement) -> MemoryNeed | None:
    """What a training step needs, from the shapes of what it keeps; None for a network that can't be traced so.

    Args:
        settings: of the run.
        placement: its precision and processes.
    """
    sample = saved_bytes(settings)
    if sample is None:
        return None
    values, saved = sample
    copies = 4 + (settings.trainer.ema is not None)
    share = placement.processes if placement.strategy == "fsdp" else 1
    batch = settings.data.batch_size
    width = 1.0 if placement.precision == "32-true" else 0.5
    voxels = float(torch.Size(settings.data.sample_shape).numel())
    tensors = _CHUNKED_LOSS_TENSORS if settings.loss.chunked else _LOSS_TENSORS
    return MemoryNeed(
        weights=4.0 * values * copies / share,
        activations=saved * width * batch,
        loss=4.0 * settings.classes * voxels * batch * tensors,
    )


def saved_bytes(settings: RunSettings) -> tuple[int, int] | None:
    """Number of weights, and bytes that one sample of 32 bits keeps for the backward pass; None if not traceable.

    Raises:
        ConfigError: the network doesn't take samples of this size.
    """
    network = _on_meta(settings)
    seen: dict[int, int] = {parameter.untyped_storage()._cdata: 0 for parameter in network.parameters()}
    alive: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in seen:
            seen[storage._cdata] = storage.nbytes()
            alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        if _trace(network.train(), settings, settings.data.sample_shape) is None:
            return None
    return sum(parameter.numel() for parameter in network.parameters()), sum(seen.values())


def traced_shape(settings: RunSettings, size: Sequence[int]) -> torch.Size | None:
    """The shape of the network's output for one volume of a size; None for a network that can't be traced.

    Raises:
        ConfigError: the network doesn't take volumes of this size.
    """
    with torch.no_grad():
        output = _trace(_on_meta(settings).eval(), settings, size)
    return None if output is None else output.shape


def _on_meta(settings: RunSettings) -> nn.Module:
    """The network on the device that computes shapes and no values."""
    with torch.device("meta"):
        return build(settings.network.name, **settings.network_arguments).to("meta")


def _trace(network: nn.Module, settings: RunSettings, size: Sequence[int]) -> Tensor | None:
    channels = int(settings.network.settings.get("in_channels", 1))
    try:
        output = network(torch.empty((1, channels, *size), device="meta"))
    except (RuntimeError, NotImplementedError, AttributeError):
        return None
    return output[0] if isinstance(output, list) else output


def settings_that_fit(settings: RunSettings, placement: Placement, available: float) -> tuple[str, ...] | None:
    """Overrides under which a step fits, with the least loss of speed; None if none of those known is enough.

    Args:
        settings: that don't fit.
        placement: where the run computes.
        available: bytes of memory of one process.
    """
    for overrides, lean, leaner_placement in _leaner(settings, placement):
        try:
            need = estimate_need(lean, leaner_placement)
        except ConfigError:  # a patch too small for the network
            continue
        if need is not None and need.total <= available:
            return overrides
    return None


def _leaner(settings: RunSettings, placement: Placement) -> Iterator[tuple[tuple[str, ...], RunSettings, Placement]]:
    """Each time one saving more."""
    overrides: tuple[str, ...] = ()
    if placement.precision == "32-true":
        placement = replace(placement, precision="bf16-mixed")
        overrides += ("trainer.precision=bf16",)
        yield overrides, settings, placement
    if not settings.loss.chunked:
        settings = replace(settings, loss=replace(settings.loss, chunked=True))
        overrides += ("loss.chunked=true",)
        yield overrides, settings, placement
    if _can_checkpoint(settings):
        settings = _with_network(settings, checkpoint_activations=True)
        overrides += ("network.checkpoint_activations=true",)
        yield overrides, settings, placement
    accumulate = settings.trainer.accumulate
    while settings.data.batch_size > 1:
        size = settings.data.batch_size // 2
        accumulate *= 2
        settings = replace(settings, data=replace(settings.data, batch_size=size))
        yield (*overrides, f"data.batch_size={size}", f"trainer.accumulate={accumulate}"), settings, placement
    if accumulate != settings.trainer.accumulate:
        overrides += (f"data.batch_size={settings.data.batch_size}", f"trainer.accumulate={accumulate}")
    for edge in (192, 160, 128, 96, _SMALLEST_PATCH):
        if edge < min(settings.data.sample_shape):
            settings = replace(settings, data=replace(settings.data, patch=(edge,) * 3))
            yield (*overrides, f"data.patch=[{edge},{edge},{edge}]"), settings, placement


def _can_checkpoint(settings: RunSettings) -> bool:
    known = settings_of(settings.network.name)
    return "checkpoint_activations" in known and not settings.network.settings.get("checkpoint_activations", False)


def _with_network(settings: RunSettings, **changes: Any) -> RunSettings:
    network = replace(settings.network, settings={**settings.network.settings, **changes})
    return replace(settings, network=network)


def available_bytes(placement: Placement) -> float:
    """Memory that one process can have."""
    if placement.accelerator == "cuda":
        return float(torch.cuda.mem_get_info()[1])
    import psutil

    return float(psutil.virtual_memory().available) / placement.devices


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory, of the GPU or the machine, is used up."""
    text = str(error)
    allocator = isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in text or "out of memory" in text.lower())
    return isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)) or allocator


def parameter_bytes(network: nn.Module) -> int:
    """Bytes of a network's weights in 32 bits."""
    return 4 * sum(parameter.numel() for parameter in network.parameters())

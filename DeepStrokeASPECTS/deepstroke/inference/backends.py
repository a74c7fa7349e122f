"""What computes a network's answer: PyTorch on a processor or a GPU, or OpenVINO on a processor."""

from __future__ import annotations

import importlib.util
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from deepstroke.devices import Device, choose_device
from deepstroke.errors import ConfigError, MissingDependencyError, WeightsError
from deepstroke.findings import Finding
from deepstroke.inference.settings import BackendName, Precision

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from deepstroke.inference.openvino_backend import OpenVinoBackend

#: About how long it takes to make OpenVINO's form of a network.
CONVERSION_S = 3.0


class Backend(Protocol):
    """Applies one network to whole grids."""

    @property
    def description(self) -> str:
        """What computes, and in which numbers."""
        ...

    def __call__(self, image: Tensor) -> Tensor:
        """(B, 1, i, j, k) float32 to the network's output (B, K, i, j, k) float32, on the device of the backend."""
        ...


class TorchBackend:
    """PyTorch, on any device.

    Args:
        network: in evaluation mode; it is moved to the device.
        device: where it computes.
        precision: ``auto`` is 32 bits on a processor, and on a GPU bfloat16, or float16 where it has none.
    """

    def __init__(self, network: nn.Module, device: Device, precision: Precision = "auto") -> None:
        import torch

        self.device = torch.device(device.name)
        self.dtype = _dtype(self.device, precision)
        layout = torch.channels_last_3d if self.device.type == "cuda" else torch.contiguous_format
        self.network = network.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        self.layout = layout

    @property
    def description(self) -> str:
        """Such as ``PyTorch float32 on cpu``."""
        return f"PyTorch {str(self.dtype).removeprefix('torch.')} on {self.device}"

    def __call__(self, image: Tensor) -> Tensor:
        """See ``Backend``."""
        import torch

        image = image.to(self.device).contiguous(memory_format=self.layout)
        reduced = self.dtype != torch.float32
        with torch.no_grad(), torch.autocast(self.device.type, self.dtype) if reduced else nullcontext():
            return self.network(image).float()


def choose_backend(
    network: nn.Module,
    device: Device,
    name: BackendName = "auto",
    precision: Precision = "auto",
    cache: Path | None = None,
    patience_s: float = CONVERSION_S,
) -> Backend:
    """The fastest backend that is here.

    On a processor OpenVINO is about twice as fast as PyTorch, but its form of a network takes seconds to make. So
    ``auto`` uses it where that form was kept before, and else from the moment on when PyTorch has taken as long as
    making it would (the rule of who doesn't know for how long he will rent a thing before he had better bought it).

    Where OpenVINO refuses the network, or the GPU's memory doesn't suffice, PyTorch on the processor takes over;
    ``fallback_findings`` then says so.

    Args:
        network: in evaluation mode, on the CPU.
        device: where it is to compute.
        name: one that is asked for; there is no falling back from OpenVINO then.
        precision: of the numbers; ``auto`` keeps 32 bits on a processor.
        cache: folder in which OpenVINO's form of this network is kept, so that it is made once; None: nowhere.
        patience_s: how long PyTorch computes before that form is made.

    Raises:
        MissingDependencyError: OpenVINO was asked for and isn't installed.
        ConfigError: it was asked for on a GPU.
    """
    if device.name != "cpu":
        if name == "openvino":
            raise ConfigError(f"OpenVINO computes on the CPU, {device.name} was asked for", code="backend")
        return _OnGpu(network, device, precision)
    if name == "torch" or (name == "auto" and not _has_openvino()):
        return TorchBackend(network, device, precision)
    if not _has_openvino():
        raise MissingDependencyError("OpenVINO isn't installed: pip install openvino, or --backend torch")
    from deepstroke.inference.openvino_backend import OpenVinoBackend

    fast = OpenVinoBackend(network, precision, cache)
    if name == "openvino":
        return fast
    return _OnProcessor(fast, TorchBackend(network, device, precision), patience_s)


class _OnProcessor:
    """OpenVINO where its form of the network is here or pays, PyTorch until then and where OpenVINO refuses."""

    def __init__(self, fast: OpenVinoBackend, spare: TorchBackend, patience_s: float) -> None:
        self._fast, self._spare, self._patience_s = fast, spare, patience_s
        self._used: Backend = spare
        self.refusal: str | None = None

    @property
    def description(self) -> str:
        """What computed the last image."""
        return self._used.description

    def __call__(self, image: Tensor) -> Tensor:
        """See ``Backend``."""
        if self.refusal is None and (self._patience_s <= 0 or self._fast.is_ready(tuple(image.shape))):
            try:
                output = self._fast(image)
            except WeightsError as error:
                self.refusal = str(error)
            else:
                self._used = self._fast
                return output
        began = time.perf_counter()
        output = self._spare(image)
        self._patience_s -= time.perf_counter() - began
        self._used = self._spare
        return output


class _OnGpu:
    """PyTorch on a GPU, or on the processor from the first image on for which the GPU's memory doesn't suffice."""

    def __init__(self, network: nn.Module, device: Device, precision: Precision) -> None:
        self._network = network
        self._used = TorchBackend(network, device, precision)
        self.refusal: str | None = None

    @property
    def description(self) -> str:
        """What computed the last image."""
        return self._used.description

    def __call__(self, image: Tensor) -> Tensor:
        """See ``Backend``."""
        import torch

        if self.refusal is None:
            try:
                return self._used(image)
            except torch.OutOfMemoryError as error:
                self.refusal = f"{self._used.description} has too little memory ({str(error).splitlines()[0]})"
                self._used = TorchBackend(self._network, choose_device("cpu"))
                torch.cuda.empty_cache()
        return self._used(image)


def fallback_findings(backend: Backend) -> tuple[Finding, ...]:
    """That a slower backend had to take over."""
    refusal = getattr(backend, "refusal", None)
    if refusal is None:
        return ()
    return (Finding("slower-backend", f"{backend.description} computed the regions: {refusal}."),)


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None


def _dtype(device: torch.device, precision: Precision) -> torch.dtype:
    import torch

    if precision != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    if device.type == "cpu":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16

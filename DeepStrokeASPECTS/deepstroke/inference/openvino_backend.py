"""OpenVINO as what computes: a network is traced and converted in memory, once for each size of grid."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from deepstroke import __version__
from deepstroke.errors import WeightsError
from deepstroke.inference.settings import Precision

if TYPE_CHECKING:
    from torch import Tensor, nn

#: OpenVINO's words for what it computes in; by itself it would take bfloat16 where the processor has it.
_PRECISION: Mapping[Precision, str] = {"auto": "f32", "float32": "f32", "bfloat16": "bf16", "float16": "f16"}
_FILES = ("network.xml", "network.bin")


class OpenVinoBackend:
    """OpenVINO on the processor, with as many threads as PyTorch has.

    Args:
        network: in evaluation mode, on the CPU.
        precision: ``auto`` is float32, whose outputs differ from PyTorch's by rounding alone.
        cache: folder in which converted networks are kept; None: nowhere.
    """

    def __init__(self, network: nn.Module, precision: Precision = "auto", cache: Path | None = None) -> None:
        self.network, self.precision, self.cache = network, precision, cache
        self._compiled: dict[tuple[int, ...], Any] = {}

    @property
    def description(self) -> str:
        """Such as ``OpenVINO f32 on cpu``."""
        return f"OpenVINO {_PRECISION[self.precision]} on cpu"

    def is_ready(self, shape: tuple[int, ...]) -> bool:
        """Whether the network is here in OpenVINO's form for images of a shape."""
        return shape in self._compiled or (self.cache is not None and (self.cache / self._key(shape)).is_dir())

    def __call__(self, image: Tensor) -> Tensor:
        """See ``Backend``.

        Raises:
            WeightsError: OpenVINO refuses the network (code ``backend``).
        """
        import torch

        shape = tuple(image.shape)
        if shape not in self._compiled:
            self._compiled[shape] = self._prepared(shape)
        output = self._compiled[shape](image.cpu().contiguous().numpy())[0]
        return torch.from_numpy(np.array(output, dtype=np.float32))

    def _prepared(self, shape: tuple[int, ...]) -> Any:
        import torch

        openvino = _openvino()

        options = {
            "INFERENCE_PRECISION_HINT": _PRECISION[self.precision],
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        folder = None if self.cache is None else self.cache / self._key(shape)
        core = openvino.Core()
        try:
            kept = None if folder is None else _read(core, folder)
            model = self._converted(shape) if kept is None else kept
            if kept is None and folder is not None:
                _keep(model, folder)
            return core.compile_model(model, "CPU", options)
        except (RuntimeError, ValueError, TypeError, openvino.frontend.OpConversionFailure) as error:
            cause = str(error).strip().splitlines()[0][:200]
            raise WeightsError(
                f"OpenVINO refuses the network ({type(error).__name__}: {cause})", code="backend"
            ) from error

    def _converted(self, shape: tuple[int, ...]) -> Any:
        """The network in OpenVINO's form; sizes in its code become constants, so it is traced at this size."""
        import torch

        openvino = _openvino()

        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that sizes become constants
            traced = torch.jit.trace(self.network, torch.zeros(shape), check_trace=False)
            return openvino.convert_model(traced, input=[list(shape)])

    def _key(self, shape: tuple[int, ...]) -> str:
        """Changes with the weights, the network's structure, the size, and the versions."""
        digest = hashlib.sha256(f"{__version__} {_openvino().__version__} {shape} {self.network}".encode())
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()[:24]


def _openvino() -> Any:
    """OpenVINO without the package by which its import and its converter report each use to its makers.

    It does without that package where it isn't installed; None among the modules looks like that to it.
    """
    if "openvino" not in sys.modules:
        sys.modules.setdefault("openvino_telemetry", cast(ModuleType, None))
    return import_module("openvino")


def _read(core: Any, folder: Path) -> Any:
    """The network kept in a folder; None where there is none, or another one than was put there."""
    model, weights = (folder / name for name in _FILES)
    try:
        expected = (folder / "sha256").read_text(encoding="utf-8")
        if expected == _digest(folder):
            return core.read_model(model, weights)
    except OSError:
        return None
    return None


def _keep(model: Any, folder: Path) -> None:
    """Put the network into a folder, whole or not at all; a disk that refuses costs only time later."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".converting-"))
    except OSError:
        return
    try:
        _openvino().save_model(model, temporary / _FILES[0], compress_to_fp16=False)
        (temporary / "sha256").write_text(_digest(temporary), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
    except (OSError, RuntimeError):
        shutil.rmtree(temporary, ignore_errors=True)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _FILES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()

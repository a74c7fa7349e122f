"""What computes in the benchmark ``inference``: our backends, and nnU-Net v2's predictor with the same network.

nnU-Net: Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. Its predictor is given the network by hand, and tiles as
large as the volume, so that it too computes all of it at once; mirroring is off.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepstroke.devices import Device
from deepstroke.errors import MissingDependencyError
from deepstroke.inference import InferenceSettings, NetworkSegmenter, load_network
from deepstroke.inference.settings import BackendName, Precision
from deepstroke.inference.weights import WeightsManifest
from deepstroke.regions import REGIONS

NNUNET = "nnU-Net predictor"
#: Contenders by name; the first is what DeepStroke does by default.
_OURS: Mapping[str, tuple[BackendName, Precision]] = {
    "DeepStroke": ("auto", "auto"),
    "PyTorch float32": ("torch", "float32"),
    "PyTorch bfloat16": ("torch", "bfloat16"),
    "OpenVINO float32": ("openvino", "float32"),
    "OpenVINO bfloat16": ("openvino", "bfloat16"),
}
REFERENCE = "PyTorch float32"


@dataclass(frozen=True, eq=False)
class Contender:
    """Something that computes logits.

    Attributes:
        name: as it stands in the table.
        apply: an image (i, j, k) of 0..1 to logits (K, i, j, k) on the CPU.
    """

    name: str
    apply: Callable[[np.ndarray], Tensor]


def make_contenders(
    weights: Path, device: Device, shape: tuple[int, int, int]
) -> tuple[list[Contender], dict[str, str]]:
    """The contenders that can compute here, and why others can't.

    Args:
        weights: the safetensors file.
        device: where they compute.
        shape: of the prepared volume.
    """
    made, skipped = [], {}
    for name, (backend, precision) in _OURS.items():
        if backend == "openvino" and device.name != "cpu":
            continue
        try:
            made.append(Contender(name, _ours(weights, device, backend, precision)))
        except MissingDependencyError as error:
            skipped[name] = str(error)
    try:
        made.append(Contender(NNUNET, _nnunet(weights, device, shape)))
    except MissingDependencyError as error:
        skipped[NNUNET] = str(error)
    return made, skipped


def _ours(weights: Path, device: Device, backend: BackendName, precision: Precision) -> Callable[[np.ndarray], Tensor]:
    settings = InferenceSettings(backend=backend, precision=precision)
    predictor = NetworkSegmenter.load(weights, device, settings).predictor
    classes = len(predictor.manifest.output.labels)
    return lambda image: predictor.output(image)[:classes].cpu()


def _nnunet(weights: Path, device: Device, shape: tuple[int, int, int]) -> Callable[[np.ndarray], Tensor]:
    network, manifest = load_network(weights)
    predictor = make_nnunet_predictor(network, manifest, device, shape)
    return lambda image: (
        predictor.predict_sliding_window_return_logits(torch.from_numpy(np.ascontiguousarray(image))[None])
        .float()
        .cpu()
    )


def make_nnunet_predictor(
    network: nn.Module, manifest: WeightsManifest, device: Device, shape: tuple[int, int, int]
) -> Any:
    """nnU-Net's predictor around a network.

    Args:
        network: in evaluation mode.
        manifest: of its weights.
        device: where it computes.
        shape: of its tiles.

    Raises:
        MissingDependencyError: nnU-Net isn't installed.
    """
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        os.environ.setdefault(name, os.devnull)
    try:
        predicting = import_module("nnunetv2.inference.predict_from_raw_data")
        plans_handling = import_module("nnunetv2.utilities.plans_handling.plans_handler")
    except ImportError as error:
        raise MissingDependencyError("nnU-Net isn't installed: pip install nnunetv2") from error
    plans = plans_handling.PlansManager(_plans(manifest, shape))
    with redirect_stdout(StringIO()):  # on a processor it prints that it isn't on a GPU
        predictor = predicting.nnUNetPredictor(
            use_mirroring=False,
            perform_everything_on_device=device.name != "cpu",
            device=torch.device(device.name),
            allow_tqdm=False,
        )
    logits = _Logits(network, len(manifest.output.labels))
    parameters = [logits.state_dict()]
    predictor.manual_initialization(
        logits, plans, plans.get_configuration("3d_fullres"), parameters, _dataset(), "nnUNetTrainer", None
    )
    return predictor


class _Logits(nn.Module):
    """A network without its coordinates, which nnU-Net doesn't know."""

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image)[:, : self.classes]


def _dataset() -> dict[str, Any]:
    labels = {"background": 0, **{region.abbreviation: region.number for region in REGIONS}}
    return {"channel_names": {"0": "CT"}, "labels": labels, "file_ending": ".nii.gz", "numTraining": 1}


def _plans(manifest: WeightsManifest, shape: tuple[int, int, int]) -> dict[str, Any]:
    """Its default way for a CT at the network's voxel size; nnU-Net's axes run superior, anterior, right."""
    low, high = manifest.input.hu_range
    resampling = {"is_seg": False, "order": 3, "order_z": 0, "force_separate_z": None}
    configuration = {
        "data_identifier": "benchmark",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 1,
        "patch_size": list(shape),
        "spacing": [manifest.input.spacing_mm] * 3,
        "normalization_schemes": ["CTNormalization"],
        "use_mask_for_norm": [False],
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": resampling,
        "resampling_fn_seg": "resample_data_or_seg_to_shape",
        "resampling_fn_seg_kwargs": {**resampling, "is_seg": True, "order": 1},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {**resampling, "order": 1},
        "batch_dice": False,
        # Of the network that it would build; it is given another one.
        "architecture": {"network_class_name": "", "arch_kwargs": {"strides": []}, "_kw_requires_import": []},
    }
    # With these its normalisation is ours: (HU - low) / (high - low), cut to the range.
    intensities = {"percentile_00_5": low, "percentile_99_5": high, "mean": low, "std": high - low}
    return {
        "dataset_name": "Dataset001_Benchmark",
        "plans_name": "benchmark",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {"0": intensities},
        "configurations": {"3d_fullres": configuration},
    }

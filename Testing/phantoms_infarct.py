"""Networks that find infarcts, tiny and with an answer that is set by hand, as files of weights."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from deepstroke.inference.weights import (
    MANIFEST_FORMAT,
    WeightsInput,
    WeightsManifest,
    WeightsNetwork,
    WeightsOutput,
    manifest_path,
)
from deepstroke.networks import AsymmetryDisentanglementNetwork


def decided(logit: float) -> AsymmetryDisentanglementNetwork:
    """An ADN that moves nothing and gives every voxel the same logit."""
    network = AsymmetryDisentanglementNetwork(base_channels=8)
    for layer in (network.alignment.regress, network.segmentation.final):
        nn.init.zeros_(layer.weight)
        nn.init.constant_(layer.bias, 0.0)
    nn.init.constant_(network.segmentation.final.bias, logit)
    return network


def written(network: nn.Module, folder: Path, name: str = "adn") -> Path:
    """Weights with a manifest of an 8 mm grid."""
    path = folder / f"{name}.safetensors"
    save_file(network.state_dict(), path)
    manifest = WeightsManifest(
        name=name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        network=WeightsNetwork(name, {"base_channels": 8} if name == "adn" else {}),
        input=WeightsInput(8.0, (24, 28, 24), (0.0, 80.0), ("stripped",), None, 0.0),
        output=WeightsOutput(("background", "infarct"), None),
        licence="Apache-2.0",
    )
    manifest_path(path).write_text(json.dumps({"format": MANIFEST_FORMAT, **asdict(manifest)}), encoding="utf-8")
    return path

"""Weights of a trained network: a safetensors file, and beside it a JSON manifest that says how to use them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from deepstroke.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn

#: Changes with the layout of the manifest.
MANIFEST_FORMAT = 1

Part = TypeVar("Part")


@dataclass(frozen=True)
class WeightsNetwork:
    """Which network the weights are of: ``build(name, **settings)``."""

    name: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class WeightsInput:
    """What the network takes: one channel on a grid along right, anterior, superior.

    Attributes:
        spacing_mm: of the voxels, which are cubes.
        shape: voxels that it was trained on, about the brain.
        hu_range: HU that become 0 and 1; what lies beyond is cut to them.
        stages: ``"raw"`` whole heads, ``"stripped"`` the brain alone, ``"registered"`` the brain on the template.
        window: voxels of a window for larger grids; None: whole grids.
        overlap: of neighbouring windows, as a fraction.
    """

    spacing_mm: float
    shape: tuple[int, int, int]
    hu_range: tuple[float, float]
    stages: tuple[str, ...]
    window: tuple[int, int, int] | None
    overlap: float


@dataclass(frozen=True)
class WeightsOutput:
    """What the network gives.

    Attributes:
        labels: names of its classes in the order of the channels, the background first.
        coordinate_unit_mm: three more channels are template RAS+ coordinates in this unit; None: there are none.
    """

    labels: tuple[str, ...]
    coordinate_unit_mm: float | None


@dataclass(frozen=True)
class WeightsManifest:
    """What inference needs to know about weights; the file says more about their making.

    Attributes:
        name: of the weights.
        sha256: of the safetensors file.
        network, input, output: what to build, to feed and to read.
        licence: of the weights.
    """

    name: str
    sha256: str
    network: WeightsNetwork
    input: WeightsInput
    output: WeightsOutput
    licence: str


def manifest_path(weights: Path) -> Path:
    """The manifest of a file of weights lies beside it."""
    return weights.with_suffix(".json")


def read_manifest(weights: Path) -> WeightsManifest:
    """The manifest of a safetensors file.

    Raises:
        WeightsError: it is missing, damaged, or of a layout that this version doesn't know.
    """
    path = manifest_path(weights)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") != MANIFEST_FORMAT:
            raise WeightsError(f"{path}: layout {content.get('format')}; this version reads {MANIFEST_FORMAT}")
        return WeightsManifest(
            name=content["name"],
            sha256=content["sha256"],
            network=_part(WeightsNetwork, content["network"]),
            input=_part(WeightsInput, content["input"]),
            output=_part(WeightsOutput, content["output"]),
            licence=content["licence"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise WeightsError(f"{path} can't be used: {cause}; export the weights again") from error


def load_network(weights: Path) -> tuple[nn.Module, WeightsManifest]:
    """The trained network, ready to be applied on the CPU, and its manifest.

    Raises:
        WeightsError: the file is missing, was altered, or doesn't fit the network that the manifest names.
    """
    from safetensors.torch import load as load_tensors

    from deepstroke.networks import build

    manifest = read_manifest(weights)
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise WeightsError(f"{weights} can't be read: {error.strerror or error}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != manifest.sha256:
        raise WeightsError(
            f"{weights} was altered or cut short: its sha256 is {found[:16]}..., the manifest says "
            f"{manifest.sha256[:16]}...; get both files again"
        )
    network = build(manifest.network.name, **manifest.network.settings)
    try:
        network.load_state_dict(load_tensors(content))
    except RuntimeError as error:
        raise WeightsError(f"{weights} is of another network than {manifest.network.name}: {error}") from error
    return network.eval(), manifest


def _part(cls: type[Part], content: dict[str, Any]) -> Part:
    """A part of the manifest; JSON's lists become tuples, and what this version doesn't know is left out."""
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    values = {name: content[name] for name in names}
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})

"""Weights of a trained network: a safetensors file, and beside it a JSON manifest that says how to use them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from deepstroke.errors import ConfigError, WeightsError
from deepstroke.nifti import write_json
from deepstroke.options import Route

if TYPE_CHECKING:
    from torch import nn

#: Changes with the layout of the manifest.
MANIFEST_FORMAT = 1

Part = TypeVar("Part")
#: What the middle of the network's grid lies on: the brain's extent, or the head's.
Centre = Literal["brain", "head"]


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
        centre: what the middle of the grid lies on.
    """

    spacing_mm: float
    shape: tuple[int, int, int]
    hu_range: tuple[float, float]
    stages: tuple[str, ...]
    window: tuple[int, int, int] | None
    overlap: float
    centre: Centre = "brain"


@dataclass(frozen=True)
class WeightsOutput:
    """What the network gives.

    Attributes:
        labels: names of its classes in the order of the channels, the background first.
        coordinate_unit_mm: three more channels are template RAS+ coordinates in this unit; None: there are none.
        template: the atlas whose template these coordinates are of.
        temperature: logits are divided by it before they become probabilities; found on held-out cases.
        residual_mm: usual median distance of the coordinates from the affine that fits them best, on held-out cases.
    """

    labels: tuple[str, ...]
    coordinate_unit_mm: float | None
    template: str = "deepstroke-mni152"
    temperature: float = 1.0
    residual_mm: float = 3.0


@dataclass(frozen=True)
class AutoRoute:
    """The route that held-out measurements favour.

    Attributes:
        cpu, cuda: on a processor and on a GPU.
        reason: the measurement, in a sentence.
    """

    cpu: Route
    cuda: Route
    reason: str


@dataclass(frozen=True)
class WeightsManifest:
    """What inference needs to know about weights; the file says more about their making.

    Attributes:
        name: of the weights.
        sha256: of the safetensors file.
        network, input, output: what to build, to feed and to read.
        licence: of the weights.
        auto_route: what ``--method auto`` does with them; None: nothing was measured, the atlas leads.
        default: whether they are used where none are named.
    """

    name: str
    sha256: str
    network: WeightsNetwork
    input: WeightsInput
    output: WeightsOutput
    licence: str
    auto_route: AutoRoute | None = None
    default: bool = False


def manifest_path(weights: Path) -> Path:
    """The manifest of a file of weights lies beside it."""
    return weights.with_suffix(".json")


def read_manifest(weights: Path) -> WeightsManifest:
    """The manifest of a safetensors file.

    Raises:
        WeightsError: it is missing, damaged, of a layout that this version doesn't know, or holds values that can't be
            used; all of these are named.
    """
    path = manifest_path(weights)
    return _usable(path, _content(path))


def amend_manifest(
    weights: Path,
    *,
    temperature: float | None = None,
    residual_mm: float | None = None,
    auto_route: AutoRoute | None = None,
    default: bool | None = None,
) -> WeightsManifest:
    """Write into the manifest what was measured after the export; what isn't given stays.

    Args:
        weights: the safetensors file.
        temperature, residual_mm: found on held-out cases.
        auto_route: what they favour.
        default: whether these weights are used where none are named.

    Raises:
        WeightsError: the manifest can't be read, or a value can't be used; the file then stays as it was.
        InputError: the disk refuses.
    """
    path = manifest_path(weights)
    content = _content(path)
    _usable(path, content)
    for name, value in (("temperature", temperature), ("residual_mm", residual_mm)):
        if value is not None:
            content["output"][name] = value
    if auto_route is not None:
        content["auto_route"] = vars(auto_route)
    if default is not None:
        content["default"] = default
    manifest = _usable(path, content)
    write_json(content, path)
    return manifest


def load_network(weights: Path) -> tuple[nn.Module, WeightsManifest]:
    """The trained network, ready to be applied on the CPU, and its manifest.

    Raises:
        WeightsError: the file is missing, was altered, or doesn't fit the network that the manifest names.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load as load_tensors

    from deepstroke.networks import build

    manifest = read_manifest(weights)
    content = verified_content(weights, manifest)
    name = manifest.network.name
    try:
        network = build(name, **manifest.network.settings)
        network.load_state_dict(load_tensors(content))
    except (RuntimeError, SafetensorError, ConfigError) as error:
        raise WeightsError(f"{weights} is of another network than {name}: {error}", code="other-network") from error
    return network.eval(), manifest


def verified_content(weights: Path, manifest: WeightsManifest) -> bytes:
    """The bytes of the safetensors file, which are the ones that the manifest states.

    Raises:
        WeightsError: the file is missing, or its sha256 is another one.
    """
    try:
        content = weights.read_bytes()
    except OSError as error:
        raise WeightsError(f"{weights} can't be read: {error.strerror or error}", code="missing-file") from error
    found = hashlib.sha256(content).hexdigest()
    if found != manifest.sha256:
        raise WeightsError(
            f"{weights} was altered or cut short: its sha256 is {found[:16]}..., the manifest says "
            f"{manifest.sha256[:16]}...; get both files again",
            code="sha256",
        )
    return content


def _content(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise _unusable(path, f"{type(error).__name__}: {error}") from error


def _usable(path: Path, content: Mapping[str, Any]) -> WeightsManifest:
    """The manifest that stands in a file's content."""
    if content.get("format") != MANIFEST_FORMAT:
        raise _unusable(path, f"layout {content.get('format')}; this version reads {MANIFEST_FORMAT}")
    try:
        manifest = _manifest(content)
        faults = _faults(manifest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(path, f"{type(error).__name__}: {error}") from error
    if faults:
        raise _unusable(path, "; ".join(faults))
    return manifest


def _unusable(path: Path, cause: str) -> WeightsError:
    return WeightsError(f"{path} can't be used: {cause}; export the weights again", code="manifest")


def _manifest(content: Mapping[str, Any]) -> WeightsManifest:
    route = content.get("auto_route")
    return WeightsManifest(
        name=content["name"],
        sha256=content["sha256"],
        network=_part(WeightsNetwork, content["network"]),
        input=_part(WeightsInput, content["input"]),
        output=_part(WeightsOutput, content["output"]),
        licence=content["licence"],
        auto_route=None if route is None else _part(AutoRoute, route),
        default=bool(content.get("default", False)),
    )


def _part(cls: type[Part], content: Mapping[str, Any]) -> Part:
    """A part of the manifest; JSON's lists become tuples, and what this version doesn't know is left out."""
    known = fields(cls)  # type: ignore[arg-type]
    values = {f.name: content[f.name] for f in known if f.name in content or f.default is MISSING}
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})


def _faults(manifest: WeightsManifest) -> list[str]:
    """Values that inference couldn't work with."""
    given, output, route = manifest.input, manifest.output, manifest.auto_route
    low, high = given.hu_range
    checks = (
        (given.spacing_mm > 0, f"input.spacing_mm above 0 is expected, found {given.spacing_mm}"),
        (_is_shape(given.shape), f"input.shape of three axes is expected, found {given.shape}"),
        (low < high, f"input.hu_range from low to high is expected, found {given.hu_range}"),
        (given.window is None or _is_shape(given.window), f"input.window of three axes, found {given.window}"),
        (0 <= given.overlap < 1, f"input.overlap in 0..1 is expected, found {given.overlap}"),
        (given.centre in get_args(Centre), f"input.centre brain or head is expected, found {given.centre!r}"),
        (bool(given.stages), "input.stages names none"),
        (output.temperature > 0, f"output.temperature above 0 is expected, found {output.temperature}"),
        (output.residual_mm > 0, f"output.residual_mm above 0 is expected, found {output.residual_mm}"),
        (output.coordinate_unit_mm is None or output.coordinate_unit_mm > 0, "output.coordinate_unit_mm above 0"),
        (
            route is None or {route.cpu, route.cuda} <= set(get_args(Route)),
            f"auto_route.cpu and .cuda are {', '.join(get_args(Route))}, found {route}",
        ),
    )
    return [fault for holds, fault in checks if not holds]


def _is_shape(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and all(isinstance(n, int) and n > 0 for n in shape)

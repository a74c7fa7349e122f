"""Networks by name: ``build("unet3d", depth=5)``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from deepstroke.errors import ConfigError
from deepstroke.networks.alignment import AlignmentNetwork
from deepstroke.networks.asymmetry import AsymmetryDisentanglementNetwork
from deepstroke.networks.cerebellum import CerebellumM1, CerebellumM2
from deepstroke.networks.group_norm_unets import DoubleConvUNet3D, ResidualUNet3D
from deepstroke.networks.monai_networks import dynunet, swin_unetr
from deepstroke.networks.unet3d import UNet3D

Factory = Callable[..., nn.Module]

_FACTORIES: dict[str, Factory] = {
    "unet3d": UNet3D,
    "dynunet": dynunet,
    "swin_unetr": swin_unetr,
    "cerebellum_m1": CerebellumM1,
    "cerebellum_m2": CerebellumM2,
    "residual_unet3d": ResidualUNet3D,
    "double_conv_unet3d": DoubleConvUNet3D,
    "alignment": AlignmentNetwork,
    "adn": AsymmetryDisentanglementNetwork,
}


def register(name: str, factory: Factory) -> None:
    """Make a network known by name.

    Args:
        name: as it stands in configurations and manifests of weights.
        factory: a class or function whose named parameters, all with defaults, are the settings.

    Raises:
        ConfigError: the name is taken.
    """
    if name in _FACTORIES:
        raise ConfigError(f"a network named {name!r} is registered already", code="network-name")
    _FACTORIES[name] = factory


def available() -> tuple[str, ...]:
    """The names that ``build`` knows."""
    return tuple(sorted(_FACTORIES))


def settings_of(name: str) -> dict[str, Any]:
    """Settings of a network and their defaults.

    Raises:
        ConfigError: there is no such network.
    """
    if name not in _FACTORIES:
        raise ConfigError(f"network {name!r} is unknown{_nearest(name, available())}", code="network-name")
    parameters = inspect.signature(_FACTORIES[name]).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def check(name: str, settings: Mapping[str, Any]) -> None:
    """See that a network can be built with such settings, without making its weights.

    Raises:
        ConfigError: one fault a line: unknown names with the nearest and all there are, types and values.
    """
    _check_names_and_types(name, settings)
    with torch.device("meta"):
        _FACTORIES[name](**settings)


def build(name: str, **settings: Any) -> nn.Module:
    """A new network with random weights: (B, in_channels, i, j, k) to logits (B, out_channels, i, j, k).

    Those that learn one structure (cerebellum_m1, cerebellum_m2, residual_unet3d, double_conv_unet3d, adn) give its
    probability, all but the last one logits with ``sigmoid=False``; ``alignment`` gives six numbers a case.

    Args:
        name: one of ``available()``, such as ``"unet3d"`` or ``"dynunet"``.
        settings: of that network; see ``settings_of``.

    Raises:
        ConfigError: name, settings or their values aren't known, or a package that the network needs is missing.

    Example:
        >>> network = build("unet3d", depth=5, base_channels=16)
    """
    _check_names_and_types(name, settings)
    return _FACTORIES[name](**settings)


def _check_names_and_types(name: str, settings: Mapping[str, Any]) -> None:
    known = settings_of(name)
    unknown = [key for key in settings if key not in known]
    faults = [f"{key}: no such setting of {name}{_nearest(key, tuple(known))}" for key in unknown]
    for key, value in settings.items():
        if key in known and not _is_like(value, known[key]):
            expected = type(known[key]).__name__
            faults.append(f"{key}: {expected} is expected, such as {known[key]!r}, found {value!r}")
    if faults:
        raise ConfigError("\n".join(faults), code="network-settings")


def _is_like(value: Any, default: Any) -> bool:
    """Whether a value is of the default's type; integers are numbers too, booleans aren't."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, tuple):
        return isinstance(value, Sequence) and all(_is_like(each, default[0]) for each in value)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def _nearest(wrong: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(wrong, known, n=1)
    meant = f", did you mean {near[0]!r}?" if near else ";"
    return f"{meant} there are {', '.join(known)}"

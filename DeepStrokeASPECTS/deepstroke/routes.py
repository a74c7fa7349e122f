"""Which route from a scan to sided regions is taken, and what both routes end with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepstroke.atlas.clipping import Clip, clip_labels
from deepstroke.devices import Device
from deepstroke.errors import ConfigError, WeightsError
from deepstroke.inference.store import find_weights
from deepstroke.inference.weights import read_manifest
from deepstroke.loading import LoadedScan
from deepstroke.options import Method, Route
from deepstroke.volume import LabelMap


@dataclass(frozen=True)
class RouteChoice:
    """Which route is taken.

    Attributes:
        route: ``both`` takes the two.
        reason: why.
        weights: of the network; None where none is used.
        leader: whose labels are the result's where both are taken.
        may_fall_back: whether the atlas's route takes over where the network refuses the scan.
    """

    route: Route
    reason: str
    weights: Path | None = None
    leader: Literal["atlas", "unet"] = "atlas"
    may_fall_back: bool = False


@dataclass(frozen=True, eq=False)
class SlicedLabels:
    """Regions in the two places where they are wanted.

    Attributes:
        labels: on the scan's grid.
        on_slices: on the source slices, (slices, rows, columns); None where there are none.
    """

    labels: LabelMap
    on_slices: NDArray[np.uint8] | None


def choose_route(method: Method, device: Device, weights: str | Path | None = None) -> RouteChoice:
    """The route that is asked for, or the one that held-out measurements favour on the device.

    Args:
        method: what was asked for.
        device: where the work is done.
        weights: name or file of the network's weights; those used by default without one.

    Raises:
        ConfigError: there is no such method.
        WeightsError: the network is asked for and its weights aren't here.
    """
    if method not in ("auto", "unet", "atlas", "both"):
        raise ConfigError(f"method is auto, unet, atlas or both, found {method!r}", code="method")
    if method == "atlas":
        return RouteChoice("atlas", "asked for")
    if method == "auto" and weights is None:
        try:
            path = find_weights()
        except WeightsError as error:
            if error.code != "no-weights":
                raise
            return RouteChoice("atlas", "no network weights are installed")
    else:
        path = find_weights(weights)
    favoured = read_manifest(path).auto_route
    here: Route = "atlas" if favoured is None else favoured.cpu if device.name == "cpu" else favoured.cuda
    leader: Literal["atlas", "unet"] = "unet" if here == "unet" else "atlas"
    if method != "auto":
        return RouteChoice(method, "asked for", path, "unet" if method == "unet" else leader)
    if favoured is None:
        return RouteChoice("atlas", f"no held-out measurement favours the weights {path.stem} yet")
    used = None if here == "atlas" else path
    return RouteChoice(here, f"{favoured.reason} (weights {path.stem})", used, leader, may_fall_back=True)


def clipped(found: SlicedLabels, scan: LoadedScan, brain: LabelMap, clip: Clip) -> SlicedLabels:
    """Regions cut to the brain or out of CSF, as asked."""
    if clip == "none":
        return found
    i_mm, j_mm, _ = scan.volume.spacing_mm
    hu = np.moveaxis(scan.volume.data, 2, 0)
    labels = clip_labels(np.moveaxis(found.labels.data, 2, 0), hu, np.moveaxis(brain.mask, 2, 0), clip, (i_mm, j_mm))
    on_slices = found.on_slices
    if scan.slices is not None and on_slices is not None:
        slice_hu = scan.slices.sample(scan.volume, order=1, outside=-1024.0)
        inside = scan.slices.sample(brain) > 0
        on_slices = clip_labels(on_slices, slice_hu, inside, clip, scan.slices.pixel_spacing_mm)
    return SlicedLabels(scan.volume.with_labels(np.moveaxis(labels, 0, 2)), on_slices)

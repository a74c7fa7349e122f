"""Regions that were drawn in layers and may overlap: one map of them, and where they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.atlas.checks import name_of
from deepstroke.errors import InputError
from deepstroke.volume import LabelMap


@dataclass(frozen=True, eq=False)
class Overlap:
    """Voxels that two regions claim.

    Attributes:
        labels: the two sided labels, the lower first.
        voxels: how many.
        place_ras: RAS+ mm of one of them.
    """

    labels: tuple[int, int]
    voxels: int
    place_ras: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MergedLayers:
    """One map of all layers.

    Attributes:
        labels: 1..20; where regions overlap, that of the last layer.
        overlaps: every pair of regions that overlaps.
    """

    labels: LabelMap
    overlaps: tuple[Overlap, ...]

    def require_disjoint(self) -> LabelMap:
        """The map, if no regions overlap.

        Raises:
            InputError: some do; every pair is named.
        """
        if self.overlaps:
            pairs = (f"{name_of(o.labels[0])} and {name_of(o.labels[1])} in {o.voxels} voxels" for o in self.overlaps)
            raise InputError(f"regions overlap: {', '.join(pairs)}; erase one of each there", code="label-overlap")
        return self.labels


def merge_layers(layers: Sequence[LabelMap]) -> MergedLayers:
    """Lay maps over each other.

    Args:
        layers: maps of one grid, each with other regions than the others.

    Raises:
        InputError: there is no layer.
        GeometryError: they lie on different grids.
    """
    if not layers:
        raise InputError("no layer of regions was given", code="no-labels")
    merged, overlaps = layers[0].data.copy(), []
    for upper in layers[1:]:
        layers[0].require_same_grid(upper, "a layer of regions")
        overlaps += _overlaps(layers[0].with_labels(merged), upper)
        merged = np.where(upper.mask, upper.data, merged)
    return MergedLayers(layers[0].with_labels(merged), tuple(overlaps))


def _overlaps(lower: LabelMap, upper: LabelMap) -> list[Overlap]:
    places = np.argwhere(lower.mask & upper.mask)
    below, above = lower.data[tuple(places.T)], upper.data[tuple(places.T)]
    pairs = np.sort(np.stack([below, above], axis=-1), axis=-1)
    found = []
    for pair in np.unique(pairs, axis=0):
        here = places[(pairs == pair).all(axis=-1)]
        first, second = (int(label) for label in pair)
        found.append(Overlap((first, second), len(here), lower.ras_of(here[len(here) // 2])))
    return found

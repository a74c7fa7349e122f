"""A plan that merges labels into few for a network and splits them again."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.labels import plan_file
from deepstroke.labels.distances import support_distances
from deepstroke.labels.graph import adjacency, colour, volume_ratios
from deepstroke.labels.influence import influence_regions
from deepstroke.labels.supports import Supports, gather_supports, whole_numbers
from deepstroke.progress import Progress, silent, within
from deepstroke.volume import LabelMap


@dataclass(frozen=True, eq=False)
class MergePlan:
    """Which labels are merged, and how they are told apart again (Kujawa et al., MICCAI 2024).

    Labels of one group are further apart than ``delta_distance_mm`` in all training maps together and of like volume.
    Every training map comes back exactly: ``split(merge(map)) == map``. In any other map on the same grid a voxel comes
    back right if it lies within half of ``delta_distance_mm`` of where its label was found in training.

    Attributes:
        labels: original labels without background, rising; n of them.
        groups: original labels of each merged label 0, 1, 2, ...; the first is ``(0,)``: background stays alone.
        spacing_mm: voxel size along i, j and k.
        shape: of the grid on which labels are split.
        delta_distance_mm, delta_volume: the thresholds.
        mean_volumes_mm3: (n,) over all training maps.
        distances_mm: (n, n) least distances between supports.
        volume_ratios: (n, n) larger mean volume over the smaller one.
        adjacent: (n, n) whether two labels must stay apart.
        influence: (groups with several labels, i, j, k) the nearest label of the group, in the order of ``groups``.

    Example:
        >>> maps = [np.array([[[1, 0, 0, 0, 0, 2]]])]
        >>> plan = MergePlan.fit(maps, spacing=(1.0, 1.0, 3.0))
        >>> plan.n_merged, plan.merge(maps[0]).tolist(), plan.split(plan.merge(maps[0])).tolist()
        (2, [[[1, 0, 0, 0, 0, 1]]], [[[1, 0, 0, 0, 0, 2]]])
    """

    labels: tuple[int, ...]
    groups: tuple[tuple[int, ...], ...]
    spacing_mm: tuple[float, float, float]
    shape: tuple[int, int, int]
    delta_distance_mm: float
    delta_volume: float
    mean_volumes_mm3: NDArray[np.float64]
    distances_mm: NDArray[np.float64]
    volume_ratios: NDArray[np.float64]
    adjacent: NDArray[np.bool_]
    influence: NDArray[np.integer]

    @classmethod
    def fit(
        cls,
        label_maps: Iterable[NDArray | LabelMap],
        spacing: float | Sequence[float],
        delta_distance: float = 10.0,
        delta_volume: float = 3.5,
        labels: Collection[int] = (),
        alone: Collection[int] = (),
        progress: Progress = silent,
    ) -> MergePlan:
        """Make a plan from training label maps that lie on one grid in a common space.

        Args:
            label_maps: arrays (i, j, k) of whole numbers, 0 being background, or label maps; an iterator will do.
            spacing: voxel size in mm, one number or along i, j and k.
            delta_distance: labels that come as near as this, in mm, are not merged; 0 and more.
            delta_volume: labels whose mean volumes differ by this factor or more are not merged.
            labels: that exist even if they occur in no map; such a one stays alone.
            alone: labels never to be merged, such as a lesion that may be anywhere.
            progress: told how far the work is.

        Raises:
            ConfigError: spacing or thresholds are out of range, one fault a line.
            InputError: no map is given, or one doesn't hold whole numbers >= 0 along three axes.
            GeometryError: the maps differ in shape.
        """
        spacing_mm = _checked(spacing, delta_distance, delta_volume)
        supports = gather_supports(label_maps, {*labels, *alone}, within(progress, 0.0, 0.3))
        distances = support_distances(supports.of, spacing_mm, within(progress, 0.3, 0.6))
        ratios = volume_ratios(supports.mean_voxels)
        lonely = [supports.labels.index(label) for label in alone if label]
        adjacent = adjacency(distances, ratios, delta_distance, delta_volume, lonely)
        members = colour(adjacent)
        several = [group for group in members if len(group) > 1]
        return cls(
            labels=supports.labels,
            groups=((0,), *(tuple(supports.labels[member] for member in group) for group in members)),
            spacing_mm=spacing_mm,
            shape=supports.shape,
            delta_distance_mm=float(delta_distance),
            delta_volume=float(delta_volume),
            mean_volumes_mm3=_mm3(supports, spacing_mm),
            distances_mm=distances,
            volume_ratios=ratios,
            adjacent=adjacent,
            influence=influence_regions(supports, several, spacing_mm, within(progress, 0.6, 1.0)),
        )

    @property
    def n_labels(self) -> int:
        """Number of original labels, background included."""
        return len(self.labels) + 1

    @property
    def n_merged(self) -> int:
        """Number of merged labels, background included: the channels of a network's output."""
        return len(self.groups)

    @overload
    def merge(self, labels: LabelMap) -> LabelMap: ...
    @overload
    def merge(self, labels: NDArray) -> NDArray: ...
    def merge(self, labels: NDArray | LabelMap) -> NDArray | LabelMap:
        """Merged labels 0..n_merged-1 of original ones, an array or a label map of any shape.

        Raises:
            InputError: a label is unknown to the plan.
        """
        data = whole_numbers(labels)
        known = np.array([0, *self.labels])
        position = np.searchsorted(known, data).clip(max=len(known) - 1)
        unknown = data[known[position] != data]
        if unknown.size:
            raise InputError(
                f"labels {_few(np.unique(unknown))} were in no training map; name them with labels= when fitting",
                code="label-unknown",
            )
        merged = self._merged_of(known)[position]
        return labels.with_labels(merged) if isinstance(labels, LabelMap) else merged

    def _merged_of(self, known: NDArray) -> NDArray:
        number = {label: merged for merged, group in enumerate(self.groups) for label in group}
        return np.array([number[int(label)] for label in known], np.min_scalar_type(self.n_merged - 1))

    @overload
    def split(self, merged: LabelMap) -> LabelMap: ...
    @overload
    def split(self, merged: NDArray) -> NDArray: ...
    def split(self, merged: NDArray | LabelMap) -> NDArray | LabelMap:
        """Original labels of merged ones on the plan's grid (eq. 6).

        Raises:
            InputError: a merged label is not 0..n_merged-1.
            GeometryError: the shape is not the plan's.
        """
        data = whole_numbers(merged)
        self._require_fit(data)
        first = np.array([group[0] for group in self.groups], np.min_scalar_type(max((0, *self.labels))))
        split = first[data]
        several = (number for number, group in enumerate(self.groups) if len(group) > 1)
        for number, region in zip(several, self.influence, strict=True):
            here = data == number
            split[here] = region[here]
        return merged.with_labels(split) if isinstance(merged, LabelMap) else split

    def _require_fit(self, data: NDArray) -> None:
        if data.shape != self.shape:
            raise GeometryError(
                f"labels are split on the grid of the training maps, {self.shape}; found {data.shape}: resample first",
                code="grid-mismatch",
            )
        if data.max() >= self.n_merged:
            raise InputError(
                f"merged labels are 0..{self.n_merged - 1}, found {data.max()}; was it merged by another plan?",
                code="label-unknown",
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan to one ``.npz`` file; it appears only complete.

        Raises:
            InputError: the disk refuses.
        """
        plan_file.write(path, vars(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> MergePlan:
        """Read a plan that ``save`` wrote.

        Raises:
            InputError: the file is missing, damaged or something else.
        """
        return cls(**plan_file.read(path))


def _checked(
    spacing: float | Sequence[float], delta_distance: float, delta_volume: float
) -> tuple[float, float, float]:
    faults = []
    sizes = tuple(float(each) for each in np.broadcast_to(spacing, 3)) if np.size(spacing) in (1, 3) else ()
    if not sizes or not all(math.isfinite(each) and each > 0 for each in sizes):
        faults.append(f"spacing: three numbers of mm above 0 are expected, found {spacing!r}")
    if not delta_distance >= 0:
        faults.append(f"delta_distance: 0 mm or more is expected, found {delta_distance}")
    if not delta_volume >= 1:
        faults.append(f"delta_volume: a ratio of 1 or more is expected, found {delta_volume}")
    if faults:
        raise ConfigError("\n".join(faults), code="merge-plan")
    return sizes[0], sizes[1], sizes[2]


def _mm3(supports: Supports, spacing_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    return supports.mean_voxels * math.prod(spacing_mm)


def _few(labels: NDArray) -> str:
    most = 5
    return ", ".join(map(str, labels[:most].tolist())) + (", ..." if len(labels) > most else "")

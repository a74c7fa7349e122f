"""Regions from outlines by morphology alone: the first idea of the paper, kept to be compared with.

Lines are thickened to bridge gaps, what they then enclose is split into pieces, and each piece grows back to the line.
Gaps too wide to bridge let the inside run out, and lines thick enough to bridge them swallow thin regions, which is why
the paper gave the idea up (section 2 of "DeepStroke - ASPECTS Regions Segmentation").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import ConfigError
from deepstroke.volume import LabelMap, Volume


@dataclass(frozen=True)
class FillingSettings:
    """How outlines are filled.

    Attributes:
        bridged_mm: widths of gaps to bridge, tried one after the other; a piece counts as soon as it is closed.
        least_mm2: smaller pieces of a slice are noise between lines.
        most_mm2: larger pieces of a slice have run out through a gap.

    Raises:
        ConfigError: a value is out of its range.
    """

    bridged_mm: tuple[float, ...] = (0.0, 2.0, 4.0, 8.0, 12.0)
    least_mm2: float = 20.0
    most_mm2: float = 4000.0

    def __post_init__(self) -> None:
        rising = list(self.bridged_mm) == sorted(self.bridged_mm)
        if not (self.bridged_mm and self.bridged_mm[0] >= 0 and rising and 0 <= self.least_mm2 < self.most_mm2):
            raise ConfigError(
                f"filling outlines: expected rising bridged_mm >= 0 and least_mm2 < most_mm2, found {self}",
                code="filling-settings",
            )


def fill_outlines(cloud: Volume, names: LabelMap, settings: FillingSettings | None = None) -> LabelMap:
    """Fill a scan's outlines slice by slice. Pure.

    Outlines don't say which region they belong to, so each filled piece takes the label that another, approximate map
    has most often in it; the shape is the outlines' own.

    Args:
        cloud: above 0 on outlines; slices lie along the third axis.
        names: approximate labels 1..20 on the same grid, such as those of the first pass.
        settings: how to fill.

    Returns:
        Labels 1..20 on the same grid, 0 where nothing was enclosed or named.

    Raises:
        GeometryError: the names lie on another grid.
    """
    settings = settings or FillingSettings()
    cloud.require_same_grid(names, "the map that names the pieces")
    spacing = cloud.spacing_mm[:2]
    filled = np.zeros(cloud.shape, np.uint8)
    for k in np.flatnonzero((cloud.data > 0).any(axis=(0, 1))):
        filled[:, :, k] = _filled_slice(cloud.data[:, :, k] > 0, names.data[:, :, k], spacing, settings)
    return cloud.with_labels(filled)


def _filled_slice(
    line: NDArray[np.bool_], names: NDArray, spacing: tuple[float, float], settings: FillingSettings
) -> NDArray[np.uint8]:
    """Labels of one slice; the line itself goes to the nearest piece."""
    distance = ndimage.distance_transform_edt(~line, sampling=spacing)
    labels = np.zeros(line.shape, np.uint8)
    for bridged in settings.bridged_mm:
        free = (distance > bridged / 2) & ~line & (labels == 0)
        found = _named_pieces(free, names, spacing[0] * spacing[1], settings)
        labels = np.where(labels > 0, labels, _grown(found, ~line, spacing, bridged / 2))
    return _grown(labels, line, spacing, 2 * max(spacing))


def _named_pieces(
    free: NDArray[np.bool_], names: NDArray, pixel_mm2: float, settings: FillingSettings
) -> NDArray[np.uint8]:
    """The connected pieces of a fitting size, each with the name that it holds most often, 0 counting as a name."""
    pieces, count = ndimage.label(free)
    areas = np.bincount(pieces.ravel(), minlength=count + 1) * pixel_mm2
    pairs = np.bincount(pieces.ravel().astype(np.int64) * 256 + names.ravel(), minlength=256 * (count + 1))
    named = pairs.reshape(count + 1, 256).argmax(axis=1)
    sound = (areas >= settings.least_mm2) & (areas <= settings.most_mm2) & (np.arange(count + 1) > 0)
    return np.where(sound, named, 0).astype(np.uint8)[pieces]


def _grown(
    labels: NDArray[np.uint8], where: NDArray[np.bool_], spacing: tuple[float, float], reach_mm: float
) -> NDArray[np.uint8]:
    """Labels grown into ``where``, each pixel taking the nearest label within reach."""
    if not labels.any() or reach_mm == 0:
        return labels
    distance, nearest = ndimage.distance_transform_edt(labels == 0, sampling=spacing, return_indices=True)
    return np.where(where & (distance <= reach_mm), labels[tuple(nearest)], labels)

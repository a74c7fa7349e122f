"""Regions from outlines by morphology alone: the first idea of the paper, kept to be compared with.

Lines are closed, what they enclose is split into pieces, and each piece is filled. A gap wider than the closing lets
the inside run out, and noise splits it, which is why the paper gave the idea up (section 2 of "DeepStroke - ASPECTS
Regions Segmentation").
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
        closing_mm: gaps in a line up to about twice this are bridged.
        least_mm2: smaller pieces of a slice are noise between lines.
        most_mm2: larger pieces of a slice have run out through a gap.
        regrow_mm: how far a piece grows back over the line around it.

    Raises:
        ConfigError: a value is out of its range.
    """

    closing_mm: float = 3.0
    least_mm2: float = 20.0
    most_mm2: float = 4000.0
    regrow_mm: float = 2.0

    def __post_init__(self) -> None:
        if not (self.closing_mm > 0 and self.regrow_mm >= 0 and 0 <= self.least_mm2 < self.most_mm2):
            raise ConfigError(
                f"filling outlines: expected closing_mm > 0, regrow_mm >= 0 and least_mm2 < most_mm2, found {self}",
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
    """Labels of one slice."""
    width = int(np.ceil(settings.closing_mm / min(spacing))) + 1
    closed = ndimage.binary_closing(np.pad(line, width), _disk(settings.closing_mm, spacing))[
        width:-width, width:-width
    ]
    pieces, count = ndimage.label(~closed)
    if count == 0:
        return np.zeros(line.shape, np.uint8)
    areas = np.bincount(pieces.ravel(), minlength=count + 1) * spacing[0] * spacing[1]
    sound = (areas >= settings.least_mm2) & (areas <= settings.most_mm2)
    sound[0] = False
    labels = np.where(sound, _most_frequent(pieces, names, count), 0).astype(np.uint8)[pieces]
    return _regrown(labels, closed, spacing, settings.regrow_mm)


def _most_frequent(pieces: NDArray[np.int32], names: NDArray, count: int) -> NDArray[np.int64]:
    """Of each piece the name that it holds most often, 0 counting as a name."""
    pairs = np.bincount(pieces.ravel().astype(np.int64) * 256 + names.ravel(), minlength=256 * (count + 1))
    return np.asarray(pairs.reshape(count + 1, 256).argmax(axis=1))


def _regrown(
    labels: NDArray[np.uint8], line: NDArray[np.bool_], spacing: tuple[float, float], regrow_mm: float
) -> NDArray[np.uint8]:
    """Labels grown over the line around them, each pixel taking the nearest one."""
    if not labels.any():
        return labels
    distance, nearest = ndimage.distance_transform_edt(labels == 0, sampling=spacing, return_indices=True)
    return np.where(line & (distance <= regrow_mm), labels[tuple(nearest)], labels)


def _disk(radius_mm: float, spacing: tuple[float, float]) -> NDArray[np.bool_]:
    reach = [int(radius_mm / step) for step in spacing]
    i, j = np.mgrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return np.asarray((i * spacing[0]) ** 2 + (j * spacing[1]) ** 2 <= radius_mm**2)

"""Edits of a sided region label map, each a pure function of it: mirror, fill, smooth, keep the largest, split.

Regions are named by their sided labels, 1..10 on the patient's left and 11..20 on the right. Slices are those of the
third axis, on which regions are drawn.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.atlas.checks import centroids_ras
from deepstroke.errors import ConfigError, GeometryError, InputError
from deepstroke.regions import BY_ABBREVIATION, REGIONS, SIDED_REGIONS, SIDES, region_of
from deepstroke.volume import LabelMap

Box = tuple[slice, slice, slice]
#: Regions of the ganglionic level and what each is called above the plane that splits the levels.
_LEVEL_PAIRS = (("M1", "M4"), ("M2", "M5"), ("M3", "M6"))
#: A Gaussian is taken to end after this many standard deviations.
_REACH = 4.0
#: Voxel axes may lean this much (as a cosine) from the direction across the midline.
_ALONG_X = 0.999


def midline_mm(labels: LabelMap) -> float:
    """The x of the plane half way between the sides, in RAS+ mm, on a voxel's centre or face.

    Args:
        labels: 1..20, both sides of at least one region.

    Raises:
        InputError: no region has both sides.
        GeometryError: no voxel axis runs across the midline.
    """
    centres = centroids_ras(labels)
    pairs = [(region.label("left"), region.label("right")) for region in REGIONS]
    middles = [(centres[a][0] + centres[b][0]) / 2 for a, b in pairs if {a, b} <= centres.keys()]
    if not middles:
        raise InputError("no region has both sides, so the midline can't be told", code="label-missing")
    axis, first, step = _axis_across(labels)
    del axis
    return float(first + step * np.rint(2 * (np.mean(middles) - first) / step) / 2)


def mirrored(labels: LabelMap, sources: Collection[int], midline: float = 0.0) -> LabelMap:
    """The map with the mirror images of some regions in place of their counterparts on the other side.

    What the counterpart covered and the image doesn't becomes background; what the image covers is taken from other
    regions, but never from the sources.

    Args:
        labels: 1..20.
        sources: sided labels of the regions whose images are taken, of one side.
        midline: x of the mirror plane in RAS+ mm.

    Raises:
        InputError: no region is named, or regions of both sides are.
        GeometryError: no voxel axis runs across the midline.

    Example:
        >>> row = LabelMap(np.array([5, 5, 0, 0, 15], np.uint8).reshape(5, 1, 1), np.diag([1.0, 1, 1, 1]))
        >>> mirrored(row, {5}, midline=2.0).data.ravel().tolist()
        [5, 5, 0, 15, 15]
    """
    if len({region_of(label)[1] for label in sources}) != 1:
        raise InputError("regions of one side are mirrored onto the other; name at least one, of one side", code="side")
    target = np.zeros(256, np.uint8)
    for label in sources:
        target[label] = label + len(REGIONS) if label <= len(REGIONS) else label - len(REGIONS)
    image = target[_mirror_image(labels, midline)]
    edited = labels.data.astype(np.uint8)
    edited[np.isin(edited, target[target > 0])] = 0
    taken = (image > 0) & ~np.isin(labels.data, list(sources))
    edited[taken] = image[taken]
    return labels.with_labels(edited)


def _mirror_image(labels: LabelMap, midline: float) -> NDArray[np.uint8]:
    """The map's labels at the mirrored place of each voxel; 0 where that lies outside."""
    axis, first, step = _axis_across(labels)
    count = labels.shape[axis]
    places = np.rint((2 * midline - first - (first + step * np.arange(count))) / step).astype(np.intp)
    inside = (places >= 0) & (places < count)
    image = np.zeros_like(labels.data, dtype=np.uint8)
    selected: list[object] = [slice(None)] * 3
    selected[axis] = inside
    image[tuple(selected)] = np.take(labels.data, places[inside], axis=axis)  # type: ignore[index]
    return image


def _axis_across(labels: LabelMap) -> tuple[int, float, float]:
    """The voxel axis that runs across the midline, x in mm of its first index, and its step in mm."""
    steps = labels.ijk_to_ras[0, :3]
    axis = int(np.abs(steps).argmax())
    if abs(steps[axis]) < _ALONG_X * labels.spacing_mm[axis]:
        raise GeometryError(
            "no voxel axis runs across the midline, so the sides are no mirror images; use a template in RAS+ order",
            code="oblique",
        )
    return axis, float(labels.ijk_to_ras[0, 3]), float(steps[axis])


def filled(labels: LabelMap, regions: Collection[int]) -> LabelMap:
    """The map with the holes of some regions filled, slice by slice; other regions inside a hole stay."""
    edited = labels.data.copy()
    within_slice = ndimage.generate_binary_structure(2, 1)[..., None]
    for label, box in _boxes(labels, regions):
        whole = ndimage.binary_fill_holes(labels.data[box] == label, structure=within_slice)
        edited[box][whole & (edited[box] == 0)] = label
    return labels.with_labels(edited)


def largest_pieces(labels: LabelMap, regions: Collection[int]) -> LabelMap:
    """The map with each of some regions cut down to its largest piece (voxels sharing faces)."""
    edited = labels.data.copy()
    for label, box in _boxes(labels, regions):
        pieces, _ = ndimage.label(labels.data[box] == label)
        sizes = np.bincount(pieces.ravel())
        edited[box][(pieces > 0) & (pieces != 1 + sizes[1:].argmax())] = 0
    return labels.with_labels(edited)


def smoothed(labels: LabelMap, regions: Collection[int], scale_mm: float = 1.0) -> LabelMap:
    """The map with the borders of some regions smoothed, each together with what it borders on, so that no gap opens.

    Every voxel goes to the label whose mask, smoothed by a Gaussian, is the highest there; voxels that neither were
    nor become of the given regions stay as they are.

    Args:
        labels: 1..20.
        regions: sided labels.
        scale_mm: standard deviation of the Gaussian.

    Raises:
        ConfigError: the scale isn't above 0.
    """
    if not scale_mm > 0:
        raise ConfigError(f"the scale of smoothing is above 0 mm, found {scale_mm:g}", code="smoothing")
    edited = labels.data.copy()
    for label, box in _boxes(labels, regions, margin_mm=2 * scale_mm):
        edited[box] = _smoothed_region(edited[box], label, [scale_mm / spacing for spacing in labels.spacing_mm])
    return labels.with_labels(edited)


def _smoothed_region(data: NDArray, label: int, sigma: list[float]) -> NDArray:
    """Part of a map with one region's border smoothed."""
    rivals = [int(value) for value in np.unique(data) if value != label]
    own = ndimage.gaussian_filter((data == label).astype(np.float32), sigma, mode="nearest", truncate=_REACH)
    best, winner = np.full(data.shape, -1.0, np.float32), np.zeros_like(data)
    for rival in rivals:
        height = ndimage.gaussian_filter((data == rival).astype(np.float32), sigma, mode="nearest", truncate=_REACH)
        higher = height > best
        best[higher], winner[higher] = height[higher], rival
    was = data == label
    return np.where(own > best, label, np.where(was, np.where(own < best, winner, label), data)).astype(data.dtype)


def split_at_level(labels: LabelMap, level_mm: float) -> LabelMap:
    """The map with M1-M3 named M4-M6 above a plane and M4-M6 named M1-M3 below it.

    Args:
        labels: 1..20.
        level_mm: height of the plane, S in RAS+ mm; a voxel whose centre lies on it is above.
    """
    k = np.indices(labels.shape, sparse=True)
    row = labels.ijk_to_ras[2]
    above = row[0] * k[0] + row[1] * k[1] + row[2] * k[2] + row[3] >= level_mm - 1e-6
    upward, downward = (np.arange(256, dtype=np.uint8) for _ in range(2))
    for side in SIDES:
        for low, high in _LEVEL_PAIRS:
            lower, upper = BY_ABBREVIATION[low].label(side), BY_ABBREVIATION[high].label(side)
            upward[lower], downward[upper] = upper, lower
    return labels.with_labels(np.where(above, upward[labels.data], downward[labels.data]))


def _boxes(labels: LabelMap, regions: Collection[int], margin_mm: float = 0.0) -> list[tuple[int, Box]]:
    """The bounding boxes of those of the regions that have voxels, in the order of their labels."""
    found = ndimage.find_objects(labels.data, max_label=len(SIDED_REGIONS))
    margins = [int(np.ceil(margin_mm / spacing)) for spacing in labels.spacing_mm]
    boxes = []
    for label in sorted(regions):
        region_of(label)
        if found[label - 1] is not None:
            i, j, k = (
                slice(max(part.start - margin, 0), part.stop + margin)
                for part, margin in zip(found[label - 1], margins, strict=True)
            )
            boxes.append((label, (i, j, k)))
    return boxes

"""Checks of a sided region label map: values, missing regions, sides, fragments, symmetry, levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import GeometryError
from deepstroke.findings import Finding
from deepstroke.regions import REGIONS, SIDE_OFFSET, SIDED_REGIONS
from deepstroke.volume import LabelMap

#: Left and right volumes further apart than this share of the larger one are worth a warning.
ASYMMETRY_LIMIT = 0.25
_LOWER, _UPPER = (5, 6, 7), (8, 9, 10)


@dataclass(frozen=True)
class LabelCheck:
    """What a check of a sided label map found.

    Attributes:
        faults: what makes the map unusable.
        warnings: what a reader should know.
    """

    faults: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


def check_labels(labels: LabelMap) -> LabelCheck:
    """Check a sided label map (1..10 left, 11..20 right) in any frame whose x axis points to the patient's right."""
    present = labels.present()
    unknown = [value for value in present if value > len(SIDED_REGIONS)]
    faults = [Finding("label-values", f"labels are 1..20, found also {unknown}")] if unknown else []
    missing = [name_of(value) for value in range(1, 21) if value not in present]
    if missing:
        faults.append(Finding("label-missing", f"without voxels: {', '.join(missing)}"))
    faults += swapped_sides(labels)
    return LabelCheck(tuple(faults), (*_fragments(labels), *_asymmetries(labels)))


def name_of(label: int) -> str:
    """A sided label in words, such as ``"left M1"``."""
    region, side = SIDED_REGIONS[label - 1]
    return f"{side} {region.abbreviation}"


def swapped_sides(labels: LabelMap) -> list[Finding]:
    """A finding if any region's left part lies to the right of its right part in RAS+ mm."""
    centres = centroids_ras(labels)
    wrong = [
        region.abbreviation
        for region in REGIONS
        if {region.label("left"), region.label("right")} <= centres.keys()
        and centres[region.label("left")][0] >= centres[region.label("right")][0]
    ]
    if not wrong:
        return []
    return [Finding("left-right-swapped", f"left labels lie on the patient's right: {', '.join(wrong)}")]


def require_sides(labels: LabelMap) -> None:
    """Raise GeometryError unless every region's left part lies on the patient's left of its right part.

    Raises:
        GeometryError: left and right are swapped, as by a transform or an image that mirrors the head.
    """
    for finding in swapped_sides(labels):
        raise GeometryError(
            f"{finding.message}; the transform or the image mirrors the head, check their orientation",
            code=finding.code,
        )


def centroids_ras(labels: LabelMap) -> dict[int, NDArray[np.float64]]:
    """Centre of mass in RAS+ mm of every label 1..20 that occurs."""
    places = np.argwhere(labels.data > 0)
    if not len(places):
        return {}
    values = labels.data[tuple(places.T)].astype(np.intp)
    counts = np.bincount(values)
    sums = np.stack([np.bincount(values, weights=axis) for axis in places.T], axis=-1)
    present = np.flatnonzero(counts)
    return {int(value): labels.ras_of(sums[value] / counts[value]) for value in present if value <= 20}


def volumes_ml(labels: LabelMap) -> dict[int, float]:
    """Millilitres of every label 1..20; 0 where it is missing."""
    counts = np.bincount(labels.data.ravel(), minlength=21)
    return {value: float(counts[value] * labels.voxel_ml) for value in range(1, 21)}


def is_mirror_symmetric(labels: LabelMap) -> bool:
    """Whether the map is its own mirror image, voxel for voxel, along its first axis with the sides exchanged."""
    exchanged = np.zeros(256, dtype=labels.data.dtype)
    exchanged[1:11], exchanged[11:21] = np.arange(11, 21), np.arange(1, 11)
    return bool(np.array_equal(exchanged[labels.data[::-1]], labels.data))


def keeps_levels(labels: LabelMap) -> bool:
    """Whether M1-M3 lie strictly below M4-M6 along the superior axis, on each side."""
    for offset in SIDE_OFFSET.values():
        lower, upper = (
            labels.ras_of(np.argwhere(np.isin(labels.data, [number + offset for number in numbers])))[:, 2]
            for numbers in (_LOWER, _UPPER)
        )
        if len(lower) and len(upper) and lower.max() >= upper.min():
            return False
    return True


def in_one_piece(labels: LabelMap) -> LabelMap:
    """Every label cut down to its largest piece (voxels sharing faces)."""
    from scipy import ndimage

    kept = np.zeros_like(labels.data)
    for value, box in enumerate(ndimage.find_objects(labels.data), start=1):
        if box is not None:
            pieces, _ = ndimage.label(labels.data[box] == value)
            kept[box][pieces == 1 + np.bincount(pieces.ravel())[1:].argmax()] = value
    return labels.with_labels(kept)


def parts_of(labels: LabelMap) -> dict[int, int]:
    """Number of pieces (voxels sharing faces) of every label that occurs."""
    from scipy import ndimage

    boxes = ndimage.find_objects(labels.data)
    return {
        value: int(ndimage.label(labels.data[box] == value)[1])
        for value, box in enumerate(boxes, start=1)
        if box is not None
    }


def _fragments(labels: LabelMap) -> list[Finding]:
    broken = [f"{name_of(value)} ({n})" for value, n in parts_of(labels).items() if n > 1 and value <= 20]
    return [Finding("label-fragments", f"in more than one piece: {', '.join(broken)}")] if broken else []


def _asymmetries(labels: LabelMap) -> list[Finding]:
    volumes = volumes_ml(labels)
    uneven = []
    for region in REGIONS:
        left, right = volumes[region.label("left")], volumes[region.label("right")]
        if min(left, right) > 0 and abs(left - right) > ASYMMETRY_LIMIT * max(left, right):
            uneven.append(f"{region.abbreviation} ({left:.1f} ml left, {right:.1f} ml right)")
    return [Finding("label-asymmetry", f"sides differ in volume: {', '.join(uneven)}")] if uneven else []

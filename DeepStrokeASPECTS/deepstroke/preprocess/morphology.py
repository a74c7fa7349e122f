"""Mathematical morphology in millimetres on isotropic grids, by Euclidean distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def depth(mask: Mask, spacing_mm: float) -> NDArray[np.float32]:
    """Distance in mm of each voxel of a mask to the nearest voxel outside it; 0 outside; the array's edge is open."""
    if mask.all():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    found = np.zeros(mask.shape, dtype=np.float32)
    box = _box_around(mask, 1)  # no voxel outside is nearer than those in the layer around the mask's box
    found[box] = ndimage.distance_transform_edt(mask[box]) * spacing_mm
    return found


def distance_to(mask: Mask, spacing_mm: float) -> NDArray[np.float32]:
    """Distance in mm of each voxel to the nearest voxel of a mask; 0 inside."""
    return depth(~mask, spacing_mm)


def dilate(mask: Mask, radius_mm: float, spacing_mm: float) -> Mask:
    """Dilation by a ball."""
    grown = np.zeros(mask.shape, dtype=bool)
    box = _box_around(mask, int(radius_mm / spacing_mm) + 1)
    if mask[box].any():
        grown[box] = distance_to(mask[box], spacing_mm) <= radius_mm
    return grown


def erode(mask: Mask, radius_mm: float, spacing_mm: float) -> Mask:
    """Erosion by a ball; the array's edge doesn't erode."""
    return depth(mask, spacing_mm) > radius_mm


def close(mask: Mask, radius_mm: float, spacing_mm: float) -> Mask:
    """Closing by a ball, as if the mask stood in free space."""
    margin = int(np.ceil(radius_mm / spacing_mm)) + 1
    padded = np.pad(mask, margin)
    closed = erode(dilate(padded, radius_mm, spacing_mm), radius_mm, spacing_mm)
    inner = slice(margin, -margin)
    return closed[inner, inner, inner]


def _box_around(mask: Mask, margin: int) -> tuple[slice, ...]:
    """The mask's bounding box widened by some voxels, within the array; an empty one's is empty."""
    found = ndimage.find_objects(mask.astype(np.uint8))
    box = found[0] if found else (slice(0, 0),) * mask.ndim
    return tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in box)


def dilate_by_voxel(labels: NDArray) -> NDArray:
    """Labels grown by one voxel into background; where two meet the higher one wins."""
    return np.where(labels > 0, labels, ndimage.maximum_filter(labels, footprint=_CROSS))


_CROSS = ndimage.generate_binary_structure(3, 1)


def largest_component(mask: Mask) -> Mask:
    """The largest face-connected component; an empty mask stays empty."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def component_with(mask: Mask, seed: Mask) -> Mask:
    """The components of a mask that touch a seed."""
    labels, _ = ndimage.label(mask | seed)
    wanted = np.unique(labels[seed])
    return np.isin(labels, wanted[wanted > 0])


def without_small_holes(mask: Mask, voxels: int) -> Mask:
    """A mask with the components of its background filled that have at most so many voxels."""
    labels, _ = ndimage.label(~mask)
    small = np.bincount(labels.ravel()) <= voxels
    small[0] = True
    return np.asarray(small[labels])

"""The sided region label map of the atlas, put together from the deep structures and the cortical sectors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.regions import BY_ABBREVIATION, SIDE_OFFSET
from deepstroke.volume import LabelMap
from deepstroke_training.atlas_authoring import frame
from deepstroke_training.atlas_authoring.cortex import cortical_regions
from deepstroke_training.atlas_authoring.deep import deep_structures, one_piece
from deepstroke_training.atlas_authoring.landmarks import LEVELS
from deepstroke_training.atlas_authoring.tissues import hemisphere_tissues


def sided_labels() -> LabelMap:
    """Labels 1..10 on the left and 11..20 on the right, mirror images of each other, one piece each.

    Raises:
        MissingDependencyError: nilearn is not installed.
    """
    right = unsided_hemisphere()
    both = frame.mirrored(right)
    x = np.arange(both.shape[0])[:, None, None] - frame.X_MAX
    labelled = both > 0
    both[labelled & (x > 0)] += SIDE_OFFSET["right"]
    return LabelMap(both, frame.ijk_to_ras())


def unsided_hemisphere() -> NDArray[np.uint8]:
    """Region numbers 1..10 of one hemisphere (u, y, z); nothing on the midline."""
    deep = deep_structures()
    _, _, z = frame.hemisphere_mm()
    numbers = cortical_regions(hemisphere_tissues(), deep)
    below = z < LEVELS.split
    for abbreviation, mask in (
        ("C", deep.caudate),
        ("L", deep.lentiform & below),
        ("IC", deep.internal_capsule & below),
        ("I", deep.insula & below),
    ):
        numbers[mask] = BY_ABBREVIATION[abbreviation].number
    numbers[0] = 0
    for number in range(1, 11):
        region = numbers == number
        numbers[region & ~one_piece(region)] = 0
    return _without_pinholes(numbers)


def _without_pinholes(numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Unlabelled voxels enclosed by regions on an axial slice take the region around them."""
    filled = numbers.copy()
    for k in np.flatnonzero(numbers.any(axis=(0, 1))):
        holes, count = ndimage.label(numbers[:, :, k] == 0)
        for hole in range(1, count + 1):
            inside = holes == hole
            if 0 < np.count_nonzero(inside) <= _PINHOLE_VOXELS:
                around = numbers[:, :, k][ndimage.binary_dilation(inside) & ~inside]
                filled[inside, k] = np.bincount(around).argmax()
    return filled


#: Gaps between regions up to this many mm^2 are no anatomy but the grid.
_PINHOLE_VOXELS = 20

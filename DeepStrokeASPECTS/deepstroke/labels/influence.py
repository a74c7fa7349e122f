"""Which label of a merged group each voxel belongs to (Kujawa et al. 2024, eq. 4 and 5)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.labels.supports import Support, Supports
from deepstroke.progress import Progress, silent

#: A distance transform of 8.5 million voxels takes 0.3 GB while it works.
_MOST_THREADS = 4


def influence_regions(
    supports: Supports,
    groups: Sequence[Sequence[int]],
    spacing_mm: tuple[float, float, float],
    progress: Progress = silent,
) -> NDArray[np.integer]:
    """The label of each group that is nearest to each voxel.

    The paper takes the largest of S / N where S > 0 and of exp(-E) / N elsewhere, E being the distance to a label's
    support in mm. Supports within a group are apart, so at most one label has S > 0 at a voxel, and there it is nearest
    (0 mm); elsewhere the largest exp(-E) is the least E. So one distance transform to the supports of the whole group,
    which also tells to which of them, gives the same without underflow. Of two equally near ones either is taken.

    Args:
        supports: of all labels, on one grid.
        groups: positions 0..n-1 among the labels; no two supports of a group share a voxel.
        spacing_mm: voxel size along i, j and k.
        progress: told how many groups are done.

    Returns:
        (groups, i, j, k) original labels, in the smallest unsigned type that holds them.
    """
    kind = np.min_scalar_type(max(supports.labels, default=0))
    regions = np.zeros((len(groups), *supports.shape), kind)
    done = 0

    def fill(number: int) -> None:
        members = [(supports.labels[member], supports.of[member]) for member in groups[number]]
        regions[number] = _nearest_label(members, supports.shape, spacing_mm, kind)

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        for done, _ in enumerate(threads.map(fill, range(len(groups)))):
            progress((done + 1) / len(groups), f"influence regions of group {done + 1} of {len(groups)}")
    return regions


def _nearest_label(
    members: Sequence[tuple[int, Support]],
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    kind: np.dtype,
) -> NDArray:
    labels = np.zeros(shape, kind)
    for label, support in members:
        labels[support.box][support.mask] = label
    nearest = ndimage.distance_transform_edt(
        labels == 0, sampling=spacing_mm, return_distances=False, return_indices=True
    )
    return labels[tuple(nearest)]

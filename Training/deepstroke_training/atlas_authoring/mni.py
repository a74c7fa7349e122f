"""The MNI152 average maps that the atlas is drawn on, as nilearn carries them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError, MissingDependencyError
from deepstroke_training.atlas_authoring import frame


@dataclass(frozen=True, eq=False)
class MniMaps:
    """Average maps of one hemisphere (u, y, z) in the atlas frame.

    Attributes:
        t1: T1 signal, 0..1 (white matter about 0.87, cortex 0.65, CSF below 0.5).
        grey: probability of grey matter, 0..1.
        white: probability of white matter, 0..1.
        mask: brain mask of the average.
    """

    t1: NDArray[np.float32]
    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    mask: NDArray[np.bool_]


@cache
def load_maps() -> MniMaps:
    """The four maps of nilearn's MNI152 (ICBM 2009a nonlinear symmetric), averaged with their mirror images.

    Raises:
        MissingDependencyError: nilearn is not installed.
        InputError: this nilearn carries maps on a grid that the atlas frame doesn't match.
    """
    try:
        from nilearn import datasets
    except ImportError as error:
        raise MissingDependencyError("nilearn holds the MNI152 maps: pip install 'deepstroke[train]'") from error
    t1, grey, white, mask = (
        _hemisphere(load(resolution=1))
        for load in (
            datasets.load_mni152_template,
            datasets.load_mni152_gm_template,
            datasets.load_mni152_wm_template,
            datasets.load_mni152_brain_mask,
        )
    )
    maps = MniMaps(t1, grey, white, mask > 0.5)
    for array in (maps.t1, maps.grey, maps.white, maps.mask):
        array.setflags(write=False)
    return maps


def _hemisphere(image: object) -> NDArray[np.float32]:
    """One map on the atlas grid, the mean of both sides folded onto u >= 0."""
    data = np.asarray(image.get_fdata(), dtype=np.float32)  # type: ignore[attr-defined]
    affine = np.asarray(image.affine)  # type: ignore[attr-defined]
    start = np.array([-frame.X_MAX, frame.Y_MIN, frame.Z_MIN]) - affine[:3, 3]
    stop = start + frame.ATLAS_SHAPE
    if not np.array_equal(affine[:3, :3], np.eye(3)) or (start < 0).any() or start[0] * 2 + 161 != data.shape[0]:
        raise InputError(
            f"nilearn's MNI152 map has affine {affine.tolist()} and shape {data.shape}, not the 2009a grid"
        )
    (i0, j0, k0), (i1, j1, k1) = start.astype(int), stop.astype(int)
    block = data[i0:i1, j0:j1, k0:k1]
    folded = 0.5 * (block + block[::-1])
    return np.ascontiguousarray(folded[frame.X_MAX :])

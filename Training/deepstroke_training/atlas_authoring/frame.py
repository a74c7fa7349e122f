"""The atlas frame: MNI152 (ICBM 2009a nonlinear symmetric) at 1 mm with x = 0 on a voxel centre.

Everything is authored once, on the hemisphere x >= 0, and mirrored, so the two sides are equal to the bit.
A hemisphere array is indexed (u, y, z) with u = |x| in mm; its first plane lies on the midline.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from deepstroke.frames import Affine

#: Outermost voxel centres in mm of the whole grid: the brain (x -72..72, y -107..73, z -72..82) and a margin.
X_MAX, Y_MIN, Y_MAX, Z_MIN, Z_MAX = 80, -116, 84, -72, 90
HEMISPHERE_SHAPE = (X_MAX + 1, Y_MAX - Y_MIN + 1, Z_MAX - Z_MIN + 1)
ATLAS_SHAPE = (2 * X_MAX + 1, *HEMISPHERE_SHAPE[1:])


def ijk_to_ras() -> Affine:
    """Voxel indices of the whole grid to RAS+ mm (1 mm, axes along right, anterior, superior)."""
    affine = np.eye(4)
    affine[:3, 3] = (-X_MAX, Y_MIN, Z_MIN)
    return affine


def hemisphere_mm() -> tuple[NDArray, NDArray, NDArray]:
    """Distance from the midline u, y and z in mm, as float32 arrays that broadcast to ``HEMISPHERE_SHAPE``."""
    u = np.arange(X_MAX + 1, dtype=np.float32)[:, None, None]
    y = np.arange(Y_MIN, Y_MAX + 1, dtype=np.float32)[None, :, None]
    z = np.arange(Z_MIN, Z_MAX + 1, dtype=np.float32)[None, None, :]
    return u, y, z


def index_of_z(z_mm: float) -> int:
    """Slice index of an axial level."""
    return round(z_mm) - Z_MIN


def index_of_y(y_mm: float) -> int:
    """Row index of a coronal level."""
    return round(y_mm) - Y_MIN


def mirrored(hemisphere: NDArray) -> NDArray:
    """The whole grid from its right half (u >= 0); the left half is its exact mirror image."""
    return np.concatenate([hemisphere[:0:-1], hemisphere], axis=0)


def smoothed(hemisphere: NDArray, sigma_mm: float) -> NDArray[np.float32]:
    """Gaussian smoothing of a hemisphere as if its mirror image lay beyond the midline."""
    from scipy.ndimage import gaussian_filter

    modes = ("mirror", "nearest", "nearest")
    return gaussian_filter(hemisphere.astype(np.float32), sigma_mm, mode=modes, truncate=4.0)

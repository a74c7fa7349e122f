"""A tilted stack brought onto a grid at right angles, slice for slice."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from scipy import ndimage

from deepstroke.frames import Affine
from deepstroke.volume import Volume

VolumeT = TypeVar("VolumeT", bound=Volume)


def straightened(volume: VolumeT, order: int, fill: float) -> VolumeT:
    """The volume on an orthogonal grid whose slices are its own, each shifted within its plane.

    Args:
        volume: k-axis may lean along j, as in a stack with gantry tilt.
        order: 0 for labels, 1 for HU.
        fill: value where no slice reaches.
    """
    if volume.is_orthogonal:
        return volume
    shape, ijk_to_ras = _straight_grid(volume)
    # Rounded, as a slice at -1e-17 would count as lying outside.
    to_source = np.round(volume.ras_to_ijk @ ijk_to_ras, 9)
    data = ndimage.affine_transform(
        volume.data, to_source[:3, :3], to_source[:3, 3], output_shape=shape, order=order, cval=fill
    )
    return type(volume)(data, ijk_to_ras)


def _straight_grid(volume: Volume) -> tuple[tuple[int, int, int], Affine]:
    """Shape and affine of the orthogonal grid that holds every slice."""
    ni, nj, nk = volume.shape
    i_axis, j_axis, k_axis = volume.ijk_to_ras[:3, :3].T
    normal = np.cross(i_axis, j_axis)
    normal /= np.linalg.norm(normal)
    lean = float(k_axis @ j_axis / (j_axis @ j_axis)) * (nk - 1)
    first, last = int(np.floor(min(0.0, lean))), int(np.ceil(max(0.0, lean)))
    matrix = volume.ijk_to_ras.copy()
    matrix[:3, 2] = normal * float(k_axis @ normal)
    matrix[:3, 3] += first * j_axis
    return (ni, nj + last - first, nk), matrix

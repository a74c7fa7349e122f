"""Coordinate frames: voxel indices (ijk), RAS+ millimetres, and the LPS+ millimetres of DICOM and ITK.

A matrix is named for what it does: ``ijk_to_ras`` maps voxel indices to RAS+ mm, and products are written
so that the names cancel: ``lps_to_template @ ras_to_lps @ ijk_to_ras``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepstroke.errors import GeometryError

Affine = NDArray[np.float64]

#: RAS+ mm to LPS+ mm, and its own inverse: the first two axes change sign.
RAS_TO_LPS: Affine = np.diag([-1.0, -1.0, 1.0, 1.0])


def as_affine(matrix: ArrayLike) -> Affine:
    """A checked 4 x 4 affine: finite, invertible, with the last row 0 0 0 1.

    Raises:
        GeometryError: the matrix is not such an affine.
    """
    affine = np.array(matrix, dtype=np.float64)
    if affine.shape != (4, 4):
        raise GeometryError(f"an affine has shape (4, 4), found {affine.shape}", code="affine")
    if not np.isfinite(affine).all():
        raise GeometryError("the affine holds values that are not finite", code="affine")
    if not np.allclose(affine[3], (0, 0, 0, 1)):
        raise GeometryError(f"the last row of an affine is 0 0 0 1, found {affine[3]}", code="affine")
    if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise GeometryError("the affine is singular: two voxel axes are parallel or a spacing is zero", code="affine")
    return affine


def apply_affine(affine: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
    """Map points of shape (..., 3) by a 4 x 4 affine."""
    matrix = np.asarray(affine, dtype=np.float64)
    return np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def spacing_of(ijk_to_ras: ArrayLike) -> tuple[float, float, float]:
    """Length in mm of one voxel step along i, j and k."""
    si, sj, sk = np.linalg.norm(np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3], axis=0)
    return float(si), float(sj), float(sk)


def shear_degrees(ijk_to_ras: ArrayLike) -> float:
    """Largest departure from 90 degrees of the angles between the three voxel axes."""
    axes = np.asarray(ijk_to_ras, dtype=np.float64)[:3, :3] / np.array(spacing_of(ijk_to_ras))
    cosines = np.abs(axes.T @ axes - np.eye(3)).max()
    return float(np.degrees(np.arcsin(np.clip(cosines, 0.0, 1.0))))


def is_orthogonal(ijk_to_ras: ArrayLike, tolerance_degrees: float = 0.05) -> bool:
    """Whether the voxel axes are at right angles to each other."""
    return shear_degrees(ijk_to_ras) <= tolerance_degrees


def corners(shape: tuple[int, ...], ijk_to_ras: ArrayLike) -> NDArray[np.float64]:
    """RAS+ mm of the eight corner voxel centres of a grid, shape (8, 3)."""
    ends = [(0, n - 1) for n in shape[:3]]
    ijk = np.array([(i, j, k) for i in ends[0] for j in ends[1] for k in ends[2]], dtype=np.float64)
    return apply_affine(ijk_to_ras, ijk)


def reorient_to_ras(data: NDArray, ijk_to_ras: ArrayLike) -> tuple[NDArray, Affine]:
    """Permute and flip voxel axes until i, j and k point nearest to right, anterior and superior.

    No value is resampled: each voxel keeps its place in RAS+ mm.

    Args:
        data: array indexed (i, j, k).
        ijk_to_ras: its 4 x 4 affine; it may be oblique or sheared.

    Returns:
        A view of the data and the affine that goes with it.
    """
    from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

    affine = as_affine(ijk_to_ras)
    orientation = io_orientation(affine)
    return apply_orientation(data, orientation), affine @ inv_ornt_aff(orientation, data.shape)

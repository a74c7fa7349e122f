"""The centre lines of an aggregated outline: ridges of its density on axial slices, between the voxels.

A pixel lies on a ridge where the density's second derivative across the line is strongly negative and its first
derivative across the line vanishes within the pixel: Steger, "An unbiased detector of curvilinear structures",
IEEE PAMI 20 (1998) 113, equations 18-20.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke.errors import InputError
from deepstroke.volume import LabelMap, Volume

#: A ridge may lie this far from its voxel's centre, in voxels; a little more than half closes gaps at corners.
_WITHIN_VOXELS = 0.6


@dataclass(frozen=True, eq=False)
class Ridge:
    """Centre lines on the slices of a volume.

    Attributes:
        points_ras: (N, 3), RAS+ mm, one for each ridge voxel, placed between voxel centres.
        strength: (N,), height of the ridge: negative curvature across it times its scale squared, units of the density.
        mask: 1 on ridge voxels, on the grid of the density.
    """

    points_ras: NDArray[np.float64]
    strength: NDArray[np.float64]
    mask: LabelMap


def extract_ridge(density: Volume, scale_mm: float = 1.0, least_share: float = 0.3) -> Ridge:
    """Ridges of a density on the slices of its third axis. Pure.

    Args:
        density: such as ``MeanOverlay.density``.
        scale_mm: standard deviation of the Gaussian whose derivatives are taken.
        least_share: weaker ridges than this share of the 99th percentile of all strengths are noise.

    Raises:
        InputError: there is no ridge.
    """
    sigma = [scale_mm / spacing for spacing in density.spacing_mm[:2]]
    image = density.data.astype(np.float32)
    slope_i, slope_j, ii, ij, jj = (
        ndimage.gaussian_filter(image, (*sigma, 0), order=(*order, 0))
        for order in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
    )
    curvature, across_i, across_j = _sharpest_direction(ii, ij, jj)
    along = slope_i * across_i + slope_j * across_j
    convex = curvature < 0
    offset = np.where(convex, -along / np.where(convex, curvature, 1), 0)
    strength = -curvature * sigma[0] * sigma[1]
    shift_i, shift_j = offset * across_i, offset * across_j
    near = (np.abs(shift_i) <= _WITHIN_VOXELS) & (np.abs(shift_j) <= _WITHIN_VOXELS)
    candidates = near & convex
    if not candidates.any():
        raise InputError("the aggregated overlay has no ridge: it is empty or flat", code="no-ridge")
    found = candidates & (strength >= least_share * np.percentile(strength[candidates], 99))
    places = np.argwhere(found).astype(np.float64)
    places[:, 0] += shift_i[found]
    places[:, 1] += shift_j[found]
    return Ridge(density.ras_of(places), strength[found].astype(np.float64), density.with_labels(found))


def _sharpest_direction(
    ii: NDArray[np.float32], ij: NDArray[np.float32], jj: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The lower eigenvalue of 2 x 2 Hessians and its unit eigenvector, the direction across a bright line."""
    half_difference = (ii - jj) / 2
    root = np.hypot(half_difference, ij)
    angle = 0.5 * np.arctan2(-ij, -half_difference)
    return (ii + jj) / 2 - root, np.cos(angle), np.sin(angle)

"""Distances between the surfaces of two masks, in mm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from deepstroke.errors import InputError


def surface_distances(
    prediction: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances of each surface voxel of one mask to the other's surface, in both directions.

    Args:
        prediction: mask indexed (i, j, k).
        truth: mask of the same shape.
        spacing_mm: voxel size along i, j, k; the axes are orthogonal.

    Returns:
        mm from the prediction's surface to the truth's, and from the truth's to the prediction's.

    Raises:
        InputError: the shapes differ or a mask is empty.
    """
    predicted, true = np.asarray(prediction) > 0, np.asarray(truth) > 0
    if predicted.shape != true.shape:
        raise InputError(f"masks of different shapes {predicted.shape} and {true.shape}", code="grid-mismatch")
    if not predicted.any() or not true.any():
        raise InputError("a surface distance needs two masks that are not empty", code="empty-mask")
    box = ndimage.find_objects((predicted | true).astype(np.uint8))[0]
    surfaces = [np.pad(mask[box], 1) & ~ndimage.binary_erosion(np.pad(mask[box], 1)) for mask in (predicted, true)]
    to_predicted, to_true = (ndimage.distance_transform_edt(~surface, sampling=spacing_mm) for surface in surfaces)
    return to_true[surfaces[0]], to_predicted[surfaces[1]]


def hausdorff95(prediction: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]) -> float:
    """The larger of the two directed 95th percentiles of the surface distances, in mm.

    Arguments and errors are those of ``surface_distances``.
    """
    return hausdorff95_of(*surface_distances(prediction, truth, spacing_mm))


def mean_surface_distance(prediction: ArrayLike, truth: ArrayLike, spacing_mm: Sequence[float]) -> float:
    """Mean over both surfaces of the distance to the other one, in mm (average symmetric surface distance).

    Arguments and errors are those of ``surface_distances``.
    """
    return mean_of_surfaces(*surface_distances(prediction, truth, spacing_mm))


def hausdorff95_of(forward: NDArray[np.float64], backward: NDArray[np.float64]) -> float:
    """``hausdorff95`` from what ``surface_distances`` gave."""
    return float(max(np.percentile(forward, 95), np.percentile(backward, 95)))


def mean_of_surfaces(forward: NDArray[np.float64], backward: NDArray[np.float64]) -> float:
    """``mean_surface_distance`` from what ``surface_distances`` gave."""
    return float((forward.sum() + backward.sum()) / (forward.size + backward.size))

"""Shape of a region by its voxels, as the Image Biomarker Standardisation Initiative (IBSI) defines it.

Source: IBSI reference manual, arXiv:1612.07003, section 3.1; those of its features that need no surface mesh.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def shape_features(
    mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float], values: NDArray | None = None
) -> dict[str, float]:
    """Volume (mm^3), lengths of the principal axes (mm), elongation and flatness of a mask (i, j, k).

    Args:
        mask: at least one voxel.
        spacing_mm: of its voxels along i, j and k.
        values: intensities on the same grid; with them also the distance in mm from the centre of the voxels to their
            centre weighted by intensity.
    """
    points = np.argwhere(mask) * np.array(spacing_mm)
    centre = points.mean(axis=0)
    spread = np.atleast_2d(np.cov(points.T)) if len(points) > 1 else np.zeros((3, 3))
    least, minor, major = np.sqrt(np.maximum(np.linalg.eigvalsh(spread), 0.0)).tolist()
    features = {
        "voxel_volume": float(len(points) * np.prod(spacing_mm)),
        "major_axis_length": 4.0 * major,
        "minor_axis_length": 4.0 * minor,
        "least_axis_length": 4.0 * least,
        "elongation": minor / major if major > 0 else 1.0,
        "flatness": least / major if major > 0 else 1.0,
    }
    if values is not None:
        weights = values[mask].astype(np.float64)
        features["centre_of_mass_shift"] = float(np.linalg.norm(np.average(points, axis=0, weights=weights) - centre))
    return features

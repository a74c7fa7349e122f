"""The plane between the hemispheres, as the regions of both sides see it, for the viewer's mirrored picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from deepstroke.errors import InputError
from deepstroke.frames import Affine
from deepstroke.regions import REGIONS
from deepstroke.volume import LabelMap


def region_reflection(labels: LabelMap) -> Affine:
    """The reflection that brings the regions of one side onto those of the other best.

    The plane stands at right angles to the mean of the lines from each left centroid to its right partner and passes
    through the mean of their middles. It follows a turned head; a lesion hardly moves it.

    Args:
        labels: sided labels 0..20.

    Returns:
        4 x 4 affine from RAS+ mm to mirrored RAS+ mm; its own inverse.

    Raises:
        InputError: no region has both sides.
    """
    centroids = label_centroids(labels)
    pairs = [(centroids.get(region.label("left")), centroids.get(region.label("right"))) for region in REGIONS]
    known = np.array([pair for pair in pairs if pair[0] is not None and pair[1] is not None], dtype=np.float64)
    if not len(known):
        raise InputError("no region is labelled on both sides, so no mirror plane can be told", code="one-sided")
    lines = known[:, 1] - known[:, 0]
    normal = lines.mean(axis=0) / np.linalg.norm(lines.mean(axis=0))
    middle = known.mean(axis=(0, 1))
    reflection = np.eye(4)
    reflection[:3, :3] -= 2.0 * np.outer(normal, normal)
    reflection[:3, 3] = 2.0 * (middle @ normal) * normal
    return reflection


def label_centroids(labels: LabelMap) -> dict[int, NDArray[np.float64]]:
    """Centre in RAS+ mm of every label that occurs."""
    centroids = {}
    for label, box in enumerate(find_objects(labels.data), start=1):
        if box is not None:
            corner = [part.start for part in box]
            centroids[label] = labels.ras_of(np.argwhere(labels.data[box] == label).mean(axis=0) + corner)
    return centroids

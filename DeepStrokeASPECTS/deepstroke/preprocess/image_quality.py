"""How noisy a head CT is, and whether the head moved between its slices."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from deepstroke.preprocess.morphology import Mask
from deepstroke.volume import Volume

#: Distance in mm between the layers whose places are compared.
LAYER_DISTANCE_MM = 4.0
#: Layers smaller than this part of the largest one, and all below that, change their centre by anatomy.
COMPARED_AREA = 0.4


def noise_hu(volume: Volume, brain: Mask) -> float:
    """Noise in the middle third of the brain's axial layers.

    Returns:
        Standard deviation (1.4826 median absolute value) of the differences of neighbours along i, over the square
        root of 2, in HU.
    """
    layers = np.flatnonzero(brain.any(axis=(0, 1)))
    values = []
    for k in layers[len(layers) // 3 : 2 * len(layers) // 3 + 1 : max(1, len(layers) // 12)]:
        inside = ndimage.binary_erosion(brain[:, :, k], iterations=5)
        steps = np.diff(volume.data[:, :, k].astype(np.float32), axis=0)[inside[1:] & inside[:-1]]
        if steps.size:
            values.append(1.4826 * float(np.median(np.abs(steps))) / np.sqrt(2.0))
    return float(np.median(values)) if values else 0.0


def movement_mm(volume: Volume, brain: Mask) -> float:
    """The largest jump of the brain's centre from layer to layer above its widest one.

    A jump is the step of the centre in the layer's plane less the median of five steps around it, so that a tilted
    head doesn't count as moving. Movement within a slice and slow drifts are not seen.
    """
    stride = max(1, round(LAYER_DISTANCE_MM / volume.spacing_mm[2]))
    layers = brain[:, :, ::stride]
    areas = np.count_nonzero(layers, axis=(0, 1))
    compared = np.flatnonzero((np.arange(areas.size) >= areas.argmax()) & (areas > COMPARED_AREA * areas.max()))
    if compared.size < 6:
        return 0.0
    centres = np.array([_centre_mm(layers[:, :, k], volume.spacing_mm) for k in compared])
    steps = np.diff(centres, axis=0)
    jumps = steps - ndimage.median_filter(steps, size=(5, 1), mode="nearest")
    return float(np.linalg.norm(jumps, axis=1).max())


def _centre_mm(layer: Mask, spacing_mm: tuple[float, float, float]) -> tuple[float, float]:
    rows, columns = layer.sum(axis=1, dtype=float), layer.sum(axis=0, dtype=float)
    i = float(rows @ np.arange(rows.size) / rows.sum())
    j = float(columns @ np.arange(columns.size) / columns.sum())
    return i * spacing_mm[0], j * spacing_mm[1]

"""Cut propagated regions to the brain, and out of the cerebrospinal fluid."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: ``none`` keeps the atlas's regions whole, ``brain`` cuts them to the brain mask, ``csf`` also out of CSF.
Clip = Literal["none", "brain", "csf"]

#: Smoothed tissue below this is cerebrospinal fluid (0-15 HU) rather than white matter (from about 20 HU), in HU.
CSF_LIMIT_HU = 15.0
#: In-plane smoothing before the limit is applied, in mm: single noisy pixels of the brain stay.
SMOOTHING_MM = 1.0


def clip_labels(
    labels: NDArray[np.uint8],
    hu: NDArray[np.float32],
    brain: NDArray[np.bool_],
    clip: Clip,
    in_plane_mm: tuple[float, float],
) -> NDArray[np.uint8]:
    """Labels cut as asked, on one stack of slices.

    Args:
        labels: (slices, rows, columns) or any three axes of which the last two lie in the slice plane.
        hu: Hounsfield units of the same shape.
        brain: the brain mask, the same shape.
        clip: what to cut away.
        in_plane_mm: spacing of the last two axes.
    """
    if clip == "none":
        return labels
    kept = np.where(brain, labels, 0).astype(labels.dtype)
    if clip == "csf":
        sigma = (0.0, *(SMOOTHING_MM / spacing for spacing in in_plane_mm))
        kept[ndimage.gaussian_filter(np.clip(hu, -50, 100), sigma) < CSF_LIMIT_HU] = 0
    return kept

"""How much darker or brighter each place of the brain is than its mirror image on the other side."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from deepstroke.frames import Affine
from deepstroke.volume import Volume
from DeepStrokeASPECTSLib.placing import MirrorPlane, values_of_slice

#: Standard deviation of the smoothing within a slice: noise goes, a region stays.
SMOOTHING_MM = 4.0
#: Of brain tissue; bone, calcium and CSF say nothing about early ischaemia.
TISSUE_HU = (12.0, 80.0)
#: The least share of tissue around a place from which on its mean is taken.
_LEAST_SHARE = 0.25


def side_difference(
    hu: NDArray, brain: Volume, slices: Sequence[Affine], plane: MirrorPlane
) -> Generator[float, None, NDArray[np.float32]]:
    """HU of each place less those of its mirror image, slice by slice; yields the fraction done.

    Args:
        hu: of the volume, indexed (i, j, k).
        brain: its mask, on any grid, RAS+ mm.
        slices: of each slice of the volume: (i, j, 0) to RAS+ mm.
        plane: between the hemispheres, at right angles to the slices.

    Returns:
        HU as float32, (i, j, k); 0 where either side holds no brain tissue. Below 0: darker than the other side.
    """
    found = np.zeros(hu.shape[::-1], np.float32).transpose(2, 1, 0)
    for k, slice_to_ras in enumerate(slices):
        inside = values_of_slice(brain, hu.shape, slice_to_ras) > 0
        if inside.any():
            found[:, :, k] = _difference_of_slice(hu[:, :, k], inside, slice_to_ras, plane.reflection())
        yield (k + 1) / len(slices)
    return found


def _difference_of_slice(
    hu: NDArray, inside: NDArray[np.bool_], slice_to_ras: Affine, reflection: Affine
) -> NDArray[np.float32]:
    # scipy isn't imported into Slicer before it is needed, which is after it was installed.
    from scipy import ndimage

    tissue = inside & (hu >= TISSUE_HU[0]) & (hu <= TISSUE_HU[1])
    sigma = SMOOTHING_MM / np.linalg.norm(slice_to_ras[:3, :2], axis=0)
    share = ndimage.gaussian_filter(tissue.astype(np.float32), sigma)
    total = ndimage.gaussian_filter(np.where(tissue, hu, 0).astype(np.float32), sigma)
    mean = total / np.maximum(share, _LEAST_SHARE)
    known = inside & (share > _LEAST_SHARE)
    turn = _with_normal(slice_to_ras)
    to_mirror = np.linalg.inv(turn) @ reflection @ turn
    there, known_there = (
        ndimage.affine_transform(values.astype(np.float32), to_mirror[:2, :2], to_mirror[:2, 3], order=1)
        for values in (mean, known)
    )
    return np.where(known & (known_there > 0.99), mean - there, 0.0).astype(np.float32)


def _with_normal(slice_to_ras: Affine) -> Affine:
    """The slice's matrix with its normal as third column, so that it can be inverted whatever stood there."""
    turned = slice_to_ras.copy()
    turned[:3, 2] = np.cross(slice_to_ras[:3, 0], slice_to_ras[:3, 1])
    return turned

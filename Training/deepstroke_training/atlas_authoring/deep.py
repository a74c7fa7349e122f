"""The deep structures of one hemisphere: drawn outlines, cut to the tissue of the averages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke_training.atlas_authoring import drawings, frame
from deepstroke_training.atlas_authoring.landmarks import ROUNDING, SIGNAL
from deepstroke_training.atlas_authoring.mni import MniMaps, load_maps

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DeepStructures:
    """Masks of one hemisphere (u, y, z); no two overlap."""

    caudate: Mask
    lentiform: Mask
    thalamus: Mask
    internal_capsule: Mask
    insula: Mask
    ventricle: Mask


@cache
def deep_structures() -> DeepStructures:
    """The deep structures on the MNI152 maps."""
    maps = load_maps()
    csf = maps.t1 < SIGNAL.csf_below
    ventricle = _ventricle(maps)
    caudate = one_piece(_brought_onto(ventricle, _caudate(maps) & ~ventricle))
    lentiform = one_piece(_rounded(drawings.LENTIFORM.mask()) & ~csf)
    thalamus = one_piece(_rounded(drawings.THALAMUS.mask()) & ~csf & ~ventricle & ~caudate)
    nuclei = caudate | lentiform | thalamus | ventricle
    capsule = one_piece(_rounded(drawings.INTERNAL_CAPSULE.mask() & ~nuclei) & ~nuclei & ~csf)
    insula = one_piece(_insula(maps) & ~nuclei & ~capsule)
    return DeepStructures(caudate, lentiform, thalamus, capsule, insula, ventricle)


def _caudate(maps: MniMaps) -> Mask:
    """Grey matter inside the outline; the ventricle's wall is its medial border."""
    grey = (maps.t1 >= SIGNAL.csf_below) & (frame.smoothed(maps.t1, 0.5) < SIGNAL.caudate_below)
    return _rounded(drawings.CAUDATE.mask() & grey) & (maps.t1 >= SIGNAL.csf_below)


def _brought_onto(ventricle: Mask, nucleus: Mask) -> Mask:
    """The nucleus with the seam of one voxel, half CSF, that stays between it and the ventricle on axial slices."""
    in_plane = ndimage.generate_binary_structure(2, 1)[:, :, None]
    seam = ndimage.binary_dilation(nucleus, in_plane) & ndimage.binary_dilation(ventricle, in_plane)
    return (nucleus | seam) & ~ventricle


def _insula(maps: MniMaps) -> Mask:
    """Cortex inside the outline as a smooth ribbon."""
    outline, tissue = drawings.INSULA.mask(), maps.t1 >= SIGNAL.csf_below
    cortex = outline & (maps.grey > SIGNAL.insula_grey_above) & tissue
    ribbon = ndimage.binary_closing(cortex, iterations=2) & outline
    return frame.smoothed(_filled(ribbon & tissue), ROUNDING.insula) > 0.5


def _ventricle(maps: MniMaps) -> Mask:
    """CSF inside the two outlines, the choroid plexus included."""
    outline = drawings.FRONTAL_HORN_AND_BODY.mask() | drawings.ATRIUM_AND_TEMPORAL_HORN.mask()
    csf = outline & (maps.t1 < SIGNAL.csf_below)
    return ndimage.binary_closing(csf, iterations=2) & outline & (maps.t1 < SIGNAL.choroid_below)


def _filled(mask: Mask) -> Mask:
    """The mask with its holes on each axial slice filled: sulci that close over."""
    return np.stack([ndimage.binary_fill_holes(mask[:, :, k]) for k in range(mask.shape[2])], axis=-1)


def _rounded(mask: Mask) -> Mask:
    """The mask without steps between slices and corners of polygons."""
    return frame.smoothed(mask, ROUNDING.nuclei) > 0.5


def one_piece(mask: Mask) -> Mask:
    """The largest part whose voxels share faces."""
    parts, count = ndimage.label(mask)
    if count <= 1:
        return mask
    sizes = np.bincount(parts.ravel())[1:]
    return parts == 1 + int(np.argmax(sizes))

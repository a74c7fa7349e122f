"""Tissue maps with the deep nuclei put right, and the CT-like template made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from deepstroke_training.atlas_authoring import frame
from deepstroke_training.atlas_authoring.deep import DeepStructures, Mask, deep_structures
from deepstroke_training.atlas_authoring.landmarks import TISSUE_HU
from deepstroke_training.atlas_authoring.mni import MniMaps, load_maps

_MIDPLANE_PAD_MM = 20


@dataclass(frozen=True, eq=False)
class HemisphereTissues:
    """Grey matter, white matter and CSF of one hemisphere, each 0..1, summing to 1 in the brain and 0 outside."""

    grey: NDArray[np.float32]
    white: NDArray[np.float32]
    csf: NDArray[np.float32]
    brain: Mask

    def hounsfield(self) -> NDArray[np.int16]:
        """The CT-like image in whole HU; 0 outside the brain, as in a skull-stripped scan clipped at 0 HU."""
        hu = TISSUE_HU.grey * self.grey + TISSUE_HU.white * self.white + TISSUE_HU.csf * self.csf
        return np.rint(hu).astype(np.int16)


@cache
def hemisphere_tissues() -> HemisphereTissues:
    """Tissues on the MNI152 maps.

    Average T1 maps call the pallidum, thalamus and part of the putamen white, and draw a grey rim where
    the ventricle meets white matter; both are put right from the drawn structures.
    """
    maps, deep = load_maps(), deep_structures()
    brain = _brain(maps)
    grey, white = np.clip(maps.grey, 0, 1), np.clip(maps.white, 0, 1)
    total = np.maximum(grey + white, 1.0)
    grey, white = grey / total, white / total
    grey, white = _without_ventricle_rim(maps, deep, grey, white)
    grey, white = _with_deep_grey(deep, grey, white)
    csf = np.clip(1.0 - grey - white, 0.0, 1.0)
    grey, white, csf = (np.where(brain, part, 0.0).astype(np.float32) for part in (grey, white, csf))
    return HemisphereTissues(grey, white, csf, brain)


def _brain(maps: MniMaps) -> Mask:
    """Brain and the CSF over it up to about the inner table, as brain extraction on CT gives it."""
    whole = np.pad(frame.mirrored(maps.mask), _MIDPLANE_PAD_MM, mode="edge")
    ball = ndimage.iterate_structure(ndimage.generate_binary_structure(3, 1), 2)
    closed = ndimage.binary_closing(whole, structure=ball, iterations=5)
    grown = ndimage.binary_dilation(closed)
    inner = grown[(slice(_MIDPLANE_PAD_MM, -_MIDPLANE_PAD_MM),) * 3]
    filled = np.stack([ndimage.binary_fill_holes(inner[:, :, k]) for k in range(inner.shape[2])], axis=-1)
    return filled[frame.X_MAX :]


def _without_ventricle_rim(
    maps: MniMaps, deep: DeepStructures, grey: NDArray, white: NDArray
) -> tuple[NDArray, NDArray]:
    """Where ventricle meets white matter the mixture of the two looks grey on T1: make it a mixture again."""
    _, y, z = frame.hemisphere_mm()
    wall = ndimage.binary_dilation(deep.ventricle & ((z >= 10) | (y > 0)), iterations=3)
    wall &= ~ndimage.binary_dilation(deep.caudate | deep.thalamus, iterations=1)
    csf_signal, white_signal = 0.35, 0.86
    share = np.clip((maps.t1 - csf_signal) / (white_signal - csf_signal), 0.0, 1.0)
    return np.where(wall, 0.0, grey), np.where(wall, share, white)


def _with_deep_grey(deep: DeepStructures, grey: NDArray, white: NDArray) -> tuple[NDArray, NDArray]:
    """Nuclei grey and the capsule white, with soft borders; the share of CSF stays as it was."""
    tissue = grey + white
    nuclei = np.maximum(frame.smoothed(deep.caudate | deep.lentiform, 0.6), 0.85 * frame.smoothed(deep.thalamus, 0.8))
    grey = np.maximum(grey, nuclei * tissue)
    capsule = frame.smoothed(deep.internal_capsule, 0.6)
    grey = np.where(capsule > 0.5, np.minimum(grey, (1.0 - 0.95 * capsule) * tissue), grey)
    return grey, np.maximum(tissue - grey, 0.0)

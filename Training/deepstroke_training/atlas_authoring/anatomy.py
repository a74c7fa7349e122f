"""Anatomy in the atlas frame for phantoms and benchmarks: tissues and deep structures of the whole head."""

from __future__ import annotations

from dataclasses import dataclass

from deepstroke.volume import LabelMap, Volume
from deepstroke_training.atlas_authoring import frame
from deepstroke_training.atlas_authoring.deep import deep_structures
from deepstroke_training.atlas_authoring.tissues import hemisphere_tissues


@dataclass(frozen=True, eq=False)
class TissueMaps:
    """Shares of tissue per voxel in the atlas frame, float32 0..1, summing to 1 in the brain and 0 outside.

    Attributes:
        grey, white, csf: the shares; CSF holds ventricles, sulci and the space up to the inner table.
        brain: where they sum to 1.
        hounsfield: the CT-like image made of them, int16 HU, 0 outside.
    """

    grey: Volume
    white: Volume
    csf: Volume
    brain: LabelMap
    hounsfield: Volume


@dataclass(frozen=True, eq=False)
class Structures:
    """Deep structures of both sides in the atlas frame, binary; none overlaps another."""

    caudate: LabelMap
    lentiform: LabelMap
    thalamus: LabelMap
    internal_capsule: LabelMap
    insula: LabelMap
    ventricles: LabelMap


def tissue_maps() -> TissueMaps:
    """Tissue shares at 1 mm, deep nuclei grey and ventricle walls clean.

    Raises:
        MissingDependencyError: nilearn is not installed.
    """
    tissues, affine = hemisphere_tissues(), frame.ijk_to_ras()
    grey, white, csf = (Volume(frame.mirrored(part), affine) for part in (tissues.grey, tissues.white, tissues.csf))
    brain = LabelMap(frame.mirrored(tissues.brain), affine)
    return TissueMaps(grey, white, csf, brain, Volume(frame.mirrored(tissues.hounsfield()), affine))


def structures() -> Structures:
    """Caudate, lentiform, thalamus, internal capsule, insula and lateral ventricles at 1 mm.

    Raises:
        MissingDependencyError: nilearn is not installed.
    """
    deep, affine = deep_structures(), frame.ijk_to_ras()
    masks = (deep.caudate, deep.lentiform, deep.thalamus, deep.internal_capsule, deep.insula, deep.ventricle)
    return Structures(*(LabelMap(frame.mirrored(mask), affine) for mask in masks))

"""Rebuilds the embedded ASPECTS atlas from nilearn's MNI152 maps: tissues, regions, files and pictures."""

from deepstroke_training.atlas_authoring.anatomy import Structures, TissueMaps, structures, tissue_maps
from deepstroke_training.atlas_authoring.build import build

__all__ = ["Structures", "TissueMaps", "build", "structures", "tissue_maps"]

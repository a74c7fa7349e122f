"""Rebuilds the embedded ASPECTS atlas from nilearn's MNI152 maps: tissues, regions, files and pictures."""

from deepstroke_training.atlas_authoring.anatomy import Structures, TissueMaps, structures, tissue_maps
from deepstroke_training.atlas_authoring.build import build
from deepstroke_training.atlas_authoring.pictures import render

__all__ = ["Structures", "TissueMaps", "build", "render", "structures", "tissue_maps"]

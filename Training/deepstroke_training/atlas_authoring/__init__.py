"""Rebuilds the embedded ASPECTS atlas from nilearn's MNI152 maps: tissues, regions, files and pictures."""

from deepstroke_training.atlas_authoring.anatomy import Structures, TissueMaps, structures, tissue_maps

__all__ = ["Structures", "TissueMaps", "structures", "tissue_maps"]

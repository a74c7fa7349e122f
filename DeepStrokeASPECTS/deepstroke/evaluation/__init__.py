"""How well a segmentation agrees with a reference."""

from deepstroke.evaluation.comparison import LabelComparison, compare_label_maps
from deepstroke.evaluation.distances import hausdorff95, mean_surface_distance
from deepstroke.evaluation.overlap import dice, generalized_dice, sensitivity, specificity

__all__ = [
    "LabelComparison",
    "compare_label_maps",
    "dice",
    "generalized_dice",
    "hausdorff95",
    "mean_surface_distance",
    "sensitivity",
    "specificity",
]

"""How well a segmentation, a score or a probability agrees with a reference, and how sure that is.

Statistics refuse what they are not defined on with an ``InputError``; figures with an interval are ``Estimate``.
"""

from deepstroke.evaluation.bootstrap import PairedDifference, PatientBootstrap, bootstrap_mean, holm, paired_bootstrap
from deepstroke.evaluation.calibration import ReliabilityBin, expected_calibration_error, reliability_curve
from deepstroke.evaluation.comparison import LabelComparison, compare_label_maps
from deepstroke.evaluation.difference import BlandAltman, bland_altman
from deepstroke.evaluation.discrimination import auc
from deepstroke.evaluation.distances import hausdorff95, mean_surface_distance
from deepstroke.evaluation.estimate import Estimate
from deepstroke.evaluation.intraclass import IccForm, icc
from deepstroke.evaluation.kappa import KappaWeights, cohen_kappa, weighted_kappa
from deepstroke.evaluation.overlap import dice, generalized_dice, joint_counts, sensitivity, specificity
from deepstroke.evaluation.proportions import Detection, detection, proportion
from deepstroke.evaluation.sides import SidePlacement, place_sides

__all__ = [
    "BlandAltman",
    "Detection",
    "Estimate",
    "IccForm",
    "KappaWeights",
    "LabelComparison",
    "PairedDifference",
    "PatientBootstrap",
    "ReliabilityBin",
    "SidePlacement",
    "auc",
    "bland_altman",
    "bootstrap_mean",
    "cohen_kappa",
    "compare_label_maps",
    "detection",
    "dice",
    "expected_calibration_error",
    "generalized_dice",
    "hausdorff95",
    "holm",
    "icc",
    "joint_counts",
    "mean_surface_distance",
    "paired_bootstrap",
    "place_sides",
    "proportion",
    "reliability_curve",
    "sensitivity",
    "specificity",
    "weighted_kappa",
]

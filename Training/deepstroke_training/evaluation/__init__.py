"""How good predicted regions are, case by case and in all, and whether one run is better than another."""

from deepstroke_training.evaluation.comparing import Comparison, compare
from deepstroke_training.evaluation.evaluating import CasePrediction, Evaluation, EvaluationSettings, evaluate_cases
from deepstroke_training.evaluation.folders import evaluate_folders
from deepstroke_training.evaluation.records import CaseName, RegionRecord

__all__ = [
    "CaseName",
    "CasePrediction",
    "Comparison",
    "Evaluation",
    "EvaluationSettings",
    "RegionRecord",
    "compare",
    "evaluate_cases",
    "evaluate_folders",
]

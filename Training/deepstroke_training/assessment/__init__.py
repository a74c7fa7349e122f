"""How good the routes of ``deepstroke segment`` are on whole scans with known regions."""

from deepstroke_training.assessment.assessing import Assessment, assess
from deepstroke_training.assessment.case_routes import RouteName
from deepstroke_training.assessment.reliability import Reliability, read_reliability

__all__ = ["Assessment", "Reliability", "RouteName", "assess", "read_reliability"]

"""Synthetic head CT with truth: for tests, for training, and in place of data that can't be shared."""

from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.pathology import LesionLabel
from deepstroke_training.synthesis.settings import (
    AcquisitionSettings,
    AcuteInfarct,
    AnatomySettings,
    FocalLesion,
    HeadSettings,
    HyperdenseArtery,
    PathologySettings,
)

__all__ = [
    "AcquisitionSettings",
    "AcuteInfarct",
    "AnatomySettings",
    "FocalLesion",
    "HeadSettings",
    "HyperdenseArtery",
    "LesionLabel",
    "PathologySettings",
    "SyntheticCase",
    "SyntheticHead",
]

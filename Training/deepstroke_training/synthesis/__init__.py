"""Synthetic head CT with truth: for tests, for training, and in place of data that can't be shared."""

from deepstroke_training.synthesis.cohort import synthesize
from deepstroke_training.synthesis.dicom_writer import SeriesTags, write_series
from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.pathology import LesionLabel
from deepstroke_training.synthesis.sample_scan import make_sample_scan
from deepstroke_training.synthesis.settings import (
    AcquisitionSettings,
    AcuteInfarct,
    AnatomySettings,
    FocalLesion,
    HeadSettings,
    HyperdenseArtery,
    PathologySettings,
)
from deepstroke_training.synthesis.training_source import TrainingSample, TrainingSource
from deepstroke_training.synthesis.truth import Truth

__all__ = [
    "AcquisitionSettings",
    "AcuteInfarct",
    "AnatomySettings",
    "FocalLesion",
    "HeadSettings",
    "HyperdenseArtery",
    "LesionLabel",
    "PathologySettings",
    "SeriesTags",
    "SyntheticCase",
    "SyntheticHead",
    "TrainingSample",
    "TrainingSource",
    "Truth",
    "make_sample_scan",
    "synthesize",
    "write_series",
]

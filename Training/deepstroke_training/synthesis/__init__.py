"""Synthetic head CT with truth: for tests, for training, and in place of data that can't be shared."""

from deepstroke_training.synthesis.dicom_writer import SeriesTags, write_series
from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead, Truth
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
    "Truth",
    "make_sample_scan",
    "write_series",
]

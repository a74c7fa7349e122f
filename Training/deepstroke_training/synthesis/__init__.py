"""Synthetic head CT with truth: for tests, for training, and in place of data that can't be shared."""

from deepstroke_training.synthesis.artefact_settings import ArtefactSettings, Metal
from deepstroke_training.synthesis.cohort import synthesize
from deepstroke_training.synthesis.dicom_writer import SeriesTags, write_series
from deepstroke_training.synthesis.head import SyntheticCase, SyntheticHead
from deepstroke_training.synthesis.pathology import LesionLabel
from deepstroke_training.synthesis.sample_scan import make_sample_scan
from deepstroke_training.synthesis.sampling import draw_settings
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
from deepstroke_training.synthesis.variety import HELD_OUT, HeldOutRanges, Variety, held_out_quantities

__all__ = [
    "HELD_OUT",
    "AcquisitionSettings",
    "AcuteInfarct",
    "AnatomySettings",
    "ArtefactSettings",
    "FocalLesion",
    "HeadSettings",
    "HeldOutRanges",
    "HyperdenseArtery",
    "LesionLabel",
    "Metal",
    "PathologySettings",
    "SeriesTags",
    "SyntheticCase",
    "SyntheticHead",
    "TrainingSample",
    "TrainingSource",
    "Truth",
    "Variety",
    "draw_settings",
    "held_out_quantities",
    "make_sample_scan",
    "synthesize",
    "write_series",
]

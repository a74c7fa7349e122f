"""What the networks are trained by: Dice and cross-entropy as published, the same by chunks, and coordinates."""

from deepstroke_training.losses.building import build_loss
from deepstroke_training.losses.chunked import ChunkedDiceCE
from deepstroke_training.losses.coordinates import UNIT_MM, coordinate_loss
from deepstroke_training.losses.deep_supervision import DeepSupervision, downsample_labels
from deepstroke_training.losses.settings import LossSettings

__all__ = [
    "UNIT_MM",
    "ChunkedDiceCE",
    "DeepSupervision",
    "LossSettings",
    "build_loss",
    "coordinate_loss",
    "downsample_labels",
]

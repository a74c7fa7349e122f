"""Random changes of training batches, on the device where they lie."""

from deepstroke_training.data.augmentation.head_batch import HeadBatch
from deepstroke_training.data.augmentation.sequence import augment
from deepstroke_training.data.augmentation.settings import AugmentationSettings, Preset

__all__ = ["AugmentationSettings", "HeadBatch", "Preset", "augment"]

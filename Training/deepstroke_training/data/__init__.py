"""Data for training: sources, splits, caches, augmentation, and the Lightning data module that joins them."""

from deepstroke_training.data.augmentation import AugmentationSettings
from deepstroke_training.data.module import ScanDataModule
from deepstroke_training.data.settings import CuratedSettings, DataSettings, SyntheticSettings

__all__ = ["AugmentationSettings", "CuratedSettings", "DataSettings", "ScanDataModule", "SyntheticSettings"]

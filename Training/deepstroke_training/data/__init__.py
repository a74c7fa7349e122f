"""Data for training: sources, splits, caches, augmentation, and the Lightning data module that joins them."""

from typing import TYPE_CHECKING, Any

from deepstroke_training.data.augmentation import AugmentationSettings
from deepstroke_training.data.settings import CuratedSettings, DataSettings, SyntheticSettings

if TYPE_CHECKING:
    from deepstroke_training.data.module import ScanDataModule

__all__ = ["AugmentationSettings", "CuratedSettings", "DataSettings", "ScanDataModule", "SyntheticSettings"]


def __getattr__(name: str) -> Any:
    """The data module, when it is asked for: Lightning takes seconds to load, which processes that make cases spare."""
    if name == "ScanDataModule":
        from deepstroke_training.data.module import ScanDataModule

        return ScanDataModule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

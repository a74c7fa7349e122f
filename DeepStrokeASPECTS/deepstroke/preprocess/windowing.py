"""Turn Hounsfield units into the ranges that eyes, registration and networks work on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import ConfigError
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    import torch

ArrayT = TypeVar("ArrayT", NDArray, "torch.Tensor")

#: Level and width in HU at which early ischemia is read.
STROKE_WINDOW = (40.0, 40.0)
#: HU that brain, CSF and fresh blood take; bone and air in the mask are cut to its ends.
BRAIN_HU = (0.0, 100.0)


def window(hu: NDArray, level: float = STROKE_WINDOW[0], width: float = STROKE_WINDOW[1]) -> NDArray[np.float32]:
    """Map a display window to 0..1: ``level - width / 2`` and less to 0, ``level + width / 2`` and more to 1.

    Args:
        hu: array of any shape in HU.
        level: centre of the window in HU.
        width: its width in HU, above 0.

    Raises:
        ConfigError: the width is not above 0.

    Example:
        >>> window(np.array([20.0, 40.0, 70.0]))
        array([0. , 0.5, 1. ], dtype=float32)
    """
    if not width > 0:
        raise ConfigError(f"the width of a window is above 0 HU, found {width:g}", code="window")
    scaled = (np.asarray(hu, dtype=np.float32) - np.float32(level - width / 2)) / np.float32(width)
    return np.clip(scaled, 0.0, 1.0)


def normalised(hu: ArrayT, hu_range: tuple[float, float] = BRAIN_HU) -> ArrayT:
    """HU as networks take them: the range becomes 0..1 in float32, what lies beyond is cut to its ends.

    Args:
        hu: NumPy array or PyTorch tensor of any shape and number type; a tensor stays on its device.
        hu_range: HU that become 0 and 1.

    Raises:
        ConfigError: the range is empty.

    Example:
        >>> normalised(np.array([-1000, 30, 100]))
        array([0. , 0.3, 1. ], dtype=float32)
    """
    low, high = hu_range
    if not low < high:
        raise ConfigError(f"the least HU must lie below the largest, found {low:g} and {high:g}", code="window")
    single = hu.astype(np.float32) if isinstance(hu, np.ndarray) else hu.float()
    return ((single - low) / (high - low)).clip(0.0, 1.0)


def strip(volume: Volume, brain: LabelMap, hu_range: tuple[float, float] = BRAIN_HU) -> Volume:
    """The brain alone: HU limited to a range inside the mask, the range's lower end outside.

    Args:
        volume: HU.
        brain: mask on the volume's grid.
        hu_range: least and largest HU kept.

    Returns:
        float32 volume on the same grid.

    Raises:
        GeometryError: the mask lies on another grid.
        ConfigError: the range is empty.
    """
    low, high = hu_range
    if not low < high:
        raise ConfigError(f"the least HU must lie below the largest, found {low:g} and {high:g}", code="window")
    volume.require_same_grid(brain, "the brain mask")
    clipped = np.clip(volume.data.astype(np.float32), low, high)
    return volume.with_data(np.where(brain.mask, clipped, np.float32(low)))

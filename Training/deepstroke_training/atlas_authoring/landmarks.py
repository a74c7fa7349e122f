"""Levels, planes and thresholds of the atlas: every figure that a border depends on, once, in mm.

u is the distance from the midline; y and z are MNI152 millimetres. The contours stand in ``drawings``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Levels:
    """Axial levels in mm of z.

    Attributes:
        lowest: lowest slice of M1-M3.
        ganglionic: the slice that stands for the ganglionic level.
        split: M1-M3, L, IC and I lie strictly below, M4-M6 strictly above; no voxel centre lies on it.
        supraganglionic: the slice that stands for the supraganglionic level.
        highest: highest slice of M4-M6.
    """

    lowest: float = -12.0
    ganglionic: float = 6.0
    split: float = 18.5
    supraganglionic: float = 28.0
    highest: float = 66.0


@dataclass(frozen=True)
class Signal:
    """T1 signal (0..1) and grey matter probability that tell tissues apart on the averages.

    Attributes:
        csf_below: T1 below this is CSF.
        choroid_below: T1 of the choroid plexus stays below this; it counts as ventricle.
        caudate_below: T1 of the caudate stays below this; the internal capsule is brighter.
        insula_grey_above: grey matter probability of the insular cortex.
    """

    csf_below: float = 0.53
    choroid_below: float = 0.62
    caudate_below: float = 0.775
    insula_grey_above: float = 0.7


@dataclass(frozen=True)
class TissueHounsfield:
    """HU of pure tissue on non-contrast CT at 120 kV."""

    grey: float = 37.0
    white: float = 28.0
    csf: float = 8.0


TISSUE_HU = TissueHounsfield()
LEVELS = Levels()
SIGNAL = Signal()

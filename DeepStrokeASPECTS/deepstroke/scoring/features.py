"""The measures of a region from which its probability is computed, as numbers with a name and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deepstroke.scoring.tissue_measures import RegionTissue


@dataclass(frozen=True)
class Feature:
    """One measure of a region against the other side.

    Attributes:
        name: in model files.
        of: its value from the region and its mirror image, both of which have measures.
        text: for a reader: what it says of the value; takes ``value``, its magnitude ``size``, and ``more``/``darker``
            words by its sign.
    """

    name: str
    of: Callable[[RegionTissue, RegionTissue], float]
    text: Callable[[float], str]


def _hu(name: str) -> Callable[[RegionTissue, RegionTissue], float]:
    def difference(own: RegionTissue, mirror: RegionTissue) -> float:
        return float(getattr(own.measures, name) - getattr(mirror.measures, name))

    return difference


def _below(what: str) -> Callable[[float], str]:
    return lambda value: f"{what} {abs(value):.1f} HU {'below' if value < 0 else 'above'} the other side"


def _more(what: str) -> Callable[[float], str]:
    return lambda value: f"{100 * abs(value):.0f} % {'more' if value > 0 else 'less'} {what} than on the other side"


def _z(own: RegionTissue, mirror: RegionTissue) -> float:
    assert own.measures is not None
    return own.measures.z


def _relative(own: RegionTissue, mirror: RegionTissue) -> float:
    assert own.measures is not None
    assert own.measures.relative_difference is not None
    return own.measures.relative_difference


FEATURES: tuple[Feature, ...] = (
    Feature("difference_hu", _hu("mean_hu"), _below("mean")),
    Feature("difference_upper_hu", _hu("upper_hu"), _below("brighter half")),
    Feature("difference_lower_hu", _hu("lower_hu"), _below("darker half")),
    Feature("difference_sd_hu", _hu("sd_hu"), _below("spread of densities")),
    Feature("difference_dark", _hu("below_reference"), _more("dark tissue")),
    Feature("difference_fluid", lambda own, mirror: own.excluded.fluid - mirror.excluded.fluid, _more("CSF")),
    Feature(
        "z",
        _z,
        lambda value: f"mean {abs(value):.1f} SD {'below' if value < 0 else 'above'} the brain's own tissue",
    ),
    Feature(
        "relative_difference",
        _relative,
        lambda value: f"{100 * abs(value):.1f} % {'darker' if value < 0 else 'brighter'} than the other side",
    ),
)
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}


def features_of(own: RegionTissue, mirror: RegionTissue) -> NDArray[np.float64] | None:
    """All features in the order of ``FEATURES``; None where either side has no tissue to measure."""
    if own.measures is None or mirror.measures is None:
        return None
    return np.array([feature.of(own, mirror) for feature in FEATURES])

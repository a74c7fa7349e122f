"""Where networks err: by region, by how the head was scanned, by lesion, and the worst cases."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from deepstroke.commands.console import table
from deepstroke.regions import REGIONS
from deepstroke_training.benchmarks.networks_work import HeadFacts

#: Slices from this thickness on are thick.
_THICK_MM = 4.0
_WORST = 3

_GROUPS: dict[str, Callable[[HeadFacts], bool]] = {
    "thin slices": lambda facts: facts.thickness_mm < _THICK_MM,
    "thick slices (4 mm or more)": lambda facts: facts.thickness_mm >= _THICK_MM,
    "gantry upright": lambda facts: facts.tilt_deg == 0,
    "gantry tilted": lambda facts: facts.tilt_deg > 0,
    "no lesion": lambda facts: facts.lesion == "none",
    "acute infarct": lambda facts: facts.lesion == "acute",
    "other lesion": lambda facts: facts.lesion == "other",
}


def errors_table(names: Sequence[str], dice: Sequence[NDArray[np.float64]], facts: Sequence[HeadFacts]) -> str:
    """Mean Dice of each network by region and by kind of head, and each network's worst heads, as text.

    Args:
        names: of the networks.
        dice: of each, (cases, 10), nan where a case lacks the region.
        facts: of the cases.
    """
    rows = [[region.abbreviation, "", *_means(dice, slice(None), number)] for number, region in enumerate(REGIONS)]
    for name, belongs in _GROUPS.items():
        here = np.array([belongs(each) for each in facts])
        if here.any():
            rows.append([name, str(int(here.sum())), *_means(dice, here)])
    worst = [f"{name}: {_worst(scores, facts)}" for name, scores in zip(names, dice, strict=True)]
    return "\n".join(["mean Dice by", table(["", "heads", *names], rows), "", "worst heads", *worst])


def _means(
    dice: Sequence[NDArray[np.float64]], cases: slice | NDArray[np.bool_], region: int | None = None
) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a region that no head has
        parts = [scores[cases] if region is None else scores[cases, region] for scores in dice]
        return [f"{np.nanmean(part):.3f}" for part in parts]


def _worst(scores: NDArray[np.float64], facts: Sequence[HeadFacts]) -> str:
    means = np.nanmean(scores, axis=1)
    told = []
    for number in np.argsort(means)[:_WORST]:
        fact = facts[number]
        told.append(
            f"{means[number]:.3f} ({fact.thickness_mm:g} mm slices, tilt {fact.tilt_deg:.0f} degrees, "
            f"{'no' if fact.lesion == 'none' else fact.lesion} lesion)"
        )
    return "; ".join(told)

"""Where two routes to the regions part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from deepstroke.findings import Finding
from deepstroke.regions import SIDED_REGIONS, region_of
from deepstroke.volume import LabelMap


@dataclass(frozen=True)
class Agreement:
    """How far the network and the atlas agree.

    Attributes:
        dice: of each label 1..20 inside the brain, 0..1; 1 where neither route has a voxel of it.
        limit: below it they part.
    """

    dice: dict[int, float]
    limit: float

    @property
    def mean(self) -> float:
        """Over all labels."""
        return float(np.mean(list(self.dice.values())))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One warning that names the regions in which the routes part; else nothing."""
        parted = [label for label, dice in self.dice.items() if dice < self.limit]
        if not parted:
            return ()
        named = [f"{region_of(n)[1]} {region_of(n)[0].abbreviation} ({self.dice[n]:.2f})" for n in parted]
        return (
            Finding(
                "routes-part",
                f"Network and atlas part (Dice below {self.limit:g}) in {', '.join(named)}: look at their borders.",
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        """The content of ``report.json``."""
        regions = [
            {"region": region.abbreviation, "side": side, "dice": round(self.dice[n], 4)}
            for n, (region, side) in enumerate(SIDED_REGIONS, start=1)
        ]
        return {"mean_dice": round(self.mean, 4), "limit": self.limit, "regions": regions}


def agreement_of(network: LabelMap, atlas: LabelMap, limit: float) -> Agreement:
    """The Dice of every label between two sided label maps.

    Args:
        network, atlas: labels 0..20 on one grid.
        limit: Dice below which the routes part.

    Raises:
        GeometryError: they lie on different grids.
    """
    network.require_same_grid(atlas, "the atlas's label map")
    size = len(SIDED_REGIONS) + 1
    joint = np.bincount(
        network.data.ravel().astype(np.intp) * size + atlas.data.ravel(), minlength=size * size
    ).reshape(size, size)
    dice = {}
    for label in range(1, size):
        total = joint[label].sum() + joint[:, label].sum()
        dice[label] = float(2 * joint[label, label] / total) if total else 1.0
    return Agreement(dice, limit)

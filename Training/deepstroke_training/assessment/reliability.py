"""Whether a network's probabilities mean what they say, at one temperature and at others.

Logits are divided by a temperature before they become probabilities (Guo et al. 2017, arXiv:1706.04599). Counts of all
cases are added up for a row of temperatures, so that no logits need to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke.errors import InputError
from deepstroke.inference.predict import Prediction
from deepstroke.inference.reading import LabelReader
from deepstroke.inference.weights import WeightsOutput
from deepstroke.nifti import write_json
from deepstroke.regions import SIDE_OFFSET
from deepstroke.volume import LabelMap

#: The file of an assessment that holds these figures.
RELIABILITY_FILE = "reliability.json"
TEMPERATURES: tuple[float, ...] = tuple(round(float(t), 3) for t in np.geomspace(0.5, 2.5, 25))
BINS = 15
#: Voxels of a case that are looked at.
MOST_VOXELS = 20_000
#: Nothing is less probable than this, so that one voxel can't outweigh a case.
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class Counts:
    """Probabilities against outcomes, added up; rows are temperatures.

    Attributes:
        nll: (temperatures,) sum of -log of the true label's probability.
        voxels: (temperatures, bins) how many have their label's probability in the bin.
        stated: (temperatures, bins) sum of these probabilities.
        right: (temperatures, bins) how many of the labels are true.
    """

    nll: NDArray[np.float64]
    voxels: NDArray[np.float64]
    stated: NDArray[np.float64]
    right: NDArray[np.float64]

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(self._arrays, other._arrays, strict=True)))

    @property
    def _arrays(self) -> tuple[NDArray[np.float64], ...]:
        return self.nll, self.voxels, self.stated, self.right


@dataclass(frozen=True)
class Reliability:
    """What the counts come to.

    Attributes:
        voxels: how many were looked at.
        temperatures: that were tried.
        nll: mean negative log likelihood at each.
        ece: expected calibration error at each, 15 bins of equal width.
        best: the temperature of the least nll.
        used: the temperature at which the weights stood.
    """

    voxels: int
    temperatures: tuple[float, ...]
    nll: tuple[float, ...]
    ece: tuple[float, ...]
    best: float
    used: float

    @classmethod
    def of(cls, counts: Counts, used: float) -> Reliability:
        """From the counts of all cases."""
        voxels = counts.voxels.sum(axis=1)
        gaps = np.abs(counts.right - counts.stated).sum(axis=1) / voxels
        nll = counts.nll / voxels
        return cls(
            voxels=int(voxels[0]),
            temperatures=TEMPERATURES,
            nll=tuple(round(float(value), 5) for value in nll),
            ece=tuple(round(float(value), 5) for value in gaps),
            best=TEMPERATURES[int(np.argmin(nll))],
            used=used,
        )

    def ece_at(self, temperature: float) -> float:
        """The expected calibration error at the nearest of the temperatures that were tried."""
        return self.ece[int(np.argmin(np.abs(np.array(self.temperatures) - temperature)))]

    def write(self, folder: Path) -> None:
        """Into ``reliability.json``."""
        write_json(vars(self), folder / RELIABILITY_FILE)


def read_reliability(folder: Path) -> Reliability:
    """The figures of an assessment.

    Raises:
        InputError: they are missing or damaged.
    """
    path = folder / RELIABILITY_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in content.items()}
        return Reliability(**values)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} can't be read: {error}", code="damaged-file") from error


def count(prediction: Prediction, output: WeightsOutput, midline: NDArray, truth: LabelMap, found: LabelMap) -> Counts:
    """The counts of one case, over voxels that are a region in the truth or in the answer; sides don't matter.

    Args:
        prediction: of the network.
        output: of its manifest.
        midline: as ``LabelReader`` takes it.
        truth, found: labels 0..20 on one grid.
    """
    voxels = np.argwhere((truth.data > 0) | (found.data > 0))
    voxels = voxels[np.linspace(0, len(voxels) - 1, min(len(voxels), MOST_VOXELS)).astype(np.intp)]
    true = _unsided(truth.data[tuple(voxels.T)])
    rows = [
        _at(LabelReader(prediction, replace(output, temperature=t), midline), true, voxels, truth) for t in TEMPERATURES
    ]
    return Counts(*(np.stack(column) for column in zip(*rows, strict=True)))


def _at(
    reader: LabelReader, true: NDArray[np.uint8], voxels: NDArray[np.intp], grid: LabelMap
) -> tuple[NDArray[np.float64], ...]:
    """Negative log likelihood, and by bins: voxels, stated probability, right labels."""
    read = reader.read(voxels, grid.ijk_to_ras)
    chance = np.maximum(reader.probability_of(true, voxels, grid.ijk_to_ras), _LEAST)
    bins = np.minimum((read.confidence * BINS).astype(np.intp), BINS - 1)
    sums: Sequence[NDArray | None] = (None, read.confidence, _unsided(read.labels) == true)
    return (
        np.asarray(-np.log(chance.astype(np.float64)).sum()),
        *(np.bincount(bins, weights, BINS).astype(np.float64) for weights in sums),
    )


def _unsided(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    right = np.uint8(SIDE_OFFSET["right"])
    return np.where(labels > right, labels - right, labels)

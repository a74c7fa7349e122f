"""A made head with sided regions for the tests of the report; every place and HU is known by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from deepstroke.findings import Finding
from deepstroke.regions import BY_ABBREVIATION
from deepstroke.report.contents import RegionResult, Report, SeriesFacts
from deepstroke.scoring import AspectsResult, Reason, RegionScore
from deepstroke.scoring.measures import RegionMeasures, measure_regions
from deepstroke.volume import LabelMap, Volume

#: Distance from the midline, anterior and superior extent in mm of each region.
BOXES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "C": ((6, 14), (5, 20), (-6, 21)),
    "L": ((18, 28), (-10, 12), (-6, 11)),
    "IC": ((14, 18), (-12, 14), (-6, 16)),
    "I": ((32, 38), (-15, 18), (-6, 11)),
    "M1": ((40, 54), (20, 50), (-11, 16)),
    "M2": ((42, 60), (-15, 20), (-11, 16)),
    "M3": ((42, 54), (-50, -15), (-11, 16)),
    "M4": ((30, 46), (20, 50), (16, 46)),
    "M5": ((30, 50), (-15, 20), (16, 46)),
    "M6": ((30, 46), (-50, -15), (16, 46)),
}
#: In this one slice the lentiform nucleus reaches further back, so that it is the ganglionic slice.
WIDEST_LENTIFORM_MM = 5.0
SPACING_MM = (0.9, 1.2, 5.0)
SHAPE = (186, 172, 24)
#: The lowest slice lies here; slice k is 5 k mm above it.
BASE_MM = -40.0
BRAIN_HU, LESION_HU, SKULL_HU = 36.0, 24.0, 900.0


def ras_affine() -> NDArray[np.float64]:
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = (-83.0, -102.0, BASE_MM)
    return affine


def _places() -> list[NDArray[np.float64]]:
    """x, y and z in mm, each along its own axis."""
    affine = ras_affine()
    axes = [affine[n, 3] + SPACING_MM[n] * np.arange(SHAPE[n]) for n in range(3)]
    return list(np.meshgrid(*axes, indexing="ij", sparse=True))


def _made_head() -> tuple[Volume, LabelMap]:
    x, y, z = _places()
    radius = np.sqrt((x / 72) ** 2 + (y / 90) ** 2 + (z / 85) ** 2)
    hu = np.full(SHAPE, -1000.0, np.float32)
    hu[radius < 1.0] = SKULL_HU
    hu[radius < 0.92] = BRAIN_HU
    holder = (np.abs(x) < 60) & (np.abs(y + 99.0) < 1.5) & (z > -200)
    hu[holder & (radius > 1.0)] = SKULL_HU
    labels = np.zeros(SHAPE, np.uint8)
    for name, (lateral, anterior, superior) in BOXES.items():
        region = BY_ABBREVIATION[name]
        back = np.where(np.abs(z - WIDEST_LENTIFORM_MM) < 1, 6.0, 0.0) if name == "L" else 0.0
        inside = (y >= anterior[0] - back) & (y < anterior[1]) & (z >= superior[0]) & (z < superior[1])
        labels[inside & (-x >= lateral[0]) & (-x < lateral[1])] = region.label("left")
        labels[inside & (x >= lateral[0]) & (x < lateral[1] - 3)] = region.label("right")
    hu[labels == BY_ABBREVIATION["M2"].label("left")] = LESION_HU
    affine = ras_affine()
    return Volume(hu, affine), LabelMap(labels, affine)


@pytest.fixture(scope="session")
def head() -> tuple[Volume, LabelMap]:
    """A scan with a darker left M2, and its labels; right regions are 3 mm narrower than left ones."""
    return _made_head()


@pytest.fixture
def report_of() -> Callable[..., Report]:
    """A function that makes a full report of a scan; any field may be given."""

    def make(volume: Volume, labels: LabelMap, **fields: object) -> Report:
        known: dict[str, object] = {
            "created": "2024-05-06T07:08:09+00:00",
            "series": SeriesFacts(
                "1.2.3", 2, "HEAD 5mm", 24, volume.spacing_mm, 18.5, (1.08, 7.0), 115.0, kernel="H30"
            ),
            "method": "atlas",
            "method_reason": "no network weights are installed",
            "regions": tuple(RegionResult(measures) for measures in measure_regions(volume, labels)),
            "findings": (Finding("gantry-tilt", "The gantry was tilted by 18.5 degrees."),),
            "versions": {"torch": "2.13.0", "deepstroke": "0.1.0"},
            "atlas": {"name": "made", "version": "1.0"},
            "engine": "fast",
            "registration": {"mask_dice": 0.962, "jacobian_min": 0.31, "something_new": 4.0},
            "parameters": {"device": "cpu"},
            "timings_s": {"read": 0.8123456, "brain": 1.0},
            "peak_memory_mb": 1234.567,
        }
        return Report(**{**known, **fields})  # type: ignore[arg-type]

    return make


#: Left I and M2 are involved, the right C can't be judged: left 8, right 10, or 9 if that C were involved.
INVOLVED = {("I", "left"): 0.91, ("M2", "left"): 0.84}


def _score_of(measures: RegionMeasures) -> RegionScore:
    place = (measures.region.abbreviation, measures.side)
    if place == ("C", "right"):
        return RegionScore(measures, obstacles=("little-tissue",))
    probability = INVOLVED.get(place, 0.07)
    reasons = (Reason("difference_hu", "median 12.0 HU below the other side", 1.7),) if place in INVOLVED else ()
    return RegionScore(measures, probability, place in INVOLVED, reasons=reasons)


@pytest.fixture
def scored_report_of(report_of: Callable[..., Report]) -> Callable[..., Report]:
    """As ``report_of``, with a score: left 8, right 9 to 10."""

    def make(volume: Volume, labels: LabelMap, **fields: object) -> Report:
        regions = tuple(RegionResult(m, 0.9, _score_of(m)) for m in measure_regions(volume, labels))
        total = AspectsResult("left", 8, 8, 10, 8, 8, method="logistic", model="made", threshold=0.5)
        return report_of(volume, labels, **{"regions": regions, "aspects": total, **fields})

    return make

"""What the score says: for each region on each side, and in total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from deepstroke.findings import Finding
from deepstroke.regions import Region, Side
from deepstroke.scoring.measures import RegionMeasures

#: How the probability of a region is computed; "auto" takes what the shipped models' measurements favour.
ScoreMethod = Literal["threshold", "logistic", "boosting"]
SCORE_METHODS: tuple[ScoreMethod, ...] = get_args(ScoreMethod)

#: Why a region can't be judged: those of ``measures.Obstacle``, and what its voxels, its mirror image or the whole scan
#: give.
ScoreObstacle = Literal[
    "absent",
    "too-small",
    "outside-field-of-view",
    "little-tissue",
    "old-infarct",
    "haemorrhage",
    "no-mirror",
    "low-confidence",
]
SCORE_OBSTACLE_WORDS: dict[ScoreObstacle, str] = {
    "absent": "no voxel was labelled",
    "too-small": "only a remnant was labelled",
    "outside-field-of-view": "partly outside the scan",
    "little-tissue": "too little brain tissue is left in it",
    "old-infarct": "an old defect fills a part of it",
    "haemorrhage": "blood fills a part of it",
    "no-mirror": "the same region of the other side can't be judged, so that there is nothing to compare with",
    "low-confidence": "its segmentation is not sure enough",
}


@dataclass(frozen=True)
class Exclusions:
    """Which parts of a region were left out of its measures, each as a fraction 0..1 of its voxels.

    Attributes:
        fluid: as dark as CSF: sulci, ventricles, old defects.
        calcification: above the density of fresh blood.
        blood: as dense as fresh blood.
        other: not scanned, outside the brain, or part of a lesion that lies mostly outside the ASPECTS regions.
    """

    fluid: float = 0.0
    calcification: float = 0.0
    blood: float = 0.0
    other: float = 0.0

    @property
    def total(self) -> float:
        """All together."""
        return self.fluid + self.calcification + self.blood + self.other


@dataclass(frozen=True)
class TissueMeasures:
    """Measures of a region's brain tissue: what is left once ``Exclusions`` are taken out.

    Attributes:
        tissue_ml: its volume.
        mean_hu, median_hu, sd_hu, p5_hu, p25_hu, p75_hu, p95_hu: its density.
        lower_hu, upper_hu: mean of its darker and of its brighter half.
        below_reference: fraction of it that is darker than the scan's own tissue by more than 4 HU.
        below_28_hu: fraction of it below 28 HU.
        z: distance of its mean from the median of the scan's own tissue, in the tissue's robust standard deviations.
        difference_hu: its mean less that of the same region on the other side; below 0: darker. None where the other
            side can't be judged, as the next two.
        relative_difference: the same as a fraction of the mean of both.
        ratio: its mean over the other side's.
        texture: features of the Image Biomarker Standardisation Initiative by name (distribution, shape, GLCM).
    """

    tissue_ml: float
    mean_hu: float
    median_hu: float
    sd_hu: float
    p5_hu: float
    p25_hu: float
    p75_hu: float
    p95_hu: float
    lower_hu: float
    upper_hu: float
    below_reference: float
    below_28_hu: float
    z: float
    difference_hu: float | None = None
    relative_difference: float | None = None
    ratio: float | None = None
    texture: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The measures as they stand in ``report.json``."""
        return {
            name: dict(value) if isinstance(value, Mapping) else (None if value is None else round(value, 4))
            for name, value in vars(self).items()
        }


@dataclass(frozen=True)
class Reason:
    """One measure that moved a region's probability.

    Attributes:
        measure: machine-readable name of the measure.
        text: the same with its figure, for a reader, such as ``"median 4.2 HU below the other side"``.
        push: log odds that it adds; above 0 it speaks for involvement.
    """

    measure: str
    text: str
    push: float

    def as_dict(self) -> dict[str, Any]:
        """The reason as it stands in ``report.json``."""
        return {"measure": self.measure, "text": self.text, "push": round(self.push, 3)}


@dataclass(frozen=True)
class RegionScore:
    """One region on one side.

    Attributes:
        measures: volume, place, and whether the scan shows it wholly.
        probability: that it is involved, 0..1, calibrated; None where it can't be judged.
        involved: whether the score counts it; None where it can't be judged: that is never "normal".
        obstacles: why it can't be judged; empty where it can.
        reasons: the measures that moved the probability most, the strongest first.
        excluded: what was left out.
        tissue: measures of the rest; None where nothing is left.
    """

    measures: RegionMeasures
    probability: float | None = None
    involved: bool | None = None
    obstacles: tuple[ScoreObstacle, ...] = ()
    reasons: tuple[Reason, ...] = ()
    excluded: Exclusions = Exclusions()
    tissue: TissueMeasures | None = None

    @property
    def region(self) -> Region:
        """Which region."""
        return self.measures.region

    @property
    def side(self) -> Side:
        """On which side."""
        return self.measures.side

    @property
    def assessable(self) -> bool:
        """Whether it can be judged."""
        return not self.obstacles


@dataclass(frozen=True)
class AspectsResult:
    """The total score, 0..10 a side; None where it was not computed.

    Attributes:
        side: the affected side; None where no region of either side is involved and nobody named one.
        score: of the affected side; where there is none, of the lower side.
        left, right: of each side.
        lowest, highest: what ``score`` can be, whatever becomes of the regions that can't be judged.
        side_given: whether the side was named and not found.
        withheld: codes of the findings for which no total is given, such as ``"haemorrhage"``; regions keep theirs.
        method: how probabilities were computed.
        model: name of the model.
        threshold: probability from which on a region is counted as involved.
    """

    side: Side | None = None
    score: int | None = None
    left: int | None = None
    right: int | None = None
    lowest: int | None = None
    highest: int | None = None
    side_given: bool = False
    withheld: tuple[str, ...] = ()
    method: ScoreMethod | None = None
    model: str | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class AspectsScore:
    """The score of a scan.

    Attributes:
        regions: the twenty sided regions in the order of their labels 1..20.
        total: the score of each side.
        findings: what a reader of the score must know.
    """

    regions: tuple[RegionScore, ...]
    total: AspectsResult
    findings: tuple[Finding, ...] = ()

    @property
    def side(self) -> Side | None:
        """The affected side."""
        return self.total.side

    @property
    def score(self) -> int | None:
        """The ASPECTS of the affected side."""
        return self.total.score

    @property
    def left(self) -> int | None:
        """The ASPECTS of the patient's left."""
        return self.total.left

    @property
    def right(self) -> int | None:
        """The ASPECTS of the patient's right."""
        return self.total.right

    def of(self, region: str, side: Side) -> RegionScore:
        """One region by its abbreviation and side.

        Raises:
            KeyError: there is no such region.
        """
        for entry in self.regions:
            if (entry.region.abbreviation, entry.side) == (region, side):
                return entry
        raise KeyError(f"{side} {region}")

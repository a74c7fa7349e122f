"""What a report says. ``report.json`` and ``report.html`` are both made from it, so they can't disagree."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from deepstroke.findings import Finding
from deepstroke.options import Route
from deepstroke.scoring.measures import RegionMeasures
from deepstroke.scoring.result import AspectsResult, RegionScore, ScoreObstacle


@dataclass(frozen=True)
class SeriesFacts:
    """The image series that was read. Nothing here names the patient.

    Attributes:
        uid: Series Instance UID; None for a file without one, such as NIfTI.
        number, description, kernel, manufacturer, model: as the series states them; None where it doesn't.
        slices: number of source slices.
        spacing_mm: of the grid on which the labels lie, along i, j and k.
        tilt_deg: angle of the slices' stack, from their positions; 0 for an upright one.
        slice_step_mm: least and largest distance between neighbouring source slices.
        coverage_mm: from the first to the last source slice.
        why_chosen: why this series and not another of the study.
    """

    uid: str | None
    number: int | None
    description: str | None
    slices: int
    spacing_mm: tuple[float, float, float]
    tilt_deg: float
    slice_step_mm: tuple[float, float] | None = None
    coverage_mm: float | None = None
    kernel: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    why_chosen: str | None = None


@dataclass(frozen=True)
class RegionResult:
    """One region on one side: its measures, and what a network and the score say about it, where they ran.

    Attributes:
        measures: volume, HU, and whether the scan shows it.
        confidence: of its segmentation, 0..1: the mean probability that the network gives it over its voxels in the
            brain.
        score: probability, involvement, reasons and exclusions; None where the score did not run.
    """

    measures: RegionMeasures
    confidence: float | None = None
    score: RegionScore | None = None

    @property
    def probability(self) -> float | None:
        """That it is involved, 0..1."""
        return None if self.score is None else self.score.probability

    @property
    def involved(self) -> bool | None:
        """Whether the score counts it as involved."""
        return None if self.score is None else self.score.involved

    @property
    def assessable(self) -> bool:
        """Whether it can be judged."""
        return self.measures.assessable if self.score is None else self.score.assessable

    @property
    def obstacles(self) -> tuple[ScoreObstacle, ...]:
        """Why it can't be judged."""
        if self.score is not None:
            return self.score.obstacles
        return () if self.measures.obstacle is None else (self.measures.obstacle,)

    @property
    def mean_hu(self) -> float | None:
        """Of its tissue; of all its voxels in the brain where the score did not run."""
        tissue = None if self.score is None else self.score.tissue
        return self.measures.mean_hu if tissue is None else tissue.mean_hu

    @property
    def median_hu(self) -> float | None:
        """As ``mean_hu``."""
        tissue = None if self.score is None else self.score.tissue
        return self.measures.median_hu if tissue is None else tissue.median_hu

    def as_dict(self) -> dict[str, Any]:
        """The region as it stands in ``report.json``."""
        measures, score = self.measures, self.score
        tissue = None if score is None else score.tissue
        return {
            "region": measures.region.abbreviation,
            "side": measures.side,
            "volume_ml": round(measures.volume_ml, 3),
            "mean_hu": _rounded(self.mean_hu),
            "median_hu": _rounded(self.median_hu),
            "confidence": _rounded(self.confidence, 4),
            "probability": _rounded(self.probability, 4),
            "involved": self.involved,
            "assessable": self.assessable,
            "obstacle": next(iter(self.obstacles), None),
            "obstacles": list(self.obstacles),
            "reasons": [] if score is None else [reason.as_dict() for reason in score.reasons],
            "excluded": None if score is None else _plain(asdict(score.excluded)),
            "tissue": None if tissue is None else tissue.as_dict(),
        }


@dataclass(frozen=True)
class OutputFile:
    """One file of the result and what it must hold."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Report:
    """Everything that a reader must know about one result.

    Attributes:
        created: date and time in ISO 8601 with the time zone.
        series: what was read.
        method: the route that was taken, and why.
        leader: the route that made the labels.
        regions: twenty, in the order of their labels.
        findings: every warning of every stage.
        versions: of DeepStroke and the libraries that matter.
        atlas: name, version and sha256 of the atlas; None where no atlas was used.
        engine: registration engine and preset; None where nothing was registered.
        registration: its quality figures by name.
        parameters: resolved settings of the run.
        weights_sha256: of the network; None on the atlas route.
        network: weights, backend and pose by name; None where no network ran.
        agreement: of the two routes: mean Dice, limit, and the Dice of each region; None where only one ran.
        timings_s: seconds of each stage in the order in which they ran.
        peak_memory_mb: largest resident memory of the process.
        outputs: the other files of the result.
    """

    created: str
    series: SeriesFacts
    method: Route
    method_reason: str
    regions: tuple[RegionResult, ...]
    findings: tuple[Finding, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    atlas: Mapping[str, str] | None = None
    engine: str | None = None
    registration: Mapping[str, float] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights_sha256: str | None = None
    network: Mapping[str, Any] | None = None
    agreement: Mapping[str, Any] | None = None
    leader: Literal["atlas", "unet"] = "atlas"
    aspects: AspectsResult = field(default_factory=AspectsResult)
    timings_s: Mapping[str, float] = field(default_factory=dict)
    peak_memory_mb: float | None = None
    outputs: tuple[OutputFile, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The content of ``report.json``: plain values, no NaN, always the same order of keys."""
        return {
            "created": self.created,
            "series": _plain(asdict(self.series)),
            "warnings": [finding.as_dict() for finding in self.findings],
            "method": self.method,
            "method_reason": self.method_reason,
            "leader": self.leader,
            "engine": self.engine,
            "parameters": _plain(self.parameters),
            "versions": dict(sorted(self.versions.items())),
            "atlas": None if self.atlas is None else dict(self.atlas),
            "weights_sha256": self.weights_sha256,
            "network": None if self.network is None else _plain(self.network),
            "agreement": None if self.agreement is None else _plain(self.agreement),
            "registration": None if self.registration is None else _plain(self.registration),
            "regions": [_plain(region.as_dict()) for region in self.regions],
            "aspects": plain_aspects(self.aspects),
            "timings_s": {stage: round(float(seconds), 3) for stage, seconds in self.timings_s.items()},
            "peak_memory_mb": _rounded(self.peak_memory_mb),
            "outputs": [asdict(output) for output in self.outputs],
        }


def plain_aspects(aspects: AspectsResult) -> dict[str, Any]:
    """The total as it stands in ``report.json``."""
    return dict(_plain(asdict(aspects)))


def hash_outputs(paths: Iterable[Path]) -> tuple[OutputFile, ...]:
    """Name, size and sha256 of the files of a result, in the order given."""
    return tuple(OutputFile(path.name, path.stat().st_size, _sha256(path)) for path in paths)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _plain(value: Any) -> Any:
    """Nested plain values for JSON; a figure that isn't finite is unknown, which JSON writes as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return value.name
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value

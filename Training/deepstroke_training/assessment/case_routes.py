"""One scan with known regions through the routes of ``deepstroke segment``."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from deepstroke import atlas as atlases
from deepstroke.atlas_route import atlas_labels, register_to_atlas
from deepstroke.devices import Device, choose_device
from deepstroke.errors import DeepStrokeError
from deepstroke.frames import Affine
from deepstroke.inference import InferenceSettings, NetworkSegmenter
from deepstroke.loading import LoadedScan, load_scan
from deepstroke.network_route import NetworkRun, network_labels
from deepstroke.nifti import read_label_map
from deepstroke.preprocess.brain import HeadAnalysis, analyse_head
from deepstroke.progress import silent
from deepstroke.resources import user_folder
from deepstroke.volume import LabelMap
from deepstroke_training.assessment.reliability import Counts, count

#: The network; the atlas from the heads' moments; the atlas from the pose that the network found.
RouteName = Literal["unet", "atlas", "atlas-from-network"]
ROUTES: tuple[RouteName, ...] = get_args(RouteName)


@dataclass(frozen=True)
class AssessmentJob:
    """A scan and how it is assessed; it can be sent to another process.

    Attributes:
        name: of the case.
        scan: a NIfTI or NRRD file, HU.
        truth: the regions, 1..20, on the same grid.
        routes: to take.
        weights: of the network.
        device: where the work is done.
        flips: whether the network also sees the mirrored head.
    """

    name: str
    scan: Path
    truth: Path
    routes: tuple[RouteName, ...]
    weights: Path | None
    device: str = "cpu"
    flips: bool = True


@dataclass(frozen=True, eq=False)
class CaseOutcome:
    """What came of a case.

    Attributes:
        labels: of each route that gave some, on the scan's grid.
        failures: why a route gave none.
        seconds: of each route by the clock; ``brain`` stands before all of them.
        residual_mm: of the network's pose.
        counts: of the network's probabilities.
    """

    labels: dict[RouteName, NDArray[np.uint8]] = field(default_factory=dict)
    failures: dict[RouteName, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    residual_mm: float | None = None
    counts: Counts | None = None


def assess_case(job: AssessmentJob) -> CaseOutcome:
    """Take the routes; a route that refuses the scan is a failure and stops no other.

    Raises:
        InputError: a file can't be read, or truth and scan lie on different grids.
    """
    scan = load_scan(job.scan)
    truth = read_label_map(job.truth).reoriented_to_ras()
    truth.require_same_grid(scan.volume, str(job.scan))
    device = choose_device(job.device)
    began = time.perf_counter()
    try:
        head = analyse_head(scan.volume)
    except DeepStrokeError as error:
        return CaseOutcome(failures=dict.fromkeys(job.routes, f"brain: {error}"))
    work = _Work(job, scan, head, truth, device, {"brain": round(time.perf_counter() - began, 3)})
    for route in job.routes:
        work.take(route)
    return CaseOutcome(work.labels, work.failures, work.seconds, work.residual_mm, work.counts)


class _Work:
    """A scan on its way through the routes."""

    def __init__(
        self,
        job: AssessmentJob,
        scan: LoadedScan,
        head: HeadAnalysis,
        truth: LabelMap,
        device: Device,
        seconds: dict[str, float],
    ) -> None:
        self.job, self.scan, self.head, self.truth, self.device = job, scan, head, truth, device
        self.seconds = seconds
        self.labels: dict[RouteName, NDArray[np.uint8]] = {}
        self.failures: dict[RouteName, str] = {}
        self.residual_mm: float | None = None
        self.counts: Counts | None = None

    def take(self, route: RouteName) -> None:
        """One route, timed."""
        began = time.perf_counter()
        try:
            self.labels[route] = (self._network() if route == "unet" else self._atlas(route)).data
        except DeepStrokeError as error:
            self.failures[route] = str(error)
        self.seconds[route] = round(time.perf_counter() - began, 3)

    def _network(self) -> LabelMap:
        run = self._run()
        if run.prediction.pose is not None:
            self.residual_mm = run.prediction.pose.residual_mm
        found = network_labels(run, self.scan, self.head).found.labels
        midline = np.append(self.head.plane.normal, -self.head.plane.offset_mm)
        self.counts = count(run.prediction, run.segmenter.manifest.output, midline, self.truth, found)
        return found

    def _run(self) -> NetworkRun:
        segmenter = _segmenter(self.job.weights, self.device, self.job.flips)
        return NetworkRun(segmenter, segmenter.predict(self.scan.volume, self.head.brain))

    def _atlas(self, route: RouteName) -> LabelMap:
        regions = atlases.load()
        start: Affine | None = self._run().pose_for(regions.name) if route == "atlas-from-network" else None
        transform = register_to_atlas(
            self.scan.volume, self.head.brain, regions, None, "fast", self.device, silent, start
        )
        return atlas_labels(self.scan, regions, transform).labels


@lru_cache(maxsize=1)
def _segmenter(weights: Path, device: Device, flips: bool) -> NetworkSegmenter:
    cache = user_folder() / "cache" / "openvino"
    return NetworkSegmenter.load(weights, device, InferenceSettings(flips=flips), cache)

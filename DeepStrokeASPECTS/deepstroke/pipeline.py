"""The main job: a head CT in, ASPECTS regions out. The only place where stages are joined."""

from __future__ import annotations

import platform
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepstroke import __version__
from deepstroke.atlas.clipping import Clip
from deepstroke.devices import Device, choose_device
from deepstroke.dicom import SliceStack
from deepstroke.errors import DeepStrokeError, naming
from deepstroke.findings import Finding
from deepstroke.inference import InferenceSettings, NetworkSegmenter
from deepstroke.job import Found, Job, run_routes
from deepstroke.loading import load_scan
from deepstroke.network_route import load_segmenter
from deepstroke.options import Engine, Method, Start
from deepstroke.preprocess.brain import analyse_head
from deepstroke.progress import Progress, silent
from deepstroke.register import SpatialTransform
from deepstroke.report.contents import RegionResult, Report
from deepstroke.routes import RouteChoice, choose_route
from deepstroke.scoring import AspectsResult, AspectsScore
from deepstroke.scoring import score as score_regions
from deepstroke.stages import StageClock, peak_memory_mb
from deepstroke.volume import LabelMap, Volume

_REPORTED_PACKAGES = ("numpy", "scipy", "torch", "pydicom", "highdicom", "SimpleITK", "nibabel")


@dataclass(frozen=True, eq=False)
class Result:
    """What one run of ``segment`` found.

    Attributes:
        ct: HU on an orthogonal grid with axes nearest to RAS+.
        labels: 1..10 on the patient's left and 11..20 on the right, on the grid of ``ct``.
        brain: 0 and 1, on the same grid.
        slices: the source slices; None where the input was no DICOM.
        slice_labels: the labels on the source slices, (slices, rows, columns); None likewise.
        transform: maps points of the scan to the atlas, RAS+ mm; None where nothing was registered.
        report: everything a reader must know about the result.
        confidence: 0..1 in the brain, the probability that the network gives each voxel's label; None without one.
        other_labels: of the route that doesn't lead, where both ran.
    """

    ct: Volume
    labels: LabelMap
    brain: LabelMap
    slices: SliceStack | None
    slice_labels: NDArray[np.uint8] | None
    transform: SpatialTransform | None
    report: Report
    confidence: Volume | None = None
    other_labels: LabelMap | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every warning of every stage."""
        return self.report.findings

    def save(self, folder: str | Path, progress: Progress = silent, *, with_transform: bool = False) -> Report:
        """Write all outputs into a folder; what an earlier run left there is replaced. See ``save_result``.

        Raises:
            InputError: the folder can't be written; the message names the file.
        """
        from deepstroke.outputs import save_result

        return save_result(self, Path(folder), progress, with_transform=with_transform)


def segment(
    path: str | Path,
    method: Method = "auto",
    device: str = "auto",
    *,
    series: str | None = None,
    engine: Engine = "auto",
    atlas: str | None = None,
    template: str | None = None,
    clip: Clip = "none",
    score: bool = True,
    weights: str | Path | None = None,
    start: Start = "auto",
    inference: InferenceSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Segment the ten ASPECTS regions of each hemisphere.

    Args:
        path: a DICOM folder, DICOMDIR or zip, a NIfTI or an NRRD file.
        method: ``"atlas"`` carries the atlas's regions over by registration; ``"unet"`` asks a trained network;
            ``"both"`` does both and says where they part; ``"auto"`` takes what held-out measurements of the weights
            favour on the device, and the atlas where there are none.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        series: Series Instance UID to use instead of the best series.
        engine: of the registration; ``"auto"`` is ``"fast"``.
        atlas: name or folder of the atlas that holds the regions; the embedded one without a name.
        template: name or folder of the atlas whose template the scan is registered to, where it isn't the same.
        clip: whether regions are cut to the brain, or also out of CSF.
        score: whether the regions are measured and scored.
        weights: name or file of the network's weights; those used by default without one.
        start: where the registration starts from; ``"auto"`` is ``"moments"``.
        inference: how the network is applied, and from which figures on its answer is doubted or refused.
        progress: told how far the job is.

    Raises:
        ConfigError: an option isn't known or not available here.
        InputError: the scan is refused; the message names the file and the cause.
        RegistrationError: the atlas could not be brought onto the scan well enough.
        WeightsError: a network was asked for and its weights aren't installed, or they were altered.

    Example:
        >>> result = segment("study/")  # doctest: +SKIP
        >>> result.labels.volume_ml(6)  # left M2 in ml  # doctest: +SKIP
    """
    clock = StageClock(progress)
    settings = inference or InferenceSettings()
    with ThreadPoolExecutor(1, "network") as pool:
        # loading PyTorch and the network takes as long as reading the scan, and needs nothing of it
        loading = pool.submit(_loaded, method, device, weights, settings)
        try:
            with clock.stage("read", 0.0, 0.1) as stage:
                scan = load_scan(path, series, stage)
            with clock.stage("brain", 0.1, 0.25), naming(path):
                head = analyse_head(scan.volume)
        except DeepStrokeError:
            loading.result()  # an option that can't be met is told before a scan that is refused
            raise
        processor, choice, network = loading.result()
    job = Job(scan, head, processor, clock, choice, start, engine, atlas, template, clip, settings, weights, network)
    with naming(path):
        found = run_routes(job)
        scored = _scored(job, found) if score else None
    return _result(job, found, scored)


def _loaded(
    method: Method, device: str, weights: str | Path | None, settings: InferenceSettings
) -> tuple[Device, RouteChoice, NetworkSegmenter | None]:
    """Where the work is done, by which route, and the network that it asks for regions."""
    processor = choose_device(device)
    choice = choose_route(method, processor, weights)
    if choice.route == "atlas" or choice.weights is None:
        return processor, choice, None
    return processor, choice, load_segmenter(choice.weights, processor, settings)


def _scored(job: Job, found: Found) -> AspectsScore:
    """The score of the labels that lead."""
    with job.clock.stage("score", 0.98, 1.0):
        return score_regions(
            job.scan.volume,
            found.labels.labels,
            brain=job.head.brain,
            confidence=found.region_confidence,
            findings=(*job.scan.findings, *job.head.findings, *found.findings),
        )


def _result(job: Job, found: Found, scored: AspectsScore | None) -> Result:
    """The result of a job, with its report."""
    scan, head = job.scan, job.head
    regions = () if scored is None else scored.regions
    registered = found.atlas
    quality = None if registered is None else registered.transform.quality
    report = Report(
        created=datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
        series=scan.facts,
        method=found.route,
        method_reason=_reason(job, found),
        leader=found.leader,
        regions=tuple(
            RegionResult(entry.measures, found.region_confidence.get(entry.region.label(entry.side)), entry)
            for entry in regions
        ),
        findings=(
            *scan.findings,
            *head.findings,
            *found.findings,
            *(() if scored is None else scored.findings),
        ),
        aspects=AspectsResult() if scored is None else scored.total,
        versions=_versions(),
        atlas=None if registered is None else registered.facts(),
        engine=None if registered is None else registered.transform.engine,
        registration=None if quality is None else quality.as_dict(),
        parameters=_parameters(job),
        weights_sha256=None if found.run is None else found.run.segmenter.manifest.sha256,
        network=None if found.run is None else found.run.facts(),
        agreement=None if found.agreement is None else found.agreement.as_dict(),
        timings_s=job.clock.seconds,
        peak_memory_mb=peak_memory_mb(),
    )
    return Result(
        ct=scan.volume,
        labels=found.labels.labels,
        brain=head.brain,
        slices=scan.slices,
        slice_labels=found.labels.on_slices,
        transform=None if registered is None else registered.transform,
        report=report,
        confidence=found.confidence,
        other_labels=found.other_labels,
    )


def _reason(job: Job, found: Found) -> str:
    """Why the route was taken that was taken in the end."""
    choice = job.choice
    if found.route == choice.route:
        return choice.reason
    return f"{choice.route} was chosen ({choice.reason}), and a part of it failed: see the warnings"


def _versions() -> dict[str, str]:
    found = {"deepstroke": __version__, "python": platform.python_version()}
    for package in _REPORTED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def _parameters(job: Job) -> dict[str, Any]:
    return {
        "device": job.device.name,
        "device_description": job.device.description,
        "device_reason": job.device.reason,
        "clip": job.clip,
        "template": job.template or "the atlas's own",
        "brain_ml": round(job.head.brain_ml, 1),
    }

"""One scan through the routes that were chosen: what runs, what leads, and what takes over when one refuses."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np

from deepstroke import atlas as atlases
from deepstroke.atlas.clipping import Clip
from deepstroke.atlas_route import AtlasResult, atlas_labels, register_to_atlas
from deepstroke.devices import Device, threads_shared_by
from deepstroke.errors import InputError, RegistrationError
from deepstroke.findings import Finding
from deepstroke.frames import Affine
from deepstroke.inference import Agreement, InferenceSettings, NetworkSegmenter, agreement_of, find_weights
from deepstroke.inference.segmenter import updated_confidence
from deepstroke.loading import LoadedScan
from deepstroke.network_route import NetworkResult, NetworkRun, load_segmenter, network_labels
from deepstroke.options import Engine, Route, Start
from deepstroke.preprocess.brain import HeadAnalysis
from deepstroke.routes import RouteChoice, SlicedLabels, clipped
from deepstroke.stages import StageClock
from deepstroke.volume import LabelMap, Volume

#: Codes of refusals by a network after which the atlas's route may take over.
_REFUSALS = frozenset({"no-pose", "out-of-domain"})


@dataclass(frozen=True, eq=False)
class Job:
    """A scan that was read, and what is to become of it.

    Attributes:
        scan, head: what was read, and its brain.
        device: where the work is done.
        clock: times the stages.
        choice: of the route.
        start: where the registration starts from.
        engine: of the registration.
        atlas, template: which atlas, and which template the scan is registered to; None: the embedded atlas's.
        clip: whether regions are cut to the brain, or also out of CSF.
        inference: how the network is applied.
        weights: of the network whose pose the registration starts from, where the network isn't asked for regions.
        segmenter: the network, where it was loaded before.
    """

    scan: LoadedScan
    head: HeadAnalysis
    device: Device
    clock: StageClock
    choice: RouteChoice
    start: Start = "auto"
    engine: Engine = "auto"
    atlas: str | None = None
    template: str | None = None
    clip: Clip = "none"
    inference: InferenceSettings = field(default_factory=InferenceSettings)
    weights: str | Path | None = None
    segmenter: NetworkSegmenter | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """What the routes found.

    Attributes:
        route: what was taken in the end.
        leader: the route that made the labels.
        labels: its labels.
        findings: of all routes.
        atlas: of the atlas's route, where it ran.
        run: of the network, where it ran.
        confidence: the probability that the network gives each voxel's label.
        region_confidence: its mean over each label's voxels in the brain.
        other_labels: of the route that doesn't lead.
        agreement: of both.
    """

    route: Route
    leader: Literal["atlas", "unet"]
    labels: SlicedLabels
    findings: tuple[Finding, ...]
    atlas: AtlasResult | None = None
    run: NetworkRun | None = None
    confidence: Volume | None = None
    region_confidence: Mapping[int, float] = field(default_factory=dict)
    other_labels: LabelMap | None = None
    agreement: Agreement | None = None


@dataclass(frozen=True, eq=False)
class _Answer:
    """What came of asking the network; parts are None where it wasn't asked or refused."""

    run: NetworkRun | None = None
    result: NetworkResult | None = None
    findings: tuple[Finding, ...] = ()


def run_routes(job: Job) -> Found:
    """Take the routes that were chosen.

    Raises:
        InputError: the network refuses the scan and nothing may take its place.
        RegistrationError: the atlas could not be brought onto the scan, and the network wasn't asked for regions.
        WeightsError: the network's files are missing, altered, or can't be used.
    """
    if job.choice.route == "both" and job.start != "network":
        answer, registered = _side_by_side(job)
    else:
        answer = _asked(job)
        if job.choice.route == "unet" and answer.result is not None:
            return _led_by_network(job, answer, None)
        registered = _attempted(job, answer)
    if isinstance(registered, RegistrationError):
        if answer.result is None:
            raise registered
        failed = Finding("atlas-route-failed", f"The regions are the network's alone: {registered}.")
        return _led_by_network(job, _Answer(answer.run, answer.result, (*answer.findings, failed)), None)
    if answer.result is not None and job.choice.leader == "unet":
        return _led_by_network(job, answer, registered)
    return _led_by_atlas(job, answer, registered)


def _side_by_side(job: Job) -> tuple[_Answer, AtlasResult | RegistrationError]:
    """The network in a thread of its own while the atlas is registered: neither needs the other."""
    quiet = replace(job, clock=StageClock())
    with threads_shared_by(2), ThreadPoolExecutor(1, "network") as pool:
        asked = pool.submit(_asked, quiet)
        registered = _attempted(job, _Answer())
        answer = asked.result()
    job.clock.seconds.update(quiet.clock.seconds)
    return answer, registered


def _attempted(job: Job, answer: _Answer) -> AtlasResult | RegistrationError:
    try:
        return _registered(job, answer)
    except RegistrationError as error:
        return error


def _asked(job: Job) -> _Answer:
    """The network's answer, where it is wanted."""
    wants_regions = job.choice.route != "atlas"
    if not wants_regions and job.start != "network":
        return _Answer()
    run: NetworkRun | None = None
    weights = job.choice.weights or find_weights(job.weights)
    try:
        with job.clock.stage("network", 0.25, 0.3):
            segmenter = job.segmenter or load_segmenter(weights, job.device, job.inference)
            run = NetworkRun(segmenter, segmenter.predict(job.scan.volume, job.head.brain))
        if not wants_regions:
            return _Answer(run)
        with job.clock.stage("network labels", 0.3, 0.35):
            result = network_labels(run, job.scan, job.head)
        return _Answer(run, result, result.findings)
    except InputError as error:
        if error.code not in _REFUSALS or (job.choice.route == "unet" and not job.choice.may_fall_back):
            raise
        return _Answer(run, None, (Finding("network-refused", f"The network gives no regions: {error}."),))


def _registered(job: Job, answer: _Answer) -> AtlasResult:
    with job.clock.stage("atlas", 0.35, 0.38):
        regions = atlases.load(job.atlas)
    with job.clock.stage("registration", 0.38, 0.85) as stage:
        transform = register_to_atlas(
            job.scan.volume, job.head.brain, regions, job.template, job.engine, job.device, stage, _start(job, answer)
        )
    with job.clock.stage("labels", 0.85, 1.0):
        found = clipped(atlas_labels(job.scan, regions, transform), job.scan, job.head.brain, job.clip)
    return AtlasResult(found, transform, regions)


def _start(job: Job, answer: _Answer) -> Affine | None:
    """Where the registration starts from."""
    if job.start != "network" or answer.run is None:
        return None
    return answer.run.pose_for(job.template or job.atlas or atlases.DEFAULT_NAME)


def _led_by_network(job: Job, answer: _Answer, registered: AtlasResult | None) -> Found:
    assert answer.result is not None
    labels = clipped(answer.result.found, job.scan, job.head.brain, job.clip)
    agreement = None if registered is None else _agreement(job, labels, registered)
    return Found(
        route="unet" if registered is None else "both",
        leader="unet",
        labels=labels,
        findings=_findings(answer, registered, agreement),
        atlas=registered,
        run=answer.run,
        **_judged(job, answer.result, labels.labels),
        other_labels=None if registered is None else registered.found.labels,
        agreement=agreement,
    )


def _led_by_atlas(job: Job, answer: _Answer, registered: AtlasResult) -> Found:
    labels = registered.found
    if answer.result is None:
        findings = (*_start_findings(job, answer), *_findings(answer, registered, None))
        return Found("atlas", "atlas", labels, findings, registered, answer.run)
    other = clipped(answer.result.found, job.scan, job.head.brain, job.clip)
    agreement = _agreement(job, other, registered)
    return Found(
        route="both",
        leader="atlas",
        labels=labels,
        findings=_findings(answer, registered, agreement),
        atlas=registered,
        run=answer.run,
        **_judged(job, answer.result, labels.labels),
        other_labels=other.labels,
        agreement=agreement,
    )


def _agreement(job: Job, network: SlicedLabels, registered: AtlasResult) -> Agreement:
    """Inside the brain: the network looks nowhere else, and the atlas's regions may reach beyond it."""
    ours, theirs = (
        job.scan.volume.with_labels(found.labels.data * job.head.brain.mask) for found in (network, registered.found)
    )
    return agreement_of(ours, theirs, job.inference.least_agreement)


def _findings(answer: _Answer, registered: AtlasResult | None, agreement: Agreement | None) -> tuple[Finding, ...]:
    return (
        *answer.findings,
        *(() if registered is None else registered.findings),
        *(() if agreement is None else agreement.findings),
    )


def _start_findings(job: Job, answer: _Answer) -> tuple[Finding, ...]:
    if job.start != "network" or _start(job, answer) is not None:
        return ()
    return (Finding("start-not-used", "The network gives no pose for this template: started from moments."),)


class _Judged(TypedDict):
    confidence: Volume
    region_confidence: Mapping[int, float]


def _judged(job: Job, result: NetworkResult, labels: LabelMap) -> _Judged:
    """How sure the network is of labels, whoever made them."""
    own, brain = result.segmentation, job.head.brain
    confidence = updated_confidence(own.confidence, own.labels, labels, brain, own.reader)
    inside = labels.data[brain.mask]
    counts, sums = np.bincount(inside), np.bincount(inside, confidence.data[brain.mask])
    means = {int(n): float(sums[n] / counts[n]) for n in np.flatnonzero(counts) if n > 0}
    return {"confidence": confidence, "region_confidence": means}

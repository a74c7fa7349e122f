"""The main job: a head CT in, ASPECTS regions out. The only place where stages are joined."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepstroke import __version__
from deepstroke import atlas as atlases
from deepstroke.atlas.clipping import Clip, clip_labels
from deepstroke.atlas.propagate import propagate_labels, propagate_to_points
from deepstroke.devices import Device, choose_device
from deepstroke.dicom import SliceStack
from deepstroke.errors import ConfigError, WeightsError, naming
from deepstroke.findings import Finding
from deepstroke.loading import LoadedScan, load_scan
from deepstroke.options import Engine, Method
from deepstroke.preprocess.brain import analyse_head
from deepstroke.progress import Progress, silent
from deepstroke.register import SpatialTransform, register
from deepstroke.report.contents import RegionResult, Report
from deepstroke.scoring.measures import measure_regions, report_obstacles
from deepstroke.stages import StageClock, peak_memory_mb
from deepstroke.volume import LabelMap, Volume

_REPORTED_PACKAGES = ("numpy", "scipy", "torch", "pydicom", "highdicom", "SimpleITK", "nibabel")
#: Source pixels within this distance of a labelled voxel's bounding box are asked for their label, in mm.
_REACH_MM = 8.0


@dataclass(frozen=True, eq=False)
class Result:
    """What one run of ``segment`` found.

    Attributes:
        ct: HU on an orthogonal grid with axes nearest to RAS+.
        labels: 1..10 on the patient's left and 11..20 on the right, on the grid of ``ct``.
        brain: 0 and 1, on the same grid.
        slices: the source slices; None where the input was no DICOM.
        slice_labels: the labels on the source slices, (slices, rows, columns); None likewise.
        transform: maps points of the scan to the atlas, RAS+ mm.
        report: everything a reader must know about the result.
    """

    ct: Volume
    labels: LabelMap
    brain: LabelMap
    slices: SliceStack | None
    slice_labels: NDArray[np.uint8] | None
    transform: SpatialTransform
    report: Report

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
    progress: Progress = silent,
) -> Result:
    """Segment the ten ASPECTS regions of each hemisphere.

    Args:
        path: a DICOM folder, DICOMDIR or zip, a NIfTI or an NRRD file.
        method: ``"atlas"`` carries the atlas's regions over by registration; ``"auto"`` is that where no weights are.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"cuda:N"``.
        series: Series Instance UID to use instead of the best series.
        engine: of the registration; ``"auto"`` is ``"fast"``.
        atlas: name or folder of the atlas that holds the regions; the embedded one without a name.
        template: name or folder of the atlas whose template the scan is registered to, where it isn't the same.
        clip: whether regions are cut to the brain, or also out of CSF.
        score: whether the regions are measured.
        progress: told how far the job is.

    Raises:
        ConfigError: an option isn't known or not available here.
        InputError: the scan is refused; the message names the file and the cause.
        RegistrationError: the atlas could not be brought onto the scan well enough.
        WeightsError: a network was asked for and its weights aren't installed.

    Example:
        >>> result = segment("study/")  # doctest: +SKIP
        >>> result.labels.volume_ml(6)  # left M2 in ml  # doctest: +SKIP
    """
    if method in ("unet", "both"):
        raise WeightsError(
            f"method {method!r} needs network weights and none are installed; use method 'atlas'", code="no-weights"
        )
    if method not in ("auto", "atlas"):
        raise ConfigError(f"method is auto, unet, atlas or both, found {method!r}", code="method")
    clock = StageClock(progress)
    processor = choose_device(device)
    with clock.stage("read", 0.0, 0.1) as stage:
        scan = load_scan(path, series, stage)
    with clock.stage("brain", 0.1, 0.25), naming(path):
        head = analyse_head(scan.volume)
    with clock.stage("atlas", 0.25, 0.28):
        regions = atlases.load(atlas)
    with clock.stage("registration", 0.28, 0.85) as stage, naming(path):
        transform = _registered(scan.volume, head.brain, regions, template, engine, processor, stage)
    with clock.stage("labels", 0.85, 1.0):
        labels, slice_labels = _propagated(scan, head.brain, regions, transform, clip)
    measures = measure_regions(scan.volume, labels, head.brain) if score else ()
    findings = (*scan.findings, *head.findings, *regions.findings, *transform.findings, *report_obstacles(measures))
    report = Report(
        created=datetime.now(timezone.utc).astimezone().isoformat(timespec="seconds"),
        series=scan.facts,
        method="atlas",
        method_reason="asked for" if method == "atlas" else "no network weights are installed",
        regions=tuple(RegionResult(measure) for measure in measures),
        findings=findings,
        versions=_versions(),
        atlas={
            "name": regions.name,
            "version": regions.version,
            "sha256": regions.manifest["files"]["labels"]["sha256"],
        },
        engine=transform.engine,
        registration=transform.quality.as_dict() if transform.quality else None,
        parameters=_parameters(processor, clip, template, head.brain_ml),
        timings_s=clock.seconds,
        peak_memory_mb=peak_memory_mb(),
    )
    return Result(scan.volume, labels, head.brain, scan.slices, slice_labels, transform, report)


def _registered(
    scan: Volume,
    brain: LabelMap,
    regions: atlases.Atlas,
    template: str | None,
    engine: Engine,
    device: Device,
    progress: Progress,
) -> SpatialTransform:
    """The transform from the scan to the atlas that holds the regions, over another template if one is named."""
    chosen: Literal["fast", "ants"] = "fast" if engine == "auto" else engine
    target = regions if template is None else atlases.load(template)

    def onto(fixed: Volume, fixed_mask: LabelMap, moving: atlases.Atlas) -> SpatialTransform:
        return register(
            fixed,
            moving.template,
            engine=chosen,
            device=device.name,
            fixed_mask=fixed_mask,
            moving_mask=moving.brain,
            progress=progress,
        )

    to_target = onto(scan, brain, target)
    if target.name == regions.name:
        return to_target
    onward = onto(target.template, target.brain, regions)
    return replace(
        to_target,
        steps=(*to_target.steps, *onward.steps),
        inverse_steps=(*onward.inverse_steps, *to_target.inverse_steps),
        findings=(*to_target.findings, *onward.findings),
    )


def _propagated(
    scan: LoadedScan, brain: LabelMap, regions: atlases.Atlas, transform: SpatialTransform, clip: Clip
) -> tuple[LabelMap, NDArray[np.uint8] | None]:
    """The regions on the scan's grid, and on the source slices where there are any."""
    labels = propagate_labels(regions, transform, scan.volume)
    on_slices = None if scan.slices is None else _on_slices(scan.slices, labels, regions, transform)
    if clip == "none":
        return labels, on_slices
    i_mm, j_mm, _ = scan.volume.spacing_mm
    hu = np.moveaxis(scan.volume.data, 2, 0)
    clipped = clip_labels(np.moveaxis(labels.data, 2, 0), hu, np.moveaxis(brain.mask, 2, 0), clip, (i_mm, j_mm))
    if scan.slices is not None and on_slices is not None:
        slice_hu = scan.slices.sample(scan.volume, order=1, outside=-1024.0)
        inside = scan.slices.sample(brain) > 0
        on_slices = clip_labels(on_slices, slice_hu, inside, clip, scan.slices.pixel_spacing_mm)
    return scan.volume.with_labels(np.moveaxis(clipped, 0, 2)), on_slices


def _on_slices(
    slices: SliceStack, labels: LabelMap, regions: atlases.Atlas, transform: SpatialTransform
) -> NDArray[np.uint8]:
    """The regions at the exact place of every source pixel near a labelled voxel."""
    labelled = labels.ras_of(np.argwhere(labels.mask))
    low, high = labelled.min(axis=0) - _REACH_MM, labelled.max(axis=0) + _REACH_MM
    on_slices = np.zeros(slices.shape, dtype=np.uint8)
    for k in range(len(slices)):
        ras = slices.pixel_ras(k)
        near = ((ras >= low) & (ras <= high)).all(axis=-1)
        if near.any():
            on_slices[k][near] = propagate_to_points(regions, transform, ras[near])
    return on_slices


def _versions() -> dict[str, str]:
    found = {"deepstroke": __version__, "python": platform.python_version()}
    for package in _REPORTED_PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def _parameters(device: Device, clip: Clip, template: str | None, brain_ml: float) -> dict[str, Any]:
    return {
        "device": device.name,
        "device_description": device.description,
        "device_reason": device.reason,
        "clip": clip,
        "template": template or "the atlas's own",
        "brain_ml": round(brain_ml, 1),
    }

"""The atlas's route: a scan is registered to the atlas, whose regions are carried over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from deepstroke import atlas as atlases
from deepstroke.atlas.propagate import RegionMap
from deepstroke.devices import Device
from deepstroke.dicom import SliceStack
from deepstroke.errors import RegistrationError
from deepstroke.findings import Finding
from deepstroke.frames import Affine
from deepstroke.loading import LoadedScan
from deepstroke.options import Engine
from deepstroke.progress import Progress
from deepstroke.register import SpatialTransform, register
from deepstroke.routes import SlicedLabels
from deepstroke.volume import LabelMap, Volume

#: Source pixels within this distance of a labelled voxel's bounding box are asked for their label, in mm.
_REACH_MM = 8.0


@dataclass(frozen=True, eq=False)
class AtlasResult:
    """What the atlas's route made of a scan.

    Attributes:
        found: the regions.
        transform: scan points to atlas points.
        regions: the atlas.
    """

    found: SlicedLabels
    transform: SpatialTransform
    regions: atlases.Atlas

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader must know about atlas and registration."""
        return (*self.regions.findings, *self.transform.findings)

    def facts(self) -> dict[str, str]:
        """What ``report.json`` says of the atlas."""
        regions = self.regions
        return {
            "name": regions.name,
            "version": regions.version,
            "sha256": regions.manifest["files"]["labels"]["sha256"],
        }


def register_to_atlas(
    scan: Volume,
    brain: LabelMap,
    regions: atlases.Atlas,
    template: str | None,
    engine: Engine,
    device: Device,
    progress: Progress,
    start: Affine | None = None,
) -> SpatialTransform:
    """The transform from the scan to the atlas that holds the regions, over another template if one is named.

    Args:
        start: scan RAS+ mm to RAS+ mm of the template that the scan is registered to; the registration starts there,
            and without a start or after a failure from the heads' moments.

    Raises:
        RegistrationError: the result is worse than the limits allow.
    """
    chosen: Literal["fast", "ants"] = "fast" if engine == "auto" else engine
    target = regions if template is None else atlases.load(template)

    def onto(fixed: Volume, mask: LabelMap, moving: atlases.Atlas, initial: Affine | None = None) -> SpatialTransform:
        return register(
            fixed,
            moving.template,
            engine=chosen,
            device=device.name,
            fixed_mask=mask,
            moving_mask=moving.brain,
            initial=initial,
            progress=progress,
        )

    try:
        to_target = onto(scan, brain, target, start)
    except RegistrationError as error:
        if start is None:
            raise
        failed = Finding("network-start-failed", f"Started from the network's pose: {error}; started from moments.")
        to_target = onto(scan, brain, target)
        to_target = replace(to_target, findings=(failed, *to_target.findings))
    if target.name == regions.name:
        return to_target
    onward = onto(target.template, target.brain, regions)
    return replace(
        to_target,
        steps=(*to_target.steps, *onward.steps),
        inverse_steps=(*onward.inverse_steps, *to_target.inverse_steps),
        findings=(*to_target.findings, *onward.findings),
    )


def atlas_labels(scan: LoadedScan, regions: atlases.Atlas, transform: SpatialTransform) -> SlicedLabels:
    """The atlas's regions on the scan's grid, and on the source slices where there are any."""
    carried = RegionMap(regions, transform)
    labels = carried.on_grid(scan.volume)
    return SlicedLabels(labels, None if scan.slices is None else _atlas_on_slices(scan.slices, labels, carried))


def _atlas_on_slices(slices: SliceStack, labels: LabelMap, carried: RegionMap) -> NDArray[np.uint8]:
    """The regions at the exact place of every source pixel near a labelled voxel."""
    labelled = labels.ras_of(np.argwhere(labels.mask))
    low, high = labelled.min(axis=0) - _REACH_MM, labelled.max(axis=0) + _REACH_MM
    on_slices = np.zeros(slices.shape, dtype=np.uint8)
    for k in range(len(slices)):
        ras = slices.pixel_ras(k)
        near = ((ras >= low) & (ras <= high)).all(axis=-1)
        if near.any():
            on_slices[k][near] = carried.at(ras[near])
    return on_slices

"""One run that finds the ASPECTS regions of a volume, and its result on the volume's voxels."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.errors import InputError
from deepstroke.frames import Affine
from DeepStrokeASPECTSLib.handover import segment_arguments
from DeepStrokeASPECTSLib.parameters import Device, Engine, Method
from DeepStrokeASPECTSLib.placing import Levels, MirrorPlane, Placed, choose_levels, mirror_plane, place_labels
from DeepStrokeASPECTSLib.placing import slice_affines as even_slice_affines
from DeepStrokeASPECTSLib.reading import Reading, read_report
from DeepStrokeASPECTSLib.scan_job import ScanJob
from DeepStrokeSlicerLib.jobs import JobProgress
from DeepStrokeSlicerLib.label_files import read_labels
from DeepStrokeSlicerLib.nodes import array_of_image, world_affine_of
from DeepStrokeSlicerLib.segmentations import image_on, segmentation_from_image
from DeepStrokeSlicerLib.sources import DicomSource


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run left in the scene and on the disk.

    Attributes:
        volume, segmentation: the nodes.
        reading: of its report.
        levels: slices of the two ASPECTS levels.
        mirror: plane between the hemispheres; None where no region is there on both sides.
        best_slice: of each region's sided label: the slice that shows most of it.
        slices: of each slice of the volume: (i, j, 0) to RAS+ mm.
        folder: of its files; gone when the next run begins or the scene is closed.
    """

    volume: Any
    segmentation: Any
    reading: Reading
    levels: Levels
    mirror: MirrorPlane | None
    best_slice: dict[int, int]
    slices: Sequence[Affine]
    folder: Path


class Run(ScanJob):
    """A run that finds the ASPECTS regions.

    Args:
        volume: the volume node.
        source: its DICOM files, where they are at hand.
        method, engine, device: the panel's choices.
        on_progress: told the child's progress.

    Raises:
        GeometryError, InputError: as `ScanJob`.
    """

    def __init__(
        self,
        volume: Any,
        source: DicomSource | None,
        method: Method = Method.AUTOMATIC,
        engine: Engine = Engine.AUTOMATIC,
        device: Device = Device.AUTOMATIC,
        on_progress: Callable[[JobProgress], None] | None = None,
    ) -> None:
        choices = {"method": method, "engine": engine, "device": device}
        super().__init__(volume, source, partial(segment_arguments, **choices), on_progress)

    def load(self) -> Generator[object, None, RunResult]:
        """Bring the result into the scene, in small portions. See `load_result`."""
        result = yield from load_result(self.output, self._volume, self._source)
        self._drop_input()
        return result


def load_result(output: Path, volume: Any, source: DicomSource | None) -> Generator[object, None, RunResult]:
    """Bring what a run has written into the scene, in small portions.

    Args:
        output: the folder of `deepstroke segment`.
        volume: the volume node that was segmented.
        source: its DICOM files, where the run worked on these.

    Raises:
        InputError: the volume left the scene meanwhile, or the files can't be read.
    """
    if not slicer.mrmlScene.IsNodePresent(volume):
        raise InputError(_("The volume was removed from the scene while it was segmented."), code="no-volume")
    reading = read_report(output / "report.json")
    yield
    labels = yield from read_labels(output / "labels.nii.gz")
    shape = tuple(volume.GetImageData().GetDimensions())
    slices = even_slice_affines(shape, world_affine_of(volume)) if source is None else source.slice_affines
    image = image_on(volume)
    placed = yield from place_labels(labels, shape, slices, array_of_image(image))
    name = _("{volume} ASPECTS").format(volume=volume.GetName())
    segmentation = segmentation_from_image(image, volume, name)
    yield
    levels, mirror = choose_levels(placed), mirror_plane(placed, slices[0])
    return RunResult(volume, segmentation, reading, levels, mirror, _best_slices(placed), slices, output)


def _best_slices(placed: Placed) -> dict[int, int]:
    return {label: int(placed.counts[:, label].argmax()) for label in range(1, 21) if placed.counts[:, label].any()}

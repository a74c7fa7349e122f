"""What `deepstroke segment --model` has written, brought into the scene: the infarct, and the maps in a folder."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

import slicer
from deepstroke.asymmetry_maps import ASYMMETRY_MAPS
from deepstroke.errors import InputError
from DeepStrokeASPECTSLib import map_display
from DeepStrokeASPECTSLib.placing import place_labels
from DeepStrokeASPECTSLib.placing import slice_affines as even_slice_affines
from DeepStrokeSlicerLib.hierarchy import place_in_folder
from DeepStrokeSlicerLib.label_files import read_labels
from DeepStrokeSlicerLib.nodes import array_of_image, node_from_volume, read_volume_file, world_affine_of
from DeepStrokeSlicerLib.segmentations import image_on, segmentation_of_mask
from DeepStrokeSlicerLib.sources import DicomSource

FIGURES = "infarct.json"
PROBABILITY = "lesion-probability"
COLOUR = (255, 59, 107)


@dataclass(frozen=True)
class InfarctFigures:
    """`infarct.json` as a reader sees it.

    Attributes:
        total_ml: volume of the infarct.
        left_ml, right_ml: on the patient's sides; None where the file doesn't say.
        model: name of the weights.
        hu_range: HU that are 0 and 1 of the maps.
        warnings: of the run.
    """

    total_ml: float
    left_ml: float | None
    right_ml: float | None
    model: str
    hu_range: tuple[float, float]
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class InfarctResult:
    """What a run left in the scene and on the disk.

    Attributes:
        volume, segmentation: the nodes.
        maps: volume nodes of the probability and the asymmetry maps, by the names of their files.
        figures: of its `infarct.json`.
        best_slice: the volume's slice that shows most of the infarct; None where nothing was found.
        folder: of its files.
    """

    volume: Any
    segmentation: Any
    maps: dict[str, Any]
    figures: InfarctFigures
    best_slice: int | None
    folder: Path


def read_figures(path: Path) -> InfarctFigures:
    """Read `infarct.json`.

    Raises:
        InputError: the file is missing or no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        low, high = content["weights"].get("hu_range", (0.0, 80.0))
        sides = [content.get(name) for name in ("left_ml", "right_ml")]
        left_ml, right_ml = (None if value is None else float(value) for value in sides)
        return InfarctFigures(
            total_ml=float(content["infarct_ml"]),
            left_ml=left_ml,
            right_ml=right_ml,
            model=str(content["weights"]["name"]),
            hu_range=(float(low), float(high)),
            warnings=tuple(str(one["message"]) for one in content.get("warnings", ())),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is missing or damaged ({error}); look for the infarct again", code="no-report"
        ) from error


def load_infarct(
    output: Path, volume: Any | None = None, source: DicomSource | None = None
) -> Generator[object, None, InfarctResult]:
    """Bring a run's folder into the scene, in small portions.

    Args:
        output: the folder of `deepstroke segment --model`.
        volume: the volume node that was searched; the scan that lies in the folder is loaded where none is given.
        source: its DICOM files, where the run worked on these.

    Raises:
        InputError: the volume left the scene meanwhile, or the files can't be read.
    """
    figures = read_figures(output / FIGURES)
    if volume is None:
        scan = read_volume_file(output / "ct.nii.gz")
        volume = node_from_volume(scan, _("{folder} CT").format(folder=output.name))
    elif not slicer.mrmlScene.IsNodePresent(volume):
        raise InputError(_("The volume was removed from the scene while the infarct was looked for."), code="no-volume")
    yield
    segmentation, best_slice = yield from _segmentation(output, volume, source)
    maps = yield from _maps(output, volume, figures)
    name = _("{volume} infarct (ADN)").format(volume=volume.GetName())
    place_in_folder([segmentation, *maps.values()], name, volume)
    return InfarctResult(volume, segmentation, maps, figures, best_slice, output)


def _segmentation(
    output: Path, volume: Any, source: DicomSource | None
) -> Generator[object, None, tuple[Any, int | None]]:
    """The infarct on the volume's own voxels, and the slice that shows most of it."""
    labels = yield from read_labels(output / "infarct.nii.gz")
    shape = tuple(volume.GetImageData().GetDimensions())
    slices = even_slice_affines(shape, world_affine_of(volume)) if source is None else source.slice_affines
    image = image_on(volume)
    placed = yield from place_labels(labels, shape, slices, array_of_image(image))
    areas = placed.counts[:, 1]
    name = _("{volume} infarct").format(volume=volume.GetName())
    return segmentation_of_mask(image, volume, name, COLOUR), int(areas.argmax()) if areas.any() else None


def _maps(output: Path, volume: Any, figures: InfarctFigures) -> Generator[object, None, dict[str, Any]]:
    """The volumes, each with fitting colours; those that the folder lacks are left out."""
    paths = {PROBABILITY: output / f"{PROBABILITY}.nii.gz"}
    paths |= {each.file: output / "maps" / f"{each.file}.nii.gz" for each in ASYMMETRY_MAPS}
    nodes = {}
    for name, path in paths.items():
        if path.is_file():
            title = f"{volume.GetName()} {map_display.title_of(name)}"
            nodes[name] = node_from_volume(read_volume_file(path), title)
            map_display.colour(nodes[name], name, figures.hu_range)
        yield
    return nodes

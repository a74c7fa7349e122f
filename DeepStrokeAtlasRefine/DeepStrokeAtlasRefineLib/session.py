"""One atlas that is being refined: its nodes in the scene, and what its edits are compared with."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import slicer
from deepstroke.errors import InputError
from deepstroke.volume import LabelMap, Volume
from DeepStrokeAtlasRefineLib import segments, views
from DeepStrokeSlicerLib.busy import busy
from DeepStrokeSlicerLib.nodes import node_from_volume, read_volume_file
from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

if TYPE_CHECKING:
    from deepstroke.atlas import Atlas
    from deepstroke.atlas.layers import MergedLayers
    from deepstroke.atlas.ridge_distance import RidgeDistance

#: Where an atlas's manifest names no height for the plane between the levels, in RAS+ mm.
DEFAULT_SPLIT_MM = 18.5


@dataclass(eq=False)
class Session:
    """What is loaded.

    Attributes:
        parent: name of the atlas that is refined.
        overlay_path: file of the aggregated overlay; None without one.
        grid: the template in HU.
        brain: its brain mask.
        parent_labels: the regions as they were.
        midline_mm, split_mm: the planes between the sides (x) and between the levels (z), RAS+ mm.
        template, overlay, regions: the nodes.
        distance: to the overlay's lines; None without an overlay.
    """

    parent: str
    overlay_path: Path | None
    grid: Volume
    brain: LabelMap
    parent_labels: LabelMap
    midline_mm: float
    split_mm: float
    template: Any
    overlay: Any
    regions: Any
    distance: RidgeDistance | None

    def merged(self) -> MergedLayers:
        """The regions as they are drawn now."""
        from deepstroke.atlas.layers import merge_layers

        return merge_layers(segments.layers_of(self.regions, self.grid))

    def state(self) -> segments.State:
        """Equal as long as no region's voxels change."""
        return segments.state_of(self.regions)


def begin(
    name: str, overlay_path: Path | None = None, layers: list[LabelMap] | None = None
) -> Generator[None, None, Session]:
    """Load an atlas and the overlay into the scene, in portions.

    Args:
        name: of the atlas.
        overlay_path: of the aggregated overlay on its template.
        layers: the regions of a draft, instead of the atlas's own.

    Raises:
        InputError: the atlas isn't here or is damaged, or the overlay can't be read or is empty.
        GeometryError: the overlay or the draft lies on another grid than the template.
    """
    from deepstroke.atlas import load
    from deepstroke.atlas.editing import midline_mm

    yield
    with busy():
        atlas = load(name)
    yield
    density = None if overlay_path is None else _read_overlay(overlay_path, atlas.template)
    yield
    with busy():
        distance = None if density is None else _distance(density, overlay_path)
    yield
    for layer in layers or []:
        atlas.template.require_same_grid(layer, f"a draft of {atlas.name}")
    template, overlay, regions = _nodes(atlas, density, layers or [atlas.labels])
    yield
    levels = atlas.manifest.get("levels_mm", {})
    return Session(
        parent=atlas.name,
        overlay_path=overlay_path,
        grid=atlas.template,
        brain=atlas.brain,
        parent_labels=atlas.labels,
        midline_mm=midline_mm(atlas.labels),
        split_mm=float(levels.get("split", DEFAULT_SPLIT_MM)),
        template=template,
        overlay=overlay,
        regions=regions,
        distance=distance,
    )


def _read_overlay(path: Path, template: Volume) -> Volume:
    density = read_volume_file(path)
    template.require_same_grid(density, f"the overlay {path.name}, which must lie on the atlas's template,")
    return density


def _distance(density: Volume, path: Path | None) -> RidgeDistance:
    from deepstroke.atlas.ridge_distance import RidgeDistance

    try:
        return RidgeDistance.of_density(density)
    except InputError as error:
        raise InputError(f"{path}: {error}", code=error.code) from error


def _nodes(atlas: Atlas, density: Volume | None, layers: list[LabelMap]) -> tuple[Any, Any, Any]:
    """Template, overlay and segmentation in the scene, shown."""
    template = node_from_volume(atlas.template, f"{atlas.name} template")
    overlay = None if density is None else node_from_volume(density, "Mean overlay")
    regions = segmentation_from_labels(layers[0].data, template, f"{atlas.name} regions, draft")
    names = segments.region_ids()
    for layer in layers[1:]:
        for label in layer.present():
            segments.write_segment(regions, names[label], layer.with_labels(layer.data == label))
    _add_brain(regions, atlas.brain)
    views.show_template(template)
    views.show_overlay(overlay)
    views.show_regions(regions)
    return template, overlay, regions


def _add_brain(regions: Any, brain: LabelMap) -> None:
    segment = slicer.vtkSegment()
    segment.SetName("Brain (mask)")
    segment.SetColor(0.7, 0.7, 0.7)
    regions.GetSegmentation().AddSegment(segment, segments.BRAIN)
    segments.write_segment(regions, segments.BRAIN, brain)
    regions.GetDisplayNode().SetSegmentVisibility(segments.BRAIN, False)


def overlay_floor(session: Session, share: float) -> float:
    """The overlay's value at a share of its strongest lines.

    Args:
        session: with an overlay.
        share: 0..1 of the 99.9th percentile of what isn't 0.
    """
    from DeepStrokeSlicerLib.nodes import array_of_image

    values = array_of_image(session.overlay.GetImageData())
    return float(share * np.percentile(values[values > 0], 99.9))

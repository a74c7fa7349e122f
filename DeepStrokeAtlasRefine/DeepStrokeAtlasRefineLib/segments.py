"""The regions of a segmentation node as layers of labels, and changed voxels back into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

import slicer
from deepstroke.regions import SIDED_REGIONS
from deepstroke.volume import LabelMap, Volume
from DeepStrokeSlicerLib.nodes import array_of_image
from DeepStrokeSlicerLib.segmentations import labels_from_segmentation, oriented_image, segment_id, segment_labels

#: The segment inside which regions may be drawn. It stays hidden: Slicer's editor erases visible segments under a
#: brush, the mask too.
BRAIN = "brain"
_ALL = 255
State = tuple[int, ...]


def region_ids() -> dict[int, str]:
    """Segment id of each sided label."""
    return {label: segment_id(region, side) for label, (region, side) in enumerate(SIDED_REGIONS, start=1)}


def state_of(node: Any) -> State:
    """Changes whenever a region's voxels do, by a brush, a tool or undo; not with what is merely shown.

    Undo raises no event of the segmentation, so the times of its layers are compared.
    """
    segmentation, numbers = node.GetSegmentation(), segment_labels(node)
    return tuple(
        segmentation.GetLayerDataObject(index).GetMTime()
        for index in range(segmentation.GetNumberOfLayers())
        if not numbers.keys().isdisjoint(segmentation.GetSegmentIDsForLayer(index))
    )


def layers_of(node: Any, grid: Volume) -> list[LabelMap]:
    """The regions as they are drawn, one map for each layer of the segmentation; regions of one layer can't overlap.

    Args:
        node: the segmentation node.
        grid: of the template.
    """
    segmentation, numbers = node.GetSegmentation(), segment_labels(node)
    layers = []
    for index in range(segmentation.GetNumberOfLayers()):
        shown = {name: numbers[name] for name in segmentation.GetSegmentIDsForLayer(index) if name in numbers}
        if shown:
            layers.append(_layer(node, grid, segmentation.GetLayerDataObject(index), shown))
    return layers


def _layer(node: Any, grid: Volume, image: Any, numbers: dict[str, int]) -> LabelMap:
    """One layer on the grid: its voxels copied where they are the grid's own, resampled by Slicer otherwise."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    own_voxels = np.allclose(slicer.util.arrayFromVTKMatrix(matrix), grid.ijk_to_ras, atol=1e-4)
    extent = np.array(image.GetExtent()).reshape(3, 2)
    inside = bool((extent[:, 0] >= 0).all() and (extent[:, 1] < grid.shape).all())
    if node.GetParentTransformNode() is not None or not (own_voxels and inside):
        return labels_from_segmentation(node, grid, numbers)
    data = np.zeros(grid.shape, np.uint8)
    if (extent[:, 1] >= extent[:, 0]).all():
        values = np.zeros(int(image.GetScalarRange()[1]) + 1, np.uint8)
        for name, number in numbers.items():
            value = node.GetSegmentation().GetSegment(name).GetLabelValue()
            if value < len(values):
                values[value] = number
        i, j, k = (slice(low, high + 1) for low, high in extent.tolist())
        data[i, j, k] = values[array_of_image(image).astype(np.intp)]
    return grid.with_labels(data)


def write_changes(
    node: Any, layers: Sequence[LabelMap], edited: LabelMap, changed: NDArray[np.bool_] | None = None
) -> int:
    """Bring a segmentation to an edited map where it changed; where regions overlapped there, they no longer do.

    Args:
        node: the segmentation node.
        layers: what `layers_of` read from it.
        edited: 1..20.
        changed: where the map holds; everywhere if not given.

    Returns:
        The number of voxels that are another region's now, or no one's.
    """
    everywhere = np.ones(edited.shape, bool) if changed is None else changed
    total = np.zeros(edited.shape, bool)
    names = region_ids()
    additions = []
    for label, name in names.items():
        was = np.logical_or.reduce([layer.data == label for layer in layers])
        new = edited.data == label
        gone, come = was & ~new & everywhere, new & ~was & everywhere
        if gone.any():
            _merge(node, name, edited, gone, adding=False)
            total |= gone
        if come.any():
            additions.append((name, come))
            total |= come
    for name, come in additions:
        _merge(node, name, edited, come, adding=True)
    return int(np.count_nonzero(total))


def write_segment(node: Any, name: str, mask: LabelMap) -> None:
    """Replace a segment's voxels; it gets a layer of its own where it overlaps others."""
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    image = oriented_image(mask.mask.astype(np.uint8), mask.ijk_to_ras)
    logic.SetBinaryLabelmapToSegment(image, node, name, logic.MODE_REPLACE)


def _merge(node: Any, name: str, grid: Volume, places: NDArray[np.bool_], *, adding: bool) -> None:
    """Add voxels to a segment, or take them away, in the box around them alone."""
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    box = _box_of(places)
    part = places[box]
    values = part.astype(np.uint8) if adding else np.where(part, 0, _ALL).astype(np.uint8)
    image = oriented_image(values, grid.ijk_to_ras)
    image.SetExtent(*(int(edge) for side in box for edge in (side.start, side.stop - 1)))
    mode = logic.MODE_MERGE_MASK if adding else logic.MODE_MERGE_MIN
    # Without the others Slicer would move the segment to a layer of its own.
    others = [other for other in region_ids().values() if other != name]
    logic.SetBinaryLabelmapToSegment(image, node, name, mode, image.GetExtent(), False, others)


def _box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    i, j, k = (np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis))) for axis in range(3))
    return slice(i[0], i[-1] + 1), slice(j[0], j[-1] + 1), slice(k[0], k[-1] + 1)

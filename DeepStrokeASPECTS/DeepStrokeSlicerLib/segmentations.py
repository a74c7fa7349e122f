"""The twenty regions as a segmentation node, and a segmentation node back as labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

import slicer
from deepstroke.errors import InputError
from deepstroke.frames import Affine
from deepstroke.regions import SIDE_CODE, SIDED_REGIONS, Code, Region, Side
from deepstroke.volume import LabelMap, Volume
from DeepStrokeSlicerLib.hierarchy import place_in_study
from DeepStrokeSlicerLib.nodes import affine_of, array_of_image, image_of_array, matrix_of

#: Name of the terminology context in Resources/DeepStrokeASPECTS.term.json.
TERMINOLOGY = "DeepStroke ASPECTS regions"
CATEGORY = Code("123037004", "SCT", "Anatomical Structure")
#: A segment's tag that holds its number in a sided label map.
LABEL_TAG = "DeepStroke.Label"
#: The id of the one segment that isn't a region.
MASK_ID = "mask"
_REPRESENTATION = "Binary labelmap"


def segment_id(region: Region, side: Side) -> str:
    """The segment's stable id, such as ``"left-M1"``."""
    return f"{side}-{region.abbreviation}"


def segment_name(region: Region, side: Side) -> str:
    """The segment's name as shown, such as ``"Left M1"``."""
    return f"{side.title()} {region.abbreviation}"


def terminology_entry(region: Region, side: Side) -> str:
    """The region's code as Slicer stores it with a segment."""
    type_code, modifier = region.code, SIDE_CODE[side]
    return "~".join([TERMINOLOGY, *(_triple(code) for code in (CATEGORY, type_code, modifier)), "", "^^", "^^"])


def _triple(code: Code) -> str:
    return f"{code.scheme}^{code.value}^{code.meaning}"


def segmentation_from_labels(
    labels: NDArray, reference: Any, name: str, regions: Iterable[tuple[Region, Side]] = SIDED_REGIONS
) -> Any:
    """A segmentation node on a volume node's own geometry, under its transform and its study.

    Args:
        labels: 1..20 on the voxels of the reference, indexed (i, j, k).
        reference: the volume node; its matrix may be sheared.
        name: of the node.
        regions: which segments are made; an empty one stands for a region that was not found.

    Raises:
        InputError: the labels' shape isn't the volume's.
    """
    image = oriented_image(labels.astype(np.uint8, copy=False), affine_of(reference))
    return segmentation_from_image(image, reference, name, regions)


def segmentation_from_image(
    image: Any, reference: Any, name: str, regions: Iterable[tuple[Region, Side]] = SIDED_REGIONS
) -> Any:
    """As `segmentation_from_labels`, of a label map that is no longer copied; see `image_on`.

    Raises:
        InputError: the labels' shape isn't the volume's.
    """
    labels_shape, found = image.GetDimensions(), reference.GetImageData().GetDimensions()
    if labels_shape != found:
        raise InputError(f"labels of shape {labels_shape} don't fit the volume's {found}", code="grid-mismatch")
    node = _empty_segmentation(reference, name)
    add_regions(node, image, regions)
    return node


def segmentation_of_mask(image: Any, reference: Any, name: str, colour: tuple[int, int, int]) -> Any:
    """A segmentation node with one segment of its own name, beside a volume node and under its transform.

    Args:
        image: vtkOrientedImageData of 0 and 1; see `image_on`.
        reference: the volume node.
        name: of the node and of the segment.
        colour: red, green and blue, 0..255.
    """
    node = _empty_segmentation(reference, name)
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(*(channel / 255 for channel in colour))
    segment.AddRepresentation(_REPRESENTATION, image)
    node.GetSegmentation().AddSegment(segment, MASK_ID)
    return node


def _empty_segmentation(reference: Any, name: str) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    node.SetAndObserveTransformNodeID(reference.GetTransformNodeID())
    place_in_study(node, reference)
    return node


def add_regions(node: Any, image: Any, regions: Iterable[tuple[Region, Side]]) -> None:
    """Add one segment a region; all share one label map, so that none of them is copied.

    Args:
        node: the segmentation node.
        image: vtkOrientedImageData with the numbers of the regions; its matrix may be sheared.
        regions: which segments are made.
    """
    segmentation = node.GetSegmentation()
    for region, side in regions:
        segment = slicer.vtkSegment()
        segment.SetName(segment_name(region, side))
        segment.SetColor(*(channel / 255 for channel in region.colour))
        segment.SetTerminology(terminology_entry(region, side))
        segment.SetTag(LABEL_TAG, str(region.label(side)))
        segment.SetLabelValue(region.label(side))
        segment.AddRepresentation(_REPRESENTATION, image)
        segmentation.AddSegment(segment, segment_id(region, side))


def image_on(reference: Any) -> Any:
    """A vtkOrientedImageData for labels on a volume node's voxels; what it holds isn't set yet."""
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*reference.GetImageData().GetDimensions())
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    image.SetImageToWorldMatrix(matrix_of(affine_of(reference)))
    return image


def oriented_image(data: NDArray, ijk_to_ras: Affine) -> Any:
    """A vtkOrientedImageData with a copy of an array indexed (i, j, k)."""
    image = image_of_array(data, slicer.vtkOrientedImageData())
    image.SetImageToWorldMatrix(matrix_of(ijk_to_ras))
    return image


def segment_labels(node: Any) -> dict[str, int]:
    """The number of each segment that has one, by segment id."""
    segmentation, found = node.GetSegmentation(), {}
    for index in range(segmentation.GetNumberOfSegments()):
        identity = segmentation.GetNthSegmentID(index)
        tag = vtk.reference("")
        if segmentation.GetSegment(identity).GetTag(LABEL_TAG, tag):
            found[identity] = int(str(tag))
    return found


def labels_from_segmentation(node: Any, grid: Volume, numbers: Mapping[str, int] | None = None) -> LabelMap:
    """The label map of a segmentation node on a grid; where segments overlap the later one wins.

    Args:
        node: the segmentation node; what it shows is taken, with a linear transform that it stands under.
        grid: the grid of the result.
        numbers: of each segment by its id; those that the segments were made with if not given.

    Raises:
        InputError: no segment has a number.
    """
    numbers = segment_labels(node) if numbers is None else numbers
    if not numbers:
        raise InputError(f"no segment of {node.GetName()} belongs to a region", code="no-labels")
    geometry = slicer.vtkOrientedImageData()
    geometry.SetDimensions(*grid.shape)
    geometry.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    geometry.SetImageToWorldMatrix(matrix_of(grid.ijk_to_ras))
    identities, values = vtk.vtkStringArray(), vtk.vtkIntArray()
    for identity, number in numbers.items():
        identities.InsertNextValue(identity)
        values.InsertNextValue(number)
    merged = slicer.vtkOrientedImageData()
    extent = slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY
    node.GenerateMergedLabelmapForAllSegments(merged, extent, geometry, identities, values)
    return grid.with_labels(array_of_image(merged).copy())

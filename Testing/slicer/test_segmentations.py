"""Label maps to and from segmentation nodes, against slicer-core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.regions import SIDED_REGIONS, region_of
from deepstroke.volume import Volume

if TYPE_CHECKING:
    from host import Host

TILTED = np.array([[-2.0, 0, 0, 40.0], [0, -1.96, 0, 35.0], [0, -0.416, 5.11, -20.0], [0, 0, 0, 1]])
SHAPE = (44, 30, 12)


@pytest.fixture
def labels() -> np.ndarray:
    """Region n fills n voxels along i, beginning with the 20 of the last, in rows of their own."""
    found = np.zeros(SHAPE, np.uint8)
    for label in range(1, 21):
        found[3 : 3 + label, label + 4, 2:9] = label
    return found


@pytest.fixture
def reference(host: Host) -> object:
    from DeepStrokeSlicerLib.nodes import node_from_volume

    return node_from_volume(Volume(np.zeros(SHAPE, np.int16), TILTED), "CT")


def test_segments_hold_each_regions_voxels_name_colour_and_code(
    host: Host, reference: object, labels: np.ndarray
) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    node = segmentation_from_labels(labels, reference, "ASPECTS regions")
    segmentation = node.GetSegmentation()
    assert segmentation.GetNumberOfSegments() == 20
    for index, (region, side) in enumerate(SIDED_REGIONS):
        segment = segmentation.GetNthSegment(index)
        assert segment.GetName() == f"{side.title()} {region.abbreviation}"
        np.testing.assert_allclose(segment.GetColor(), np.array(region.colour) / 255)
        assert segment.GetLabelValue() == region.label(side)
        array = slicer.util.arrayFromSegmentInternalBinaryLabelmap(node, segmentation.GetNthSegmentID(index))
        assert np.count_nonzero(array == region.label(side)) == 7 * region.label(side)


def test_left_insula_is_coded_in_snomed_and_m1_privately(host: Host, reference: object, labels: np.ndarray) -> None:
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    segmentation = segmentation_from_labels(labels, reference, "r").GetSegmentation()
    assert segmentation.GetSegment("left-I").GetTerminology() == (
        "DeepStroke ASPECTS regions~SCT^123037004^Anatomical Structure~SCT^36169008^Insula~SCT^7771000^Left~~^^~^^"
    )
    assert "99DEEPSTROKE^ASPECTS-M1^" in segmentation.GetSegment("right-M1").GetTerminology()
    assert segmentation.GetSegment("right-M1").GetTerminology().split("~")[3] == "SCT^24028007^Right"


def test_slicers_own_logic_reads_the_codes(host: Host, reference: object, labels: np.ndarray) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    segmentation = segmentation_from_labels(labels, reference, "r").GetSegmentation()
    entry = slicer.vtkSlicerTerminologyEntry()
    logic = slicer.vtkSlicerTerminologiesModuleLogic
    assert logic.DeserializeTerminologyEntry(segmentation.GetSegment("right-C").GetTerminology(), entry)
    assert entry.GetTypeObject().GetCodeValue() == "11000004"
    assert entry.GetTypeModifierObject().GetCodeMeaning() == "Right"


def test_a_tilted_segmentation_lies_on_the_volumes_own_voxels(
    host: Host, reference: object, labels: np.ndarray
) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    node = segmentation_from_labels(labels, reference, "r")
    image = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation("left-M6", image)
    import vtk

    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(matrix), TILTED, atol=1e-9)


def test_labels_come_back_with_equal_voxels(host: Host, reference: object, labels: np.ndarray) -> None:
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation, segmentation_from_labels

    node = segmentation_from_labels(labels, reference, "r")
    back = labels_from_segmentation(node, Volume(labels, TILTED))
    np.testing.assert_array_equal(back.data, labels)


def test_seg_nrrd_and_mrb_keep_segments(host: Host, reference: object, labels: np.ndarray, tmp_path: Path) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation, segmentation_from_labels

    node = segmentation_from_labels(labels, reference, "r")
    storage = node.CreateDefaultStorageNode()
    storage.SetFileName(str(tmp_path / "r.seg.nrrd"))
    assert storage.WriteData(node)
    loaded = slicer.modules.segmentations.logic().LoadSegmentationFromFile(str(tmp_path / "r.seg.nrrd"), True, "back")
    found = labels_from_segmentation(loaded, Volume(labels, TILTED))
    np.testing.assert_array_equal(found.data, labels)
    assert loaded.GetSegmentation().GetSegment("left-IC").GetTerminology().split("~")[2].startswith("SCT^85637007")


def test_segments_of_absent_regions_are_empty_but_there(host: Host, reference: object) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    only = np.zeros(SHAPE, np.uint8)
    only[5, 5, 5] = 7
    node = segmentation_from_labels(only, reference, "r")
    assert node.GetSegmentation().GetNumberOfSegments() == 20
    array = slicer.util.arrayFromSegmentBinaryLabelmap(node, "left-M3", reference)
    assert np.count_nonzero(array) == 1
    assert not np.any(slicer.util.arrayFromSegmentBinaryLabelmap(node, "right-M3", reference))


def test_the_segmentation_stands_beside_the_volume_in_its_study(
    host: Host, reference: object, labels: np.ndarray
) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.CreateItem(study, reference)
    node = segmentation_from_labels(labels, reference, "r")
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study


def test_the_volumes_transform_carries_the_segmentation(host: Host, reference: object, labels: np.ndarray) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    reference.SetAndObserveTransformNodeID(transform.GetID())
    assert segmentation_from_labels(labels, reference, "r").GetTransformNodeID() == transform.GetID()


def test_labels_of_another_shape_are_refused(host: Host, reference: object) -> None:
    from DeepStrokeSlicerLib.segmentations import segmentation_from_labels

    with pytest.raises(InputError, match="don't fit"):
        segmentation_from_labels(np.zeros((3, 3, 3), np.uint8), reference, "r")


def test_a_segmentation_of_something_else_is_refused(host: Host) -> None:
    import slicer
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "tumour")
    with pytest.raises(InputError, match="no segment of tumour"):
        labels_from_segmentation(node, Volume(np.zeros(SHAPE, np.uint8), TILTED))


def test_the_table_of_regions_is_the_only_source(host: Host) -> None:
    from DeepStrokeSlicerLib.segmentations import segment_id, segment_name

    region, side = region_of(16)
    assert (segment_id(region, side), segment_name(region, side)) == ("right-M2", "Right M2")

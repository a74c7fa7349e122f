"""How the result is shown: window, layout, the two levels, and the mirror view of the other hemisphere."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

import slicer
from deepstroke.frames import Affine
from DeepStrokeSlicerLib.nodes import affine_of, matrix_of

#: Window and level in HU at which early ischaemia is read.
STROKE_WINDOW = (40.0, 40.0)
#: Side of the square that shows a whole head.
HEAD_MM = 230.0
#: From the camera to the middle of the regions.
CAMERA_MM = 400.0
#: Differences in HU that are drawn, from the most to the least.
DARKER_HU = (-10.0, -2.0)
#: Lower values of maps from 0 to 1 aren't drawn.
_LEAST_SHOWN = 0.05
#: From violet to red, and from red to violet.
_MAP_COLOURS, _DARKER_COLOURS = "vtkMRMLColorTableNodeReverseRainbow", "vtkMRMLColorTableNodeRainbow"
MAIN_VIEW, MIRROR_VIEW = "Red", "Yellow"


def stroke_window(volume: Any) -> None:
    """Show 20 to 60 HU as black to white."""
    display = volume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevel(*STROKE_WINDOW)


def slice_node(view: str) -> Any:
    """The slice node of a view."""
    return slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceNode{view}")


def is_background(volume: Any) -> bool:
    """Whether the main view shows the volume."""
    logic = slicer.app.applicationLogic().GetSliceLogic(slice_node(MAIN_VIEW))
    return bool(logic.GetSliceCompositeNode().GetBackgroundVolumeID() == volume.GetID())


def show_background(volume: Any) -> None:
    """Show the volume, and nothing over it, in every slice view."""
    logics = slicer.app.applicationLogic().GetSliceLogics()
    for logic in (logics.GetItemAsObject(index) for index in range(logics.GetNumberOfItems())):
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        logic.GetSliceCompositeNode().SetForegroundVolumeID(None)
        logic.FitSliceToAll()


def colour_map(overlay: Any) -> None:
    """Violet where a map from 0 to 1 is low, red where it is high, nothing where it is 0."""
    display = overlay.GetDisplayNode()
    display.SetAndObserveColorNodeID(_MAP_COLOURS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, 1.0)
    display.AutoThresholdOff()
    display.ApplyThresholdOn()
    fractions = overlay.GetImageData().GetScalarType() in (vtk.VTK_FLOAT, vtk.VTK_DOUBLE)
    display.SetThreshold(_LEAST_SHOWN if fractions else 1.0, 1.0)  # VTK cuts thresholds of whole numbers down.


def colour_darker(difference: Any) -> None:
    """Show where a difference in HU says darker than the other side, red where most; the rest is left out."""
    display = difference.GetDisplayNode()
    display.SetAndObserveColorNodeID(_DARKER_COLOURS)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(*DARKER_HU)
    display.AutoThresholdOff()
    display.ApplyThresholdOn()
    display.SetThreshold(-1000.0, DARKER_HU[1])


def show_over(overlay: Any, opacity: float) -> None:
    """Show a volume half transparent over the scan in every slice view."""
    logics = slicer.app.applicationLogic().GetSliceLogics()
    for logic in (logics.GetItemAsObject(index) for index in range(logics.GetNumberOfItems())):
        logic.GetSliceCompositeNode().SetForegroundVolumeID(overlay.GetID())
        logic.GetSliceCompositeNode().SetForegroundOpacity(opacity)


def show_nothing_over() -> None:
    """Show the scan alone in every slice view."""
    logics = slicer.app.applicationLogic().GetSliceLogics()
    for logic in (logics.GetItemAsObject(index) for index in range(logics.GetNumberOfItems())):
        logic.GetSliceCompositeNode().SetForegroundVolumeID(None)


def show_side_by_side(volume: Any) -> None:
    """Two slice views beside each other, both showing the volume in its own slices."""
    layout = slicer.mrmlScene.GetSingletonNode("vtkMRMLLayoutNode", "vtkMRMLLayoutNode")
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    for view in (MAIN_VIEW, MIRROR_VIEW):
        node = slice_node(view)
        logic = slicer.app.applicationLogic().GetSliceLogic(node)
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
        node.SetOrientation("Axial")
        node.RotateToAxes(matrix_of(_world_axes(volume)))
        logic.FitSliceToAll()


def frame_head(middle_ras: NDArray[np.float64]) -> None:
    """Let the head fill both views: a field of view often holds twice as much.

    Args:
        middle_ras: between the hemispheres, RAS+ mm.
    """
    for node in map(slice_node, (MAIN_VIEW, MIRROR_VIEW)):
        columns, rows, _depth = node.GetDimensions()
        if columns and rows:  # A view that isn't laid out yet has none.
            scale = HEAD_MM / min(columns, rows)
            node.SetFieldOfView(columns * scale, rows * scale, node.GetFieldOfView()[2])
        node.JumpSliceByCentering(*middle_ras)


def leave_slices() -> None:
    """Turn both views back to axial ones.

    Closing a scene gives a view that stands aslant an identity matrix, with left and right exchanged.
    """
    for node in filter(None, map(slice_node, (MAIN_VIEW, MIRROR_VIEW))):
        node.SetOrientation("Axial")


def _world_axes(volume: Any) -> Affine:
    """The volume's axes as they are shown; a warping transform bends positions, hardly the axes."""
    transform = volume.GetParentTransformNode()
    if transform is None or not transform.IsTransformToWorldLinear():
        return affine_of(volume)
    to_world = vtk.vtkMatrix4x4()
    transform.GetMatrixTransformToWorld(to_world)
    return slicer.util.arrayFromVTKMatrix(to_world) @ affine_of(volume)


def slice_centre(volume: Any, k: int) -> NDArray[np.float64]:
    """RAS+ mm of the middle of a slice as it is shown."""
    ni, nj, _ = volume.GetImageData().GetDimensions()
    point = affine_of(volume) @ ((ni - 1) / 2, (nj - 1) / 2, k, 1)
    transform = volume.GetParentTransformNode()
    if transform is None:
        return point[:3]
    to_world = vtk.vtkGeneralTransform()
    transform.GetTransformToWorld(to_world)
    return np.array(to_world.TransformPoint(point[:3]))


def jump_to_slice(volume: Any, k: int) -> None:
    """Show slice k of the volume in the main view; zoom and pan stay."""
    slice_node(MAIN_VIEW).JumpSliceByOffsetting(*slice_centre(volume, k))


def show_regions(segmentation: Any, *, filled: bool) -> None:
    """Outlines alone, or filled regions under them."""
    display = segmentation.GetDisplayNode()
    display.SetVisibility2DOutline(True)
    display.SetVisibility2DFill(filled)
    display.SetOpacity2DFill(0.3)


def show_in_3d(segmentation: Any, *, visible: bool) -> None:
    """The regions as surfaces, made when first asked for, in a 3D view beside the slices, seen from the front."""
    layout = slicer.mrmlScene.GetSingletonNode("vtkMRMLLayoutNode", "vtkMRMLLayoutNode")
    with_3d = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    if visible:
        segmentation.CreateClosedSurfaceRepresentation()
        layout.SetViewArrangement(with_3d)
        _look_from_the_front(segmentation)
    elif layout.GetViewArrangement() == with_3d:
        layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    segmentation.GetDisplayNode().SetVisibility3D(visible)


def _look_from_the_front(segmentation: Any) -> None:
    camera = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCameraNode")
    if camera is None:  # No 3D view was ever shown.
        return
    identities = segmentation.GetSegmentation().GetSegmentIDs()
    surfaces = [segmentation.GetClosedSurfaceInternalRepresentation(identity) for identity in identities]
    bounds = np.array([surface.GetBounds() for surface in surfaces if surface.GetNumberOfPoints()])
    if not bounds.size:
        return
    middle = (bounds[:, ::2].min(axis=0) + bounds[:, 1::2].max(axis=0)) / 2
    camera.SetFocalPoint(*middle)
    camera.SetPosition(middle[0], middle[1] + CAMERA_MM, middle[2])
    camera.SetViewUp(0.0, 0.0, 1.0)
    camera.ResetClippingRange()


class MirrorView:
    """Keeps the mirror view on the mirror image of what the main view shows, so that a region and its counterpart on
    the other side stand at the same place of both views.

    Args:
        reflection: RAS+ mm to RAS+ mm of the mirror image.
    """

    def __init__(self, reflection: Affine) -> None:
        self._reflection = reflection
        self._main, self._mirror = slice_node(MAIN_VIEW), slice_node(MIRROR_VIEW)
        self._observer = self._main.AddObserver(vtk.vtkCommand.ModifiedEvent, self._follow)
        self._follow()

    def stop(self) -> None:
        """Leave the mirror view as an ordinary axial view."""
        self._main.RemoveObserver(self._observer)
        self._mirror.SetOrientation("Axial")

    def _follow(self, *_: object) -> None:
        wasModifying = self._mirror.StartModify()
        shown = slicer.util.arrayFromVTKMatrix(self._main.GetSliceToRAS())
        self._mirror.GetSliceToRAS().DeepCopy(matrix_of(self._reflection @ shown))
        width, height, depth = self._main.GetFieldOfView()
        columns, rows, _depth = self._main.GetDimensions()
        own_columns, own_rows, _depth = self._mirror.GetDimensions()
        scale = (width / columns) if columns else 0.0
        if scale and own_columns and own_rows:  # Both views may differ in size: equal millimetres a pixel.
            self._mirror.SetFieldOfView(own_columns * scale, own_rows * height / rows, depth)
        self._mirror.SetXYZOrigin(*self._main.GetXYZOrigin())
        self._mirror.UpdateMatrices()
        self._mirror.EndModify(wasModifying)

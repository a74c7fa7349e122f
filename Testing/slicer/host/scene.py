"""A real MRML scene with the logics that modules reach, out of slicer-core."""

from __future__ import annotations

from typing import Any

import vtk
import vtk.util.numpy_support

import slicer

#: Name of a module to the class of its logic.
LOGICS = {
    "Colors": "vtkMRMLColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Tables": "vtkSlicerTablesLogic",
}
SLICE_VIEWS = {"Red": "Axial", "Yellow": "Axial", "Green": "Coronal"}


class RealScene:
    """The scene, the application logic and the modules' logics.

    Attributes:
        scene: vtkMRMLScene, also `slicer.mrmlScene`.
        application_logic: vtkSlicerApplicationLogic with slice logics Red, Yellow and Green.
        logics: of the modules, by name.
    """

    def __init__(self, share: str) -> None:
        self.scene = slicer.vtkMRMLScene()
        slicer.mrmlScene = self.scene
        self._add_singletons()
        self.application_logic = slicer.vtkSlicerApplicationLogic()
        self.application_logic.SetMRMLScene(self.scene)
        self.application_logic.SetSliceLogics(vtk.vtkCollection())
        self.application_logic.SetViewLogics(vtk.vtkCollection())
        self.logics = {name: self._logic(name, class_name, share) for name, class_name in LOGICS.items()}
        self.logics["Colors"].AddDefaultColorNodes()
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        for name, orientation in SLICE_VIEWS.items():
            self._add_slice_logic(name, orientation)

    def _add_singletons(self) -> None:
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        layout = slicer.vtkMRMLLayoutNode()
        layout.SetSingletonTag("vtkMRMLLayoutNode")
        for arrangement in (layout.SlicerLayoutFourUpView, layout.SlicerLayoutSideBySideView):
            layout.AddLayoutDescription(arrangement, "<layout/>")
        self.scene.AddNode(layout)
        for class_name in ("vtkMRMLSelectionNode", "vtkMRMLInteractionNode"):
            node = getattr(slicer, class_name)()
            node.SetSingletonTag("Singleton")
            self.scene.AddNode(node)

    def _logic(self, name: str, class_name: str, share: str) -> Any:
        logic = getattr(slicer, class_name)()
        verbosity = vtk.vtkLogger.GetCurrentVerbosityCutoff()
        if name == "Terminologies":  # It complains of Slicer's own terminologies, which no wheel holds.
            logic.SetModuleShareDirectory(share)
            vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
        logic.SetMRMLScene(self.scene)
        vtk.vtkLogger.SetStderrVerbosity(verbosity)
        logic.SetMRMLApplicationLogic(self.application_logic)
        self.application_logic.SetModuleLogic(name, logic)
        return logic

    def _add_slice_logic(self, name: str, orientation: str) -> None:
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.application_logic)
        logic.SetMRMLScene(self.scene)
        self.application_logic.GetSliceLogics().AddItem(logic)
        node = logic.AddSliceNode(name)
        node.SetOrientation(orientation)
        node.SetDimensions(512, 512, 1)

    def clear(self) -> None:
        """Close the scene as File > Close does; singletons and views stay."""
        self.scene.Clear(0)

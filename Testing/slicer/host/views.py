"""Pictures of slice views and 3D views without a screen (EGL), drawn by Slicer's own displayable managers."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")

import numpy as np
import vtk
import vtk.util.numpy_support
from numpy.typing import NDArray

import slicer

_MANAGERS_2D = ("vtkMRMLSegmentationsDisplayableManager2D", "vtkMRMLOrientationMarkerDisplayableManager")
_MANAGERS_3D = (
    "vtkMRMLCameraDisplayableManager",
    "vtkMRMLViewDisplayableManager",
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
)


@cache
def _load_backends() -> None:
    import vtkmodules.vtkInteractionStyle
    import vtkmodules.vtkRenderingFreeType
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401


class _View:
    def __init__(self, factory: Any, managers: tuple[str, ...], logic: Any, node: Any, size: int) -> None:
        _load_backends()
        self.renderer, self.window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.ShowWindowOff()
        self.window.SetMultiSamples(0)
        self.window.SetSize(size, size)
        self.window.AddRenderer(self.renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()
        self._interactor.SetRenderWindow(self.window)
        self._interactor.Initialize()
        factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        for name in managers:
            if not factory.IsDisplayableManagerRegistered(name):
                factory.RegisterDisplayableManager(name)
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self.group.SetRenderer(self.renderer)
        self.group.Initialize(factory, self.renderer)
        self.logic, self.node = logic, node

    def pixels(self) -> NDArray[np.uint8]:
        """The picture, (row, column, RGB), the first row on top."""
        self.window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self.window)
        grabber.ReadFrontBufferOff()
        grabber.SetInputBufferTypeToRGB()
        grabber.Update()
        image = grabber.GetOutput()
        width, height, _ = image.GetDimensions()
        flat = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        return flat.reshape(height, width, -1)[::-1].copy()

    def save(self, path: Path) -> None:
        """Write the picture as PNG."""
        from PIL import Image

        Image.fromarray(self.pixels()).save(path)


class SliceView(_View):
    """One of the slice views Red, Yellow and Green."""

    def __init__(self, name: str, size: int = 512) -> None:
        node = slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceNode{name}")
        logic = slicer.app.applicationLogic().GetSliceLogic(node)
        super().__init__(
            slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance(), _MANAGERS_2D, logic, node, size
        )
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        node.SetDimensions(size, size, 1)
        logic.ResizeSliceNode(size, size)
        self.group.SetMRMLDisplayableNode(node)
        mapper = vtk.vtkImageMapper()
        mapper.SetColorWindow(255)
        mapper.SetColorLevel(127.5)
        mapper.SetInputConnection(logic.GetImageDataConnection())
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(actor)
        self._mapper = mapper

    def pixels(self) -> NDArray[np.uint8]:
        """The picture, (row, column, RGB), the first row on top."""
        self._mapper.SetInputConnection(self.logic.GetImageDataConnection())
        return super().pixels()


class ThreeDView(_View):
    """A 3D view that looks from the front at everything shown."""

    def __init__(self, name: str = "1", size: int = 512) -> None:
        logic = slicer.vtkMRMLViewLogic()
        logic.SetMRMLApplicationLogic(slicer.app.applicationLogic())
        logic.SetMRMLScene(slicer.mrmlScene)
        slicer.app.applicationLogic().GetViewLogics().AddItem(logic)
        node = logic.AddViewNode(name)
        super().__init__(
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance(), _MANAGERS_3D, logic, node, size
        )
        self.group.SetMRMLDisplayableNode(node)
        node.SetBoxVisible(0)
        node.SetAxisLabelsVisible(0)

    def look_from_the_front(self) -> None:
        """Fit everything into the picture."""
        self.window.Render()
        camera = self.group.GetDisplayableManagerByClassName("vtkMRMLCameraDisplayableManager").GetCameraNode()
        camera.RotateTo(slicer.vtkMRMLCameraNode.Anterior)
        self.renderer.ResetCamera()

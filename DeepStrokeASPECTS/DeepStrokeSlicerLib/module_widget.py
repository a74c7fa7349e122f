"""What the panels of both modules have in common: made from a .ui file, they follow their choices and the scene."""

from __future__ import annotations

from typing import Any

import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

import slicer


class ModuleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """A module's panel as Slicer calls it.

    A subclass makes its logic and its sections in `build`, hands them the choices in `follow`, and lets go of nodes in
    `leave_scene` and `leave_node`.

    Attributes:
        logic: of the module; its `getParameterNode` gives the choices.
        ui: the widgets of the .ui file that is called as the module, by their names.
    """

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: Any = None
        self._parameters: Any = None
        self._gui_tag: int | None = None

    def build(self) -> None:
        """Make the logic and the sections; called once, when `ui` is there."""
        raise NotImplementedError

    def follow(self, parameters: Any) -> None:
        """Hand the sections the choices; None while the scene is closed."""
        raise NotImplementedError

    def refresh(self) -> None:
        """A choice was changed."""
        raise NotImplementedError

    def leave_scene(self) -> None:
        """The scene is about to be closed: its nodes go."""
        raise NotImplementedError

    def leave_node(self, node: Any) -> None:
        """A node is about to go."""
        raise NotImplementedError

    def setup(self) -> None:
        """Make the panel; called once, when the module is opened first."""
        ScriptedLoadableModuleWidget.setup(self)
        top = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(top)
        self.ui = slicer.util.childWidgetVariables(top)
        top.setMRMLScene(slicer.mrmlScene)
        self.build()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._before_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._after_close)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAboutToBeRemovedEvent, self._before_removal)
        self._follow_scene()

    def enter(self) -> None:
        """Called each time the user opens this module."""
        self._follow_scene()

    def exit(self) -> None:
        """Called each time the user opens another module; work under way goes on."""
        if self._parameters is not None and self._gui_tag is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self._gui_tag = None

    def _follow_scene(self) -> None:
        """Follow the choices that the scene holds."""
        if self._gui_tag is None:
            self._set_parameters(self.logic.getParameterNode())

    def _set_parameters(self, parameters: Any) -> None:
        if self._parameters is not None:
            if self._gui_tag is not None:
                self._parameters.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._modified)
        self._parameters, self._gui_tag = parameters, None
        if parameters is not None:
            self._gui_tag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._modified)
        self.follow(parameters)

    def _modified(self, *_args: object) -> None:
        self.refresh()

    def _before_close(self, *_args: object) -> None:
        self.leave_scene()
        self._set_parameters(None)

    def _after_close(self, *_args: object) -> None:
        if self.parent.isEntered:
            self.enter()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _before_removal(self, _caller: object, _event: str, node: Any) -> None:
        self.leave_node(node)

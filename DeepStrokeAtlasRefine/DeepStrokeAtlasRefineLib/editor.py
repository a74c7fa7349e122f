"""Slicer's Segment Editor inside the panel: its own parameter node, masks, and edits of the library with its undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import slicer
from deepstroke.volume import LabelMap
from DeepStrokeAtlasRefineLib import segments
from DeepStrokeAtlasRefineLib.session import Session, overlay_floor
from DeepStrokeSlicerLib.nodes import array_of_image
from DeepStrokeSlicerLib.segmentations import segment_labels

TAG = "DeepStrokeAtlasRefine"
UNDO_STATES = 20


class RegionEditor:
    """Joins the embedded editor with a session.

    Args:
        widget: the qMRMLSegmentEditorWidget.
    """

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._session: Session | None = None
        self._node: Any = None
        widget.setMaximumNumberOfUndoStates(UNDO_STATES)
        widget.segmentationNodeSelectorVisible = False
        widget.sourceVolumeNodeSelectorVisible = False
        widget.addRemoveSegmentButtonsVisible = False
        widget.switchToSegmentationsButtonVisible = False
        widget.specifyGeometryButtonVisible = False
        widget.maskingSectionVisible = False
        widget.autoShowSourceVolumeNode = False
        self._select_node()
        widget.setMRMLScene(slicer.mrmlScene)  # After the node, so that the editor keeps its choices in it.

    def _select_node(self) -> None:
        """The editor's node: of the scene, or a new one."""
        node = slicer.mrmlScene.GetSingletonNode(TAG, "vtkMRMLSegmentEditorNode")
        if node is None:
            node = slicer.vtkMRMLSegmentEditorNode()
            node.SetSingletonTag(TAG)
            node = slicer.mrmlScene.AddNode(node)
        # Visible segments are overwritten, so that regions never overlap, but not the hidden brain.
        node.SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteVisibleSegments)
        self._node = node
        self._widget.setMRMLSegmentEditorNode(node)

    def enter(self) -> None:
        """The panel is opened."""
        self._select_node()
        self._widget.installKeyboardShortcuts()
        self._widget.updateWidgetFromMRML()

    def exit(self) -> None:
        """Another panel is opened: brush and shortcuts end."""
        self._widget.setActiveEffect(None)
        self._widget.uninstallKeyboardShortcuts()
        self._widget.removeViewObservations()

    def show(self, session: Session | None) -> None:
        """Edit another session's regions; None before the scene is closed."""
        self._session = session
        if session is None:
            self._widget.setActiveEffect(None)
            self._widget.setSegmentationNode(None)
            self._widget.setSourceVolumeNode(None)
            self._widget.removeViewObservations()
            return
        self._select_node()
        self._widget.setSegmentationNode(session.regions)
        self._widget.setSourceVolumeNode(session.template)
        self._widget.setCurrentSegmentID(segments.region_ids()[1])

    @property
    def selected(self) -> int | None:
        """The sided label of the selected region."""
        if self._session is None:
            return None
        return segment_labels(self._session.regions).get(self._widget.currentSegmentID())

    def select(self, label: int) -> None:
        """Select a region."""
        self._widget.setCurrentSegmentID(segments.region_ids()[label])

    def mask(self, *, to_brain: bool, overlay_share: float | None) -> None:
        """Say where brush and tools may change anything.

        Args:
            to_brain: inside the brain alone.
            overlay_share: where the overlay reaches this share of its strongest lines; None for anywhere.
        """
        session = self._session
        if session is None:
            return
        modes = slicer.vtkMRMLSegmentationNode
        if to_brain:  # Its voxels anew: a brush erases it wherever someone made it visible.
            segments.write_segment(session.regions, segments.BRAIN, session.brain)
            session.regions.GetDisplayNode().SetSegmentVisibility(segments.BRAIN, False)
            self._node.SetMaskSegmentID(segments.BRAIN)
        self._node.SetMaskMode(modes.EditAllowedInsideSingleSegment if to_brain else modes.EditAllowedEverywhere)
        by_overlay = overlay_share is not None and session.overlay is not None
        self._widget.setSourceVolumeNode(session.overlay if by_overlay else session.template)
        self._node.SetSourceVolumeIntensityMask(by_overlay)
        if by_overlay:
            top = float(array_of_image(session.overlay.GetImageData()).max())
            self._node.SetSourceVolumeIntensityMaskRange(overlay_floor(session, overlay_share), top)

    def allowed(self) -> NDArray[np.bool_]:
        """Where the masks let anything change, as the editor's brush sees it."""
        session, node = self._session, self._node
        assert session is not None
        free = np.ones(session.grid.shape, bool)
        if node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment:
            free &= session.brain.mask
        if node.GetSourceVolumeIntensityMask():
            low, high = node.GetSourceVolumeIntensityMaskRange()
            values = array_of_image(node.GetSourceVolumeNode().GetImageData())
            free &= (values >= low) & (values <= high)
        return free

    def apply(self, edit: Callable[[LabelMap], LabelMap]) -> int:
        """Change the regions by a function of the library, where the masks allow it; the editor's undo takes it back.

        Args:
            edit: the regions, without overlaps, to the regions.

        Returns:
            How many voxels changed; without any, nothing is there to undo.
        """
        from deepstroke.atlas.layers import merge_layers

        session = self._session
        if session is None:
            return 0
        layers = segments.layers_of(session.regions, session.grid)
        drawn = merge_layers(layers).labels
        edited = edit(drawn)
        changed = (edited.data != drawn.data) & self.allowed()
        if not changed.any():
            return 0
        self._widget.saveStateForUndo()
        return segments.write_changes(session.regions, layers, edited, changed)

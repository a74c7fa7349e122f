"""Edits in the annotator's panel: tools, masks, and the figures and checks that follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from refine_use import cell, check, erase

if TYPE_CHECKING:
    from host import Host


def test_the_agreement_follows_an_edit_of_that_region_alone(
    refine_host: Host, panel: Any, load: Callable[[], Any]
) -> None:
    session = load()
    before = [cell(panel.ui.regionTable, row, 1) for row in range(20)]
    panel.edit.editor.mask(to_brain=False, overlay_share=None)
    moved = np.roll(session.parent_labels.data == 9, 3, axis=1)
    panel.edit.editor.apply(lambda labels: labels.with_labels(np.where(moved & ~labels.mask, 9, labels.data)))
    refine_host.wait_until(lambda: not panel.table.busy)
    after = [cell(panel.ui.regionTable, row, 1) for row in range(20)]
    assert float(after[8]) > float(before[8]) + 0.1
    assert [row for row in range(20) if after[row] != before[row]] == [8]
    panel.ui.segmentEditor.undo()
    refine_host.wait_until(lambda: not panel.table.busy)
    assert [cell(panel.ui.regionTable, row, 1) for row in range(20)] == before


def test_checks_are_shown_by_region_and_a_click_jumps_there(
    refine_host: Host, panel: Any, load: Callable[[], Any]
) -> None:
    import slicer

    session = load()
    check(refine_host, panel)
    assert panel.ui.summaryLabel.text.startswith("Nothing keeps this from being published.")
    erase(session, 15)
    data = session.merged().labels.data.copy()
    data[1, 1, 1] = 5
    panel.edit.editor.mask(to_brain=False, overlay_share=None)
    panel.edit.editor.apply(lambda labels: labels.with_labels(data))
    refine_host.wait_until(lambda: not panel.table.busy)
    assert "changed since" in panel.ui.summaryLabel.text
    check(refine_host, panel)
    assert panel.ui.summaryLabel.text.startswith("Not publishable yet.")
    assert cell(panel.ui.regionTable, 14, 4) == "without voxels"
    assert cell(panel.ui.regionTable, 14, 3) == "-100 %"
    assert cell(panel.ui.regionTable, 4, 4) == "in 2 pieces, 1 voxels beside the largest"
    panel.ui.regionTable.cellClicked.emit(4, 0)
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed").GetSliceToRAS()
    shown = [red.GetElement(axis, 3) for axis in range(3)]
    np.testing.assert_allclose(shown, session.grid.ras_of(np.array([1, 1, 1])), atol=1e-6)
    assert panel.edit.editor.selected == 5


def test_tools_are_clicked_and_undone(refine_host: Host, panel: Any, load: Callable[[], Any]) -> None:
    session = load()
    panel.ui.regionTable.cellClicked.emit(4, 0)
    erase(session, 15)
    panel.ui.maskBrainCheckBox.click()
    panel.ui.mirrorButton.click()
    assert "voxels changed" in panel.ui.editLabel.text
    assert np.count_nonzero(session.merged().labels.data == 15) > 0
    panel.ui.segmentEditor.undo()
    assert np.count_nonzero(session.merged().labels.data == 15) == 0
    panel.ui.largestButton.click()
    assert panel.ui.editLabel.text == "Nothing to change."
    for name, scope in (("smooth", 3), ("split", 0), ("fill", 1)):
        panel.ui.scopeComboBox.currentIndex = scope
        panel.ui.levelSpinBox.value = 30.0
        before = session.merged().labels.data
        getattr(panel.ui, f"{name}Button").click()
        changed = np.count_nonzero(session.merged().labels.data != before)
        assert panel.ui.editLabel.text.startswith(str(changed)) == bool(changed), name
    assert refine_host.messages == []


def test_the_masks_follow_their_boxes(panel: Any, load: Callable[[], Any]) -> None:
    import slicer

    session = load()
    node = panel.ui.segmentEditor.mrmlSegmentEditorNode()
    modes = slicer.vtkMRMLSegmentationNode
    assert node.GetMaskMode() == modes.EditAllowedInsideSingleSegment
    assert node.GetMaskSegmentID() == "brain"
    assert not node.GetSourceVolumeIntensityMask()
    panel.ui.maskOverlayCheckBox.click()
    assert node.GetSourceVolumeIntensityMask()
    assert panel.ui.segmentEditor.sourceVolumeNode() is session.overlay
    low = node.GetSourceVolumeIntensityMaskRange()[0]
    panel.ui.overlayShareSpinBox.value = 50.0
    assert node.GetSourceVolumeIntensityMaskRange()[0] == pytest.approx(5 * low)
    panel.ui.maskOverlayCheckBox.click()
    panel.ui.maskBrainCheckBox.click()
    assert node.GetMaskMode() == modes.EditAllowedEverywhere
    assert panel.ui.segmentEditor.sourceVolumeNode() is session.template


def test_numbers_are_kept_in_the_scene_within_their_ranges(panel: Any) -> None:
    kept = panel.logic.getParameterNode()
    assert (kept.overlayShare, kept.smoothing) == (10.0, 1.0)
    assert (panel.ui.overlayShareSpinBox.value, panel.ui.smoothSpinBox.value) == (10.0, 1.0)
    assert (panel.ui.smoothSpinBox.minimum, panel.ui.smoothSpinBox.maximum) == (0.2, 5.0)
    panel.ui.smoothSpinBox.value = 2.4
    assert kept.smoothing == 2.4
    kept.overlayShare = 25.0
    assert panel.ui.overlayShareSpinBox.value == 25.0
    with pytest.raises(ValueError, match="within range"):
        kept.smoothing = 9.0

"""The annotator's panel, clicked from loading to publishing, in the host."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from deepstroke import atlas
from deepstroke.nifti import write_nifti
from deepstroke.resources import sha256_of

if TYPE_CHECKING:
    from host import Host

MODULE = Path(__file__).resolve().parents[3] / "DeepStrokeAtlasRefine"
NAME = "small"
CONTROLS = {"QPushButton", "QCheckBox", "QComboBox", "QDoubleSpinBox", "QLineEdit", "ctkPathLineEdit", "QTableWidget"}


@pytest.fixture
def panel(refine_host: Host) -> Any:
    return refine_host.open("DeepStrokeAtlasRefine")


@pytest.fixture
def load(refine_host: Host, panel: Any, overlay: Path) -> Callable[[], Any]:
    """Click Load and wait for the figures."""

    def clicked() -> Any:
        panel.ui.atlasComboBox.currentIndex = panel.ui.atlasComboBox.findText(NAME)
        panel.ui.overlayPath.currentPath = str(overlay)
        panel.ui.loadButton.click()
        refine_host.wait_until(lambda: panel.session is not None)
        refine_host.wait_until(lambda: not panel.table.busy)
        return panel.session

    return clicked


def erase(session: Any, label: int) -> None:
    """What an annotator's eraser would do."""
    from DeepStrokeAtlasRefineLib.segments import layers_of, write_changes

    labels = session.merged().labels
    left = session.grid.with_labels(np.where(labels.data == label, 0, labels.data))
    write_changes(session.regions, layers_of(session.regions, session.grid), left)


def cell(table: Any, row: int, column: int) -> str:
    return table.item(row, column).text()


def check(host: Host, panel: Any) -> None:
    panel.ui.checkButton.click()
    host.wait_until(lambda: not panel.table.busy)


def test_every_control_is_wired() -> None:
    root = ElementTree.parse(MODULE / "Resources" / "UI" / "DeepStrokeAtlasRefine.ui")  # noqa: S314 - our own file
    sources = "".join(path.read_text() for path in (MODULE / "DeepStrokeAtlasRefineLib").glob("*.py"))
    controls = [widget for widget in root.iter("widget") if widget.get("class") in CONTROLS]
    assert len(controls) > 25
    for widget in controls:
        name = widget.get("name", "")
        bound = widget.find("property[@name='SlicerParameterName']") is not None
        assert bound or re.search(rf"ui\.{name}\b", sources), f"{name} does nothing"
        assert bound or widget.get("class") != "QPushButton" or re.search(rf"ui\.{name}[,.]", sources)
        assert widget.find("property[@name='toolTip']") is not None, f"{name} has no tool tip"


def test_the_editor_has_a_node_of_its_own_before_the_scene(panel: Any) -> None:
    import slicer

    node = panel.ui.segmentEditor.mrmlSegmentEditorNode()
    assert node.GetSingletonTag() == "DeepStrokeAtlasRefine"
    assert slicer.mrmlScene.GetSingletonNode("DeepStrokeAtlasRefine", "vtkMRMLSegmentEditorNode") is node
    assert node.GetOverwriteMode() == node.OverwriteVisibleSegments
    assert not panel.ui.editSection.enabled
    assert not panel.ui.recoverySection.visible


def test_loading_shows_template_lines_regions_and_agreement(panel: Any, load: Callable[[], Any]) -> None:
    import slicer

    session = load()
    composite = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    assert composite.GetBackgroundVolumeID() == session.template.GetID()
    assert composite.GetForegroundVolumeID() == session.overlay.GetID()
    assert panel.ui.segmentEditor.segmentationNode() is session.regions
    table = panel.ui.regionTable
    assert table.rowCount == 20
    assert cell(table, 0, 0) == "Left C"
    for row in range(20):
        assert float(cell(table, row, 1)) < 2.0, "lines lie along the inner edge, so within a voxel of 2 mm"
    panel.ui.overlayCheckBox.click()
    assert composite.GetForegroundVolumeID() is None
    assert not session.regions.GetDisplayNode().GetVisibility2DFill()
    panel.ui.filledCheckBox.click()
    assert session.regions.GetDisplayNode().GetVisibility2DFill()


def test_views_that_stood_aslant_show_the_template_upright(panel: Any, load: Callable[[], Any]) -> None:
    import slicer
    from DeepStrokeSlicerLib.nodes import matrix_of

    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    red.RotateToAxes(matrix_of(np.array([[-1.0, 0, 0, 0], [0, 0.98, -0.2, 0], [0, 0.2, 0.98, 0], [0, 0, 0, 1]])))
    load()
    axes = slicer.util.arrayFromVTKMatrix(red.GetSliceToRAS())[:3, :3]
    np.testing.assert_allclose(axes, np.diag([-1.0, 1.0, 1.0]), atol=1e-9)


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


def test_comparison_with_the_parent_and_with_a_file(
    refine_host: Host, panel: Any, load: Callable[[], Any], tmp_path: Path
) -> None:
    import slicer

    session = load()
    write_nifti(session.parent_labels, tmp_path / "other.nii.gz")
    erase(session, 15)
    panel.ui.otherComboBox.currentIndex = panel.ui.otherComboBox.findText(NAME)
    for path in ("", str(tmp_path / "other.nii.gz")):
        panel.ui.otherPath.currentPath = path
        panel.ui.compareButton.click()
        refine_host.wait_until(lambda: not panel.comparison.busy)
        table = panel.ui.compareTable
        assert (cell(table, 5, 1), cell(table, 5, 2), cell(table, 14, 1)) == ("1.000", "0.00", "0.000")
        assert cell(table, 14, 4) == "0.00"
    composite = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    shown = slicer.mrmlScene.GetNodeByID(composite.GetLabelVolumeID())
    removed = slicer.util.arrayFromVolume(shown).transpose(2, 1, 0)
    np.testing.assert_array_equal(removed == 2, session.parent_labels.data == 15)
    panel.ui.differenceCheckBox.click()
    assert composite.GetLabelVolumeID() is None
    assert len(slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode")) == 1, "the first difference is gone"


def test_a_draft_is_saved_and_opened_again(
    refine_host: Host, panel: Any, load: Callable[[], Any], tmp_path: Path
) -> None:
    session = load()
    panel.ui.saveDraftButton.click()
    assert refine_host.messages.pop() == ("errorDisplay", "Choose a folder for the draft.")
    erase(session, 15)
    drawn = session.merged().labels.data
    assert panel.publication.unsaved
    panel.ui.authorLineEdit.text = "A. Author"
    panel.ui.draftFolder.currentPath = str(tmp_path / "draft")
    panel.ui.saveDraftButton.click()
    assert not panel.publication.unsaved
    panel.ui.authorLineEdit.text = ""
    panel.ui.draftPath.currentPath = str(tmp_path / "draft")
    panel.ui.openDraftButton.click()
    refine_host.wait_until(lambda: panel.session is not None and panel.session is not session)
    np.testing.assert_array_equal(panel.session.merged().labels.data, drawn)
    assert panel.ui.authorLineEdit.text == "A. Author"


def test_work_is_recovered_after_a_crash(refine_host: Host, panel: Any, load: Callable[[], Any], home: Path) -> None:
    from DeepStrokeAtlasRefineLib.autosave import autosave_root

    session = load()
    erase(session, 15)
    drawn = session.merged().labels.data
    panel.publication.copy_now()
    (copy,) = autosave_root().iterdir()
    os.rename(copy, copy.with_name(f"{2**22 + 7}-1"))  # noqa: PTH104 - as if that process had crashed
    panel.loading.refresh()
    assert panel.ui.recoverySection.visible
    assert NAME in panel.ui.recoveryLabel.text
    refine_host.answers.append(True)
    panel.ui.recoverButton.click()
    refine_host.wait_until(lambda: panel.session is not None and panel.session is not session)
    np.testing.assert_array_equal(panel.session.merged().labels.data, drawn)
    assert panel.publication.unsaved, "recovered work is still to be saved"
    assert session.distance is not None
    assert panel.session.distance is not None


def test_closing_the_scene_leaves_unsaved_work_to_be_recovered_or_deleted(
    refine_host: Host, panel: Any, load: Callable[[], Any]
) -> None:
    from DeepStrokeAtlasRefineLib.autosave import autosave_root

    import slicer

    session = load()
    erase(session, 15)
    slicer.mrmlScene.Clear(0)
    refine_host.turn()
    assert panel.session is None
    assert not panel.ui.editSection.enabled
    assert panel.ui.recoverySection.visible
    refine_host.answers.append(True)
    panel.ui.discardButton.click()
    assert not panel.ui.recoverySection.visible
    assert list(autosave_root().iterdir()) == []
    assert load() is not session


def test_removing_a_node_ends_the_session(refine_host: Host, panel: Any, load: Callable[[], Any]) -> None:
    import slicer

    session = load()
    slicer.mrmlScene.RemoveNode(session.regions)
    refine_host.turn()
    assert panel.session is None
    assert panel.ui.regionTable.rowCount == 0


def test_a_version_is_published_and_the_library_takes_it_at_once(
    refine_host: Host, panel: Any, load: Callable[[], Any], home: Path
) -> None:
    session = load()
    panel.ui.publishButton.click()
    kind, text = refine_host.messages.pop()
    assert kind == "errorDisplay"
    for fault in ("the name is 1-64", "the version is numbers", "the author is empty", "the note is empty"):
        assert fault in text
    panel.ui.scopeComboBox.currentIndex = 3
    panel.ui.mirrorButton.click()
    panel.ui.largestButton.click()
    drawn = session.merged().labels.data
    for name, value in (("name", "clinic"), ("version", "1.1.0"), ("author", "A. Author"), ("note", "M1 trimmed")):
        getattr(panel.ui, f"{name}LineEdit").text = value
    panel.ui.publishButton.click()
    assert refine_host.messages == []
    folder = home / "atlases" / "clinic-1.1.0"
    assert str(folder) in panel.ui.publishLabel.text
    loaded = atlas.load("clinic-1.1.0")
    np.testing.assert_array_equal(loaded.labels.data, drawn)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["provenance"]["parent"]["name"] == NAME
    assert (manifest["provenance"]["author"], manifest["provenance"]["note"]) == ("A. Author", "M1 trimmed")
    assert manifest["files"]["labels"]["sha256"] == sha256_of(folder / "labels.nii.gz")
    assert panel.ui.atlasComboBox.findText("clinic-1.1.0") >= 0
    assert not panel.publication.unsaved
    assert not (home / "drafts" / "unfinished").exists() or not list((home / "drafts" / "unfinished").iterdir())


def test_overlapping_regions_are_not_published(refine_host: Host, panel: Any, load: Callable[[], Any]) -> None:
    from DeepStrokeAtlasRefineLib.segments import write_segment

    session = load()
    grown = np.isin(session.parent_labels.data, [5, 6])
    write_segment(session.regions, "left-M1", session.grid.with_labels(grown))
    panel.ui.publishButton.click()
    assert "left M1 and left M2 in" in refine_host.messages.pop()[1]
    check(refine_host, panel)
    assert "left M1 and left M2 overlap in" in cell(panel.ui.regionTable, 5, 4)


def test_faults_of_files_are_told(refine_host: Host, panel: Any, load: Callable[[], Any], tmp_path: Path) -> None:
    panel.ui.atlasComboBox.currentIndex = panel.ui.atlasComboBox.findText(NAME)
    panel.ui.overlayPath.currentPath = str(tmp_path / "absent.nii.gz")
    panel.ui.loadButton.click()
    refine_host.wait_until(lambda: bool(refine_host.messages))
    assert "absent.nii.gz is missing" in refine_host.messages.pop()[1]
    assert panel.ui.loadButton.enabled
    load()
    panel.ui.otherPath.currentPath = str(tmp_path / "absent.nii.gz")
    panel.ui.compareButton.click()
    assert "absent.nii.gz is missing" in refine_host.messages.pop()[1]


def test_missing_packages_are_asked_for_once(refine_host: Host, panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from DeepStrokeAtlasRefineLib import load_panel

    from DeepStrokeSlicerLib.requirements import Missing

    lacking = [Missing("nibabel>=5.2", None)]
    installed: list[object] = []
    monkeypatch.setattr(load_panel, "missing_packages", lambda _: list(lacking))
    monkeypatch.setattr(load_panel, "install", lambda missing: (installed.extend(missing), lacking.clear()))
    panel.loading.refresh()
    assert not panel.ui.loadButton.enabled
    assert "nibabel>=5.2" in panel.ui.loadLabel.text
    refine_host.answers.append(True)
    panel.ui.installButton.click()
    assert "nibabel>=5.2" in refine_host.messages[-1][1]
    assert installed == [Missing("nibabel>=5.2", None)]
    assert panel.ui.loadButton.enabled


def test_closing_the_panel_leaves_no_observer_timer_or_second_node(
    refine_host: Host, panel: Any, load: Callable[[], Any]
) -> None:
    import slicer

    session = load()
    refine_host.close(panel)
    assert panel.Observations == []
    assert not panel.table.busy
    assert panel.table._watch is None
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentEditorNode") == 1
    erase(session, 15)
    refine_host.turn()  # A slot that still followed would touch widgets that are gone.


def test_the_self_test_runs_as_far_as_the_host_goes(
    refine_host: Host, monkeypatch: pytest.MonkeyPatch, small_atlas: Path
) -> None:
    """On the small atlas: the embedded one takes long."""
    from DeepStrokeAtlasRefineLib.logic import DeepStrokeAtlasRefineLogic

    begin = DeepStrokeAtlasRefineLogic.begin
    monkeypatch.setattr(DeepStrokeAtlasRefineLogic, "begin", lambda self, _: begin(self, NAME))
    entry, _ = refine_host.load("DeepStrokeAtlasRefine")
    entry.DeepStrokeAtlasRefineTest().runTest()

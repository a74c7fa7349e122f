"""The annotator's panel from opening to closing: what is wired, loaded, installed and let go."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from refine_use import NAME, cell, erase

if TYPE_CHECKING:
    from host import Host

MODULE = Path(__file__).resolve().parents[3] / "DeepStrokeAtlasRefine"
CONTROLS = {"QPushButton", "QCheckBox", "QComboBox", "QDoubleSpinBox", "QLineEdit", "ctkPathLineEdit", "QTableWidget"}


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


def test_removing_a_node_ends_the_session(refine_host: Host, panel: Any, load: Callable[[], Any]) -> None:
    import slicer

    session = load()
    slicer.mrmlScene.RemoveNode(session.regions)
    refine_host.turn()
    assert panel.session is None
    assert panel.ui.regionTable.rowCount == 0


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
    refine_host.turn()  # A slot that still followed would touch widgets that are gone, which raises here.
    assert not panel.table.busy, "nothing is measured any more"


def test_the_self_test_runs_as_far_as_the_host_goes(
    refine_host: Host, monkeypatch: pytest.MonkeyPatch, small_atlas: Path
) -> None:
    """On the small atlas: the embedded one takes long."""
    from DeepStrokeAtlasRefineLib.logic import DeepStrokeAtlasRefineLogic

    begin, sessions = DeepStrokeAtlasRefineLogic.begin, []

    def begin_small(self: Any, asked: str) -> Any:
        sessions.append((asked, begin(self, NAME)))
        return sessions[-1][1]

    monkeypatch.setattr(DeepStrokeAtlasRefineLogic, "begin", begin_small)
    entry, _ = refine_host.load("DeepStrokeAtlasRefine")
    entry.DeepStrokeAtlasRefineTest().runTest()
    ((asked, session),) = sessions
    assert asked == "deepstroke-mni152"
    left, before = session.merged().labels.data, session.parent_labels.data
    np.testing.assert_array_equal(left, np.where(before == 15, 0, before), "the right M1 is erased, the rest as it was")

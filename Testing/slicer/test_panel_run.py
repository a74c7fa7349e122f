"""A run from the radiologist's panel: its result in the scene, its end, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from panel_use import node, run_folders, segment
from readings import report_content, write_result

if TYPE_CHECKING:
    from host import Host


def test_a_run_ends_with_regions_on_the_scans_own_voxels(host: Host, panel: Any) -> None:
    from readings import SHAPE, TILTED, block_labels

    from deepstroke.preprocess.resampling import Grid, resample
    from DeepStrokeSlicerLib.nodes import volume_from_node
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation

    segment(host, panel)
    assert panel.ui.progressBar.value == 100
    assert "a CPU" in panel.ui.stageLabel.text
    volume, segmentation = node("vtkMRMLScalarVolumeNode"), node("vtkMRMLSegmentationNode")
    found = labels_from_segmentation(segmentation, volume_from_node(volume))
    expected = resample(block_labels(), Grid(SHAPE, TILTED), order=0)
    assert np.mean(found.data != expected.data) < 1e-3
    assert panel.logic.getParameterNode().segmentation is segmentation
    assert (volume.GetDisplayNode().GetWindow(), volume.GetDisplayNode().GetLevel()) == (40.0, 40.0)


def test_cancel_ends_the_child_and_its_files(host: Host, child: Callable[..., None], panel: Any) -> None:
    before = run_folders()
    child("wait")
    panel.ui.segmentButton.click()
    host.wait_until(lambda: panel.ui.progressBar.value == 40)
    pid = panel.segmentation._run.pid
    panel.ui.cancelButton.click()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert run_folders() == before
    assert panel.ui.segmentButton.enabled
    assert not panel.ui.cancelButton.enabled
    assert node("vtkMRMLSegmentationNode") is None
    assert host.messages == []


def test_a_failure_is_shown_with_its_cause(host: Host, child: Callable[..., None], panel: Any) -> None:
    before = run_folders()
    child("fail")
    segment(host, panel)
    assert host.messages == [("errorDisplay", "The scan was not segmented.\n\nno head was found in the scan")]
    assert run_folders() == before
    assert panel.ui.segmentButton.enabled


def test_closing_the_scene_ends_the_run_and_empties_the_panel(
    host: Host, child: Callable[..., None], panel: Any
) -> None:
    import slicer

    before = run_folders()
    segment(host, panel)
    child("wait")
    panel.ui.segmentButton.click()
    slicer.mrmlScene.Clear(0)
    host.turn()
    assert run_folders() == before
    assert panel.ui.regionTable.rowCount == 0
    assert not panel.segmentation.busy
    assert panel.ui.inputSelector.currentNode() is None


def test_only_the_runs_own_folder_is_removed(host: Host, panel: Any, tmp_path: Path) -> None:
    from DeepStrokeASPECTSLib.run import load_result
    from DeepStrokeSlicerLib.timers import run_now

    kept = write_result(tmp_path / "kept" / "result", report_content())
    segment(host, panel)
    shown = panel.result.review.result
    panel.result.show(run_now(load_result(kept, shown.volume, None)))
    panel._drop_result()
    assert not shown.folder.exists()
    assert (kept / "report.json").is_file()


def test_removing_the_volume_takes_the_result_off_the_panel(host: Host, panel: Any) -> None:
    import slicer

    segment(host, panel)
    slicer.mrmlScene.RemoveNode(node("vtkMRMLScalarVolumeNode"))
    host.turn()
    assert panel.ui.regionTable.rowCount == 0
    assert not panel.ui.exportButton.enabled


@pytest.mark.slow
def test_twenty_runs_leave_no_process_folder_or_observer(host: Host, panel: Any) -> None:
    import slicer

    segment(host, panel)
    folders, children = len(run_folders()), len(psutil.Process().children(recursive=True))
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    watched = [red, slicer.mrmlScene, panel.logic.getParameterNode().parameterNode, node("vtkMRMLScalarVolumeNode")]
    observers = [_observers(node) for node in watched]
    for _ in range(20):
        slicer.mrmlScene.RemoveNode(node("vtkMRMLSegmentationNode"))
        segment(host, panel)
        panel.ui.mirrorCheckBox.click()
    panel.ui.mirrorCheckBox.checked = False
    assert len(run_folders()) == folders
    assert len(psutil.Process().children(recursive=True)) == children
    assert [_observers(node) for node in watched] == observers


def _observers(node: Any) -> int:
    """How many observers an object has, as VTK prints them."""
    return str(node).count("Observer (0x")

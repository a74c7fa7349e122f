"""The radiologist's panel, clicked in the host; its child processes are real and copy results made by hand."""

from __future__ import annotations

import csv
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from readings import report_content, tilted_ct, write_result

if TYPE_CHECKING:
    from host import Host

#: Stands for `deepstroke segment INPUT --output OUT`: tells progress and copies a result.
CHILD = """
import shutil, sys, time
from pathlib import Path
folder, mode, *words = sys.argv[1:]
output = Path(words[words.index("--output") + 1])
print("progress 40% registration")
if mode == "wait":
    time.sleep(99)
if mode == "fail":
    sys.exit("error: no head was found in the scan")
assert Path(words[1]).exists()
if mode == "infarct":
    assert words[words.index("--model") + 1] == "finder"
    output.mkdir()
    shutil.copy(Path(folder) / "brain.nii.gz", output / "infarct.nii.gz")
    (output / "infarct.json").write_text('{"infarct_ml": 12.34, "weights": {"name": "finder"}}')
    sys.exit()
shutil.copytree(folder, output)
print("progress 100% done")
"""


@pytest.fixture
def child(host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Says what the test's child processes do: ``copy`` a report's result, find an ``infarct``, ``fail``, ``wait``."""
    from DeepStrokeSlicerLib.jobs import Job

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))  # Other tests' files aren't counted.
    script = tmp_path / "child.py"
    script.write_text(CHILD, encoding="utf-8")

    def use(mode: str = "copy", **changes: Any) -> None:
        folder = write_result(tmp_path / f"result-{len(list(tmp_path.iterdir()))}", report_content(**changes))
        command = [sys.executable, str(script), str(folder), mode]
        monkeypatch.setattr(Job, "_deepstroke", staticmethod(lambda: command))

    use()
    return use


@pytest.fixture
def panel(host: Host, child: Callable[..., None]) -> Any:
    """The open panel with a tilted CT chosen."""
    from DeepStrokeSlicerLib.nodes import node_from_volume

    opened = host.open("DeepStrokeASPECTS")
    node_from_volume(tilted_ct(), "CT")
    host.wait_until(lambda: opened.ui.inputSelector.currentNode() is None or opened.ui.segmentButton.enabled)
    opened.ui.inputSelector.setCurrentNode(_node("vtkMRMLScalarVolumeNode"))
    host.wait_until(lambda: opened.ui.segmentButton.enabled)
    return opened


def _node(class_name: str) -> Any:
    import slicer

    return slicer.mrmlScene.GetFirstNodeByClass(class_name)


def segment(host: Host, panel: Any) -> None:
    panel.ui.segmentButton.click()
    assert panel.ui.cancelButton.enabled
    host.wait_until(lambda: not panel.segmentation.busy)


def run_folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("deepstroke-*")}


def decide(panel: Any, row: int, choice: int) -> None:
    panel.ui.regionTable.cellWidget(row, 5).setCurrentIndex(choice)


def test_every_button_and_box_is_wired(host: Host, panel: Any) -> None:
    import qt
    from PySide6 import QtCore

    signals = {qt.QPushButton: "clicked(bool)", qt.QCheckBox: "toggled(bool)"}
    read_on_click = {"exportDicomCheckBox", "exportNiftiCheckBox", "exportReportCheckBox", "cpuCheckBox"}
    found = {name: widget for name, widget in vars(panel.ui).items() if type(widget) in signals}
    assert len(found) > 15
    loose = {n for n, w in found.items() if not w.receivers(QtCore.SIGNAL(signals[type(w)]))} - read_on_click
    assert loose == set()


@pytest.mark.parametrize("name", ["DeepStrokeASPECTS", "DeepStrokeAtlasRefine"])
def test_nothing_is_connected_to_when_a_module_is_loaded_and_opened(
    host: Host, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path))
    called: list[object] = []
    for way in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, way, lambda _socket, address: called.append(address))
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **_: called.append(arguments))
    sys.path.insert(0, str(Path(__file__).parent / "atlas_refine"))
    import segment_editor

    import slicer

    slicer.qMRMLSegmentEditorWidget = segment_editor.qMRMLSegmentEditorWidget
    host.open(name)
    host.turn()
    assert called == []


def test_choices_are_kept_in_the_scene(host: Host, panel: Any) -> None:
    from DeepStrokeASPECTSLib.parameters import Device, Engine, Method

    assert panel.ui.methodComboBox.currentText == "Automatic"
    panel.ui.methodComboBox.setCurrentIndex(2)
    panel.ui.engineComboBox.setCurrentIndex(2)
    panel.ui.deviceComboBox.setCurrentIndex(1)
    panel.ui.readerLineEdit.text = "AB"
    kept = panel.logic.getParameterNode()
    assert (kept.method, kept.engine, kept.device) == (Method.ATLAS, Engine.ANTS, Device.CPU)
    assert kept.reader == "AB"
    kept.method = Method.UNET
    assert panel.ui.methodComboBox.currentText == "U-Net"


def test_what_is_loaded_from_the_dicom_database_is_chosen_on_the_way_back(host: Host, panel: Any) -> None:
    from DeepStrokeSlicerLib.nodes import node_from_volume

    before = panel.ui.inputSelector.currentNode()
    panel.ui.dicomButton.click()
    assert host.messages.pop() == ("module", "DICOM")
    panel.exit()
    loaded = node_from_volume(tilted_ct(), "from the database")
    panel.enter()
    assert panel.ui.inputSelector.currentNode() is loaded
    host.wait_until(lambda: panel.ui.segmentButton.enabled)
    panel.exit()
    node_from_volume(tilted_ct(), "from elsewhere")
    panel.ui.inputSelector.setCurrentNode(before)
    panel.enter()
    assert panel.ui.inputSelector.currentNode() is not None
    assert panel.ui.inputSelector.currentNode().GetName() != "from elsewhere"


def test_the_check_line_names_the_tilt_and_forbids_what_is_no_ct(host: Host, panel: Any) -> None:
    from DeepStrokeSlicerLib.nodes import node_from_volume

    assert "tilt 12.0°" in panel.ui.checkLabel.text
    mr = node_from_volume(tilted_ct().with_data(np.full((64, 64, 16), 300, np.int16)), "MR")
    panel.ui.inputSelector.setCurrentNode(mr)
    host.wait_until(lambda: "no CT" in panel.ui.checkLabel.text)
    assert not panel.ui.segmentButton.enabled


def test_a_run_ends_with_regions_on_the_scans_own_voxels(host: Host, panel: Any) -> None:
    from readings import SHAPE, TILTED, block_labels

    from deepstroke.preprocess.resampling import Grid, resample
    from DeepStrokeSlicerLib.nodes import volume_from_node
    from DeepStrokeSlicerLib.segmentations import labels_from_segmentation

    segment(host, panel)
    assert panel.ui.progressBar.value == 100
    assert "a CPU" in panel.ui.stageLabel.text
    volume, segmentation = _node("vtkMRMLScalarVolumeNode"), _node("vtkMRMLSegmentationNode")
    found = labels_from_segmentation(segmentation, volume_from_node(volume))
    expected = resample(block_labels(), Grid(SHAPE, TILTED), order=0)
    assert np.mean(found.data != expected.data) < 1e-3
    assert panel.logic.getParameterNode().segmentation is segmentation
    assert (volume.GetDisplayNode().GetWindow(), volume.GetDisplayNode().GetLevel()) == (40.0, 40.0)


def test_the_table_shows_measures_and_the_score(host: Host, child: Callable[..., None], panel: Any) -> None:
    child(left_M2={"involved": True, "probability": 0.9, "mean_hu": 27.0, "confidence": 0.875})
    segment(host, panel)
    table = panel.ui.regionTable
    assert table.rowCount == 20
    assert [table.item(5, column).text() for column in range(5)] == ["Left M2", "2.5", "27.0", "-8.0", "0.88"]
    assert table.cellWidget(5, 5).currentText == "yes (90 %)"
    assert panel.ui.scoreNoteLabel.text == "Method: Atlas (fast)."
    assert "ASPECTS left: 9" in panel.ui.leftScoreLabel.text
    assert "ASPECTS right: 10" in panel.ui.rightScoreLabel.text
    assert "tilted" in panel.ui.warningsLabel.text


def test_the_readers_word_changes_the_score_and_is_kept(host: Host, child: Callable[..., None], panel: Any) -> None:
    child(left_M2={"involved": True})
    panel.ui.readerLineEdit.text = "AB"
    segment(host, panel)
    panel.ui.reasonLineEdit.text = "clearly dark"
    decide(panel, 3, 1)
    assert "left: 8" in panel.ui.leftScoreLabel.text
    decide(panel, 5, 2)
    assert "left: 9" in panel.ui.leftScoreLabel.text
    decide(panel, 3, 0)
    assert "left: 10" in panel.ui.leftScoreLabel.text
    assert "1 decided by the reader" in panel.ui.scoreNoteLabel.text
    lines = [json.loads(line) for line in _node("vtkMRMLTextNode").GetText().splitlines()]
    assert [(line["subject"], line["after"]) for line in lines] == [
        ("left I", "involved"),
        ("left M2", "not-involved"),
        ("left I", "not-involved"),
    ]
    assert {(line["who"], line["why"]) for line in lines} == {("AB", "clearly dark")}


def test_without_a_score_the_reader_can_still_read(host: Host, child: Callable[..., None], panel: Any) -> None:
    unknown = {f"{side}_{name}": {"involved": None} for side in ("left", "right") for name in _NAMES}
    child(**unknown)
    segment(host, panel)
    assert "left: -" in panel.ui.leftScoreLabel.text
    assert "20 regions are not judged" in panel.ui.scoreNoteLabel.text
    for row in range(10):
        decide(panel, row, 1 if row == 6 else 2)
    assert "left: 9" in panel.ui.leftScoreLabel.text
    assert "right: -" in panel.ui.rightScoreLabel.text


_NAMES = ("C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6")


def test_levels_regions_and_window_by_click(host: Host, panel: Any) -> None:
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    result = panel.result.review.result
    red, volume = views.slice_node("Red"), result.volume

    def shown() -> float:
        return red.GetSliceOffset()

    panel.ui.ganglionicButton.click()
    ganglionic = shown()
    panel.ui.supraganglionicButton.click()
    assert shown() > ganglionic + 10
    panel.ui.regionTable.cellClicked.emit(1, 0)
    assert shown() < ganglionic + 10
    volume.GetDisplayNode().SetWindowLevel(1000, 300)
    panel.ui.windowButton.click()
    assert volume.GetDisplayNode().GetWindow() == 40.0


def test_the_difference_of_sides_is_shown_over_the_scan_and_goes_again(host: Host, panel: Any) -> None:
    import slicer

    segment(host, panel)
    box, volume = panel.ui.overlayComboBox, panel.result.review.result.volume
    assert [box.itemText(index) for index in range(box.count)] == ["none", "darker than the other side (HU)"]
    box.setCurrentIndex(1)
    host.wait_until(lambda: not panel.result.overlays.busy)
    composite = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    shown = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID())
    differences = slicer.util.arrayFromVolume(shown)  # (k, j, i), i to the patient's left
    assert differences[8, 32, 46] == pytest.approx(-5.0, abs=0.1)
    assert differences[8, 32, 16] == pytest.approx(5.0, abs=0.1)
    assert shown.GetDisplayNode().GetUpperThreshold() == -2.0
    assert shown.GetTransformNodeID() == volume.GetTransformNodeID()
    box.setCurrentIndex(0)
    assert not slicer.mrmlScene.IsNodePresent(shown)
    box.setCurrentIndex(1)
    slicer.mrmlScene.RemoveNode(volume)
    host.turn()
    assert not panel.result.overlays.busy


def test_the_infarct_is_found_where_a_model_is_there(
    host: Host, panel: Any, child: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "home"))
    segment(host, panel)
    assert not panel.ui.infarctButton.visible
    install_models(tmp_path / "home" / "models")
    segment(host, panel)
    assert panel.ui.infarctButton.visible
    assert panel.ui.infarctComboBox.currentText == "finder"
    child("infarct")
    panel.ui.infarctButton.click()
    assert panel.ui.infarctButton.text == "Cancel"
    host.wait_until(lambda: not panel.result.infarct.busy)
    assert panel.ui.infarctLabel.text.startswith("Infarct: 12.3 ml by finder, a research model")
    assert panel.ui.overlayComboBox.itemText(1) == "infarct"
    panel.ui.overlayComboBox.setCurrentIndex(1)
    composite = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    shown = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID())
    assert shown.GetName() == "CT infarct"
    assert shown.GetDisplayNode().GetLowerThreshold() == 1.0, "what is no infarct isn't drawn"
    panel.ui.exportFolder.currentPath = str(tmp_path / "export")
    panel.ui.exportButton.click()
    assert {"infarct.nii.gz", "infarct.json"} <= {path.name for path in (tmp_path / "export").iterdir()}
    (panel.result.review.result.folder / "infarct" / "infarct.nii.gz").write_bytes(b"")
    panel.ui.overlayComboBox.setCurrentIndex(0)
    panel.ui.overlayComboBox.setCurrentIndex(1)
    assert host.messages.pop()[0] == "errorDisplay"


def test_the_search_for_the_infarct_is_cancelled_and_its_failure_told(
    host: Host, panel: Any, child: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPSTROKE_HOME", str(tmp_path / "home"))
    install_models(tmp_path / "home" / "models")
    segment(host, panel)
    children = len(psutil.Process().children(recursive=True))
    child("wait")
    panel.ui.infarctButton.click()
    host.wait_until(lambda: "registration" in panel.ui.infarctLabel.text)
    panel.ui.infarctButton.click()
    assert len(psutil.Process().children(recursive=True)) == children
    assert (panel.ui.infarctLabel.text, panel.ui.infarctButton.text) == ("cancelled", "Find infarct")
    child("fail")
    panel.ui.infarctButton.click()
    host.wait_until(lambda: not panel.result.infarct.busy)
    assert host.messages.pop() == ("errorDisplay", "The infarct was not looked for.\n\nno head was found in the scan")


def install_models(folder: Path) -> None:
    """Two kinds of weights, and a file that is damaged."""
    folder.mkdir(parents=True)
    for name, text in (("finder", '{"network": {"name": "adn"}}'), ("other", '{"network": {"name": "unet3d"}}')):
        (folder / f"{name}.json").write_text(text)
        (folder / f"{name}.safetensors").write_bytes(b"")
    (folder / "damaged.json").write_text("{")
    (folder / "damaged.safetensors").write_bytes(b"")


def test_the_main_view_lies_in_the_tilted_slices(host: Host, panel: Any) -> None:
    from readings import TILTED

    import slicer
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    shown = slicer.util.arrayFromVTKMatrix(views.slice_node("Red").GetSliceToRAS())
    normal = np.cross(TILTED[:3, 0], TILTED[:3, 1])
    assert abs(shown[:3, 2] @ normal / np.linalg.norm(normal)) == pytest.approx(1.0, abs=1e-6)
    assert shown[0, 0] < 0, "the patient's left is on the right of the picture"


def test_the_head_fills_the_views_and_stays_in_their_middle(host: Host, panel: Any) -> None:
    import slicer
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    middle = panel.result.review.result.mirror.point
    panel.ui.supraganglionicButton.click()
    for view in ("Red", "Yellow"):
        node = views.slice_node(view)
        assert min(node.GetFieldOfView()[:2]) == pytest.approx(views.HEAD_MM)
        to_view = np.linalg.inv(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()))
        np.testing.assert_allclose((to_view @ [*middle, 1.0])[:2], 0.0, atol=1e-6)


def test_the_mirror_view_follows_the_main_view(host: Host, panel: Any) -> None:
    import slicer
    from DeepStrokeASPECTSLib import views

    def matrix(view: str) -> np.ndarray:
        return slicer.util.arrayFromVTKMatrix(views.slice_node(view).GetSliceToRAS()).copy()

    segment(host, panel)
    panel.ui.mirrorCheckBox.click()
    reflection = panel.result.review.result.mirror.reflection()
    np.testing.assert_allclose(matrix("Yellow"), reflection @ matrix("Red"), atol=1e-6)
    panel.ui.supraganglionicButton.click()
    np.testing.assert_allclose(matrix("Yellow"), reflection @ matrix("Red"), atol=1e-6)
    panel.ui.mirrorCheckBox.click()
    panel.ui.ganglionicButton.click()
    handedness = [np.sign(np.linalg.det(matrix(view)[:3, :3])) for view in ("Red", "Yellow")]
    assert handedness[0] == handedness[1], "no mirror image any more"


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
    assert _node("vtkMRMLSegmentationNode") is None
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


def test_left_stays_on_the_right_of_the_picture_once_the_scene_is_closed(host: Host, panel: Any) -> None:
    import slicer
    from DeepStrokeASPECTSLib import views

    segment(host, panel)
    panel.ui.mirrorCheckBox.click()
    slicer.mrmlScene.Clear(0)
    for view in ("Red", "Yellow"):
        axes = slicer.util.arrayFromVTKMatrix(views.slice_node(view).GetSliceToRAS())[:3, :3]
        np.testing.assert_allclose(axes, np.diag([-1.0, 1.0, 1.0]), atol=1e-9)


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
    slicer.mrmlScene.RemoveNode(_node("vtkMRMLScalarVolumeNode"))
    host.turn()
    assert panel.ui.regionTable.rowCount == 0
    assert not panel.ui.exportButton.enabled


@pytest.mark.slow
def test_twenty_runs_leave_no_process_folder_or_observer(host: Host, panel: Any) -> None:
    import slicer

    segment(host, panel)
    folders, children = len(run_folders()), len(psutil.Process().children(recursive=True))
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    watched = [red, slicer.mrmlScene, panel.logic.getParameterNode().parameterNode, _node("vtkMRMLScalarVolumeNode")]
    observers = [_observers(node) for node in watched]
    for _ in range(20):
        slicer.mrmlScene.RemoveNode(_node("vtkMRMLSegmentationNode"))
        segment(host, panel)
        panel.ui.mirrorCheckBox.click()
    panel.ui.mirrorCheckBox.checked = False
    assert len(run_folders()) == folders
    assert len(psutil.Process().children(recursive=True)) == children
    assert [_observers(node) for node in watched] == observers


def _observers(node: Any) -> int:
    """How many observers an object has, as VTK prints them."""
    return str(node).count("Observer (0x")


def test_export_writes_what_is_chosen_and_the_readers_word(
    host: Host, child: Callable[..., None], panel: Any, tmp_path: Path
) -> None:
    child(left_M2={"involved": True})
    segment(host, panel)
    assert not panel.ui.exportButton.enabled
    panel.ui.exportFolder.currentPath = str(tmp_path / "export")
    decide(panel, 3, 1)
    panel.ui.exportDicomCheckBox.checked = False
    panel.ui.exportButton.click()
    written = {path.name for path in (tmp_path / "export").iterdir()}
    expected = {
        "ct.nii.gz",
        "labels.nii.gz",
        "brain.nii.gz",
        "report.html",
        "report.json",
        "aspects-review.json",
        "audit.jsonl",
        "regions.csv",
    }
    assert written == expected
    review = json.loads((tmp_path / "export" / "aspects-review.json").read_text(encoding="utf-8"))
    assert review["aspects"] == {"score": 8, "left": 8, "right": 10}
    with (tmp_path / "export" / "regions.csv").open(encoding="utf-8", newline="") as stream:
        row = next(row for row in csv.DictReader(stream) if (row["side"], row["region"]) == ("left", "I"))
    assert (row["automatic"], row["reader"]) == ("not-involved", "involved")
    assert "8 files" in panel.ui.exportLabel.text


def test_dicom_objects_go_into_the_database(host: Host, panel: Any) -> None:
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SegmentationStorage, generate_uid

    segment(host, panel)
    assert not panel.ui.databaseButton.enabled
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, SegmentationStorage
    meta.MediaStorageSOPInstanceUID = uid = generate_uid()
    found = pydicom.Dataset()
    found.file_meta, found.SOPClassUID, found.SOPInstanceUID = meta, SegmentationStorage, uid
    found.save_as(panel.result.review.result.folder / "labels.seg.dcm", enforce_file_format=True)
    panel.export.refresh()
    panel.ui.databaseButton.click()
    assert Path(host.database.fileForInstance(str(uid))).is_file()
    assert "1 objects" in panel.ui.exportLabel.text


def test_a_batch_runs_and_is_cancelled(host: Host, child: Callable[..., None], panel: Any, tmp_path: Path) -> None:
    (tmp_path / "scans" / "one").mkdir(parents=True)
    (tmp_path / "scans" / "two").mkdir()
    panel.ui.batchButton.click()
    assert host.messages[-1][0] == "errorDisplay"
    panel.ui.batchInput.currentPath, panel.ui.batchOutput.currentPath = str(tmp_path / "scans"), str(tmp_path / "out")
    child("wait")
    panel.ui.batchButton.click()
    host.wait_until(lambda: panel.ui.batchProgressBar.value > 0)
    panel.ui.batchCancelButton.click()
    assert not panel.batch.busy
    child()
    panel.ui.batchButton.click()
    host.wait_until(lambda: not panel.batch.busy)
    with (tmp_path / "out" / "batch.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["state"] for row in csv.DictReader(stream)] == ["done", "done"]


def test_what_is_missing_is_asked_for_before_a_run(host: Host, panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from DeepStrokeASPECTSLib import install_panel
    from DeepStrokeSlicerLib.requirements import Missing

    monkeypatch.setattr(install_panel, "missing_packages", lambda _: [Missing("torch>=2.4", None)])
    host.answers.append(False)
    panel.ui.segmentButton.click()
    _kind, text = host.messages[-1]
    assert "torch>=2.4" in text
    assert "MB" in text
    assert "pypi.org" in text
    assert not panel.segmentation.busy


def test_check_installation_shows_the_doctors_words(host: Host, panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from DeepStrokeSlicerLib.jobs import Job

    command = [sys.executable, "-c", "print('missing  torch  pip install torch'); raise SystemExit(1)"]
    monkeypatch.setattr(Job, "_deepstroke", staticmethod(lambda: command))
    panel.ui.checkButton.click()
    host.wait_until(lambda: panel.ui.checkButton.enabled)
    assert "pip install torch" in panel.ui.doctorText.plainText


def test_the_sample_scan_and_terminology_are_registered(host: Host) -> None:
    import slicer

    host.load("DeepStrokeASPECTS")
    (source,) = slicer.modules.sampleDataSources["DeepStroke"][-1:]
    assert Path(source.thumbnailFileName).is_file()
    assert slicer.modules.terminologies.logic().IsTerminologyContextLoaded("DeepStroke ASPECTS regions")
    module = slicer.modules.deepstrokeaspects
    assert module.icon is not None
    assert "Research use only" in module.helpText

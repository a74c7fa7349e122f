"""The radiologist's panel before a run: what is wired, chosen, checked and installed."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from readings import tilted_ct

if TYPE_CHECKING:
    from host import Host


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

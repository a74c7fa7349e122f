"""A result in the radiologist's panel: the table, the reader's word on it, and maps over the scan."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from panel_use import decide, node, segment

from deepstroke.regions import BY_ABBREVIATION

if TYPE_CHECKING:
    from host import Host


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
    lines = [json.loads(line) for line in node("vtkMRMLTextNode").GetText().splitlines()]
    assert [(line["subject"], line["after"]) for line in lines] == [
        ("left I", "involved"),
        ("left M2", "not-involved"),
        ("left I", "not-involved"),
    ]
    assert {(line["who"], line["why"]) for line in lines} == {("AB", "clearly dark")}


def test_without_a_score_the_reader_can_still_read(host: Host, child: Callable[..., None], panel: Any) -> None:
    unknown = {f"{side}_{name}": {"involved": None} for side in ("left", "right") for name in BY_ABBREVIATION}
    child(**unknown)
    segment(host, panel)
    assert "left: -" in panel.ui.leftScoreLabel.text
    assert "20 regions are not judged" in panel.ui.scoreNoteLabel.text
    for row in range(10):
        decide(panel, row, 1 if row == 6 else 2)
    assert "left: 9" in panel.ui.leftScoreLabel.text
    assert "right: -" in panel.ui.rightScoreLabel.text


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

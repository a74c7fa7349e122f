"""A version of the atlas: compared with others, checked and published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from refine_use import NAME, cell, check, erase

from deepstroke import atlas
from deepstroke.nifti import write_nifti
from deepstroke.resources import sha256_of

if TYPE_CHECKING:
    from host import Host


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

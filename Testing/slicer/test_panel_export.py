"""What leaves the radiologist's panel: files, DICOM objects, and a batch of scans."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from panel_use import decide, segment

if TYPE_CHECKING:
    from host import Host


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

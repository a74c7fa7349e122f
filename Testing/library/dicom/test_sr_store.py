"""SEG, SR and Secondary Capture stored to a real Orthanc on loopback, and fetched back unchanged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

import phantoms_orthanc
from deepstroke.dicom.sc import write_secondary_capture
from deepstroke.dicom.seg import Algorithm, write_segmentation
from deepstroke.dicom.sr import Assessment, RegionStatement, ScoreStatement, write_structured_report
from deepstroke.regions import SIDED_REGIONS
from phantoms_slices import ct_series, drawn_labels

ATLAS = Algorithm("atlas", parameters={"engine": "fast"})


def write_outputs(folder: Path) -> list[Path]:
    series, labels = ct_series(), drawn_labels()
    paths = [folder / name for name in ("labels.seg.dcm", "report.sr.dcm", "figure.sc.dcm")]
    write_segmentation(series, labels, paths[0], algorithm=ATLAS)
    regions = tuple(RegionStatement(region, side, 5.0, verdict="absent") for region, side in SIDED_REGIONS)
    scores = (ScoreStatement("left", 10), ScoreStatement("right", 10))
    write_structured_report(series, paths[0], Assessment(regions, scores, ATLAS), paths[1])
    write_secondary_capture(series, np.full((20, 30, 3), 90, np.uint8), paths[2])
    return paths


def test_orthanc_stores_all_three(tmp_path: Path) -> None:
    missing = [name for name in ("Orthanc", "storescu", "unshare") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} absent (Debian packages orthanc, dcmtk, util-linux)")
    if subprocess.run(["unshare", "-rn", "true"], check=False).returncode != 0:
        pytest.skip("no network namespace can be made here, and Orthanc would listen on every interface")
    paths = write_outputs(tmp_path)
    # A namespace of its own with loopback alone: Orthanc binds to all interfaces whatever it is told.
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, phantoms_orthanc.__file__, str(tmp_path / "orthanc"), *map(str, paths)],
        capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    stored = json.loads(done.stdout.splitlines()[-1])
    assert {entry["modality"] for entry in stored["instances"]} == {"SEG", "SR", "OT"}
    assert stored["studies"] == 1
    assert stored["series"] == 3
    assert stored["differing"] == []
    assert ExplicitVRLittleEndian in {entry["syntax"] for entry in stored["instances"]}

"""The shipped sample scan is what its manifest says, and the project's code makes it again."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from deepstroke.dicom import read_series
from deepstroke.nifti import read_label_map
from deepstroke.resources import resources_folder, sha256_of
from deepstroke_training.synthesis import make_sample_scan
from deepstroke_training.synthesis.sample_scan import atlas_fingerprint

SAMPLE = resources_folder() / "SampleScan"


def test_every_file_is_the_one_the_manifest_names() -> None:
    manifest = json.loads((SAMPLE / "manifest.json").read_text())
    there = {p.relative_to(SAMPLE).as_posix() for folder in ("series", "truth") for p in (SAMPLE / folder).iterdir()}
    assert set(manifest["sha256"]) == there
    assert all(sha256_of(SAMPLE / name) == digest for name, digest in manifest["sha256"].items())
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 3_000_000


def test_it_was_made_with_the_atlas_that_ships() -> None:
    manifest = json.loads((SAMPLE / "manifest.json").read_text())
    assert manifest["atlas"] == atlas_fingerprint(), (
        "the embedded atlas has changed: run deepstroke-train sample-scan -o Resources/SampleScan"
    )


def test_the_series_is_tilted_and_its_truth_lies_on_the_straightened_grid() -> None:
    first = pydicom.dcmread(min((SAMPLE / "series").iterdir()))
    normal = np.cross(*np.reshape(np.array(first.ImageOrientationPatient, float), (2, 3)))
    assert np.degrees(np.arccos(abs(normal[2]))) == pytest.approx(12.0, abs=0.01)
    volume = read_series(SAMPLE / "series")
    labels, lesions, brain = (read_label_map(SAMPLE / "truth" / f"{n}.nii.gz") for n in ("labels", "lesions", "brain"))
    for truth in (labels, lesions, brain):
        assert volume.same_grid(truth)
    infarct = lesions.data == 1
    assert lesions.ras_of(np.argwhere(infarct))[:, 0].max() < 0
    assert set(np.unique(labels.data[infarct])) >= {4, 6}
    grey_left = np.median(volume.data[(labels.data == 6) & infarct])
    grey_right = np.median(volume.data[labels.data == 16])
    assert grey_left < grey_right - 4


def test_the_validator_finds_no_error_in_any_slice() -> None:
    validator = shutil.which("dciodvfy")
    if validator is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    for path in sorted((SAMPLE / "series").iterdir()):
        said = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False)
        assert "CTImage" in said.stderr
        assert "Error" not in said.stderr


@pytest.mark.slow
def test_the_projects_code_makes_it_again(tmp_path: Path) -> None:
    """Equal but for rounding: another processor may sum in another order."""
    make_sample_scan(tmp_path)
    for shipped in sorted((SAMPLE / "series").iterdir()):
        old, new = pydicom.dcmread(shipped), pydicom.dcmread(tmp_path / "series" / shipped.name)
        difference = np.abs(old.pixel_array.astype(int) - new.pixel_array)
        assert old.SOPInstanceUID == new.SOPInstanceUID
        assert old.ImagePositionPatient == new.ImagePositionPatient
        assert difference.max() <= 2
        assert (difference > 0).mean() < 0.01
    for name in ("labels", "lesions", "brain"):
        old_map, new_map = (read_label_map(folder / "truth" / f"{name}.nii.gz") for folder in (SAMPLE, tmp_path))
        assert (old_map.data != new_map.data).mean() < 1e-4

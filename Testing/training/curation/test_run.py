"""Whole runs: what a medium becomes, that nothing in it tells who patients are, that broken runs end alike."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from deepstroke.errors import ConfigError, InputError
from deepstroke.nifti import read_label_map, read_volume
from deepstroke_training.curation import CurationSettings, curate_media
from deepstroke_training.curation.storage import VOLUME_FOLDERS
from phantoms_media import PATIENT_ID, PATIENT_NAME

Digests = Callable[[Path], dict[str, str]]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_series_is_indexed_with_the_reason_it_is_in_or_out(curated) -> None:
    index = rows(curated.dataset / "index.csv")
    found = sorted((row["number"], row["usable"], row["reasons"], row["slices"]) for row in index)
    assert found == [
        ("1", "no", "localizer", "1"),
        ("2", "yes", "", "36"),
        ("2", "yes", "", "36"),
        ("3", "no", "coverage contrast" if found[3][2].startswith("coverage") else "contrast coverage", "12"),
    ]
    assert {row["findings"] for row in index if row["number"] == "1"} == {"files-missing"}


def test_files_under_a_wrong_record_go_to_the_series_their_header_names(curated) -> None:
    """Two files of different series were exchanged on the medium: both series are whole all the same."""
    assert {row["slices"] for row in rows(curated.dataset / "cases.csv")} == {"36"}
    assert not any("gap" in row["reasons"] for row in rows(curated.dataset / "index.csv"))


def test_losses_are_listed_with_their_cause(curated) -> None:
    assert sorted(row["code"] for row in rows(curated.dataset / "losses.csv")) == ["dicomdir-missing-file", "not-dicom"]
    named = rows(curated.dataset.with_name("dataset.private") / "losses.csv")
    assert {Path(row["file"]).name for row in named} == {"IM00002", "READ.ME"}


def test_labels_lie_where_the_regions_are(curated) -> None:
    """The heads are the atlas's own brain, moved: the true regions are known; overlays refine the first of them."""
    dice = []
    for case in rows(curated.dataset / "cases.csv"):
        labels = read_label_map(curated.dataset / "raw_segmentation" / f"{case['case']}.nii.gz")
        truth = next(truth for truth in curated.truths if truth.same_grid(labels))
        both = [2 * np.sum((labels.data == n) & (truth.data == n)) / np.sum(labels.data == n) for n in range(1, 21)]
        share = [np.sum(labels.data == n) / (np.sum(labels.data == n) + np.sum(truth.data == n)) for n in range(1, 21)]
        dice.append((bool(case["overlay_points"]), np.mean(np.multiply(both, share))))
    assert dict(dice)[False] > 0.80
    assert dict(dice)[True] > 0.90


def test_all_stages_share_their_grids_and_hold_hounsfield_units(curated) -> None:
    for case in rows(curated.dataset / "cases.csv"):
        volumes = {name: read_volume(curated.dataset / name / f"{case['case']}.nii.gz") for name in VOLUME_FOLDERS[:5]}
        raw, stripped = volumes["raw_volumes"], volumes["stripped_volumes"]
        assert raw.data.dtype == np.int16
        assert raw.same_grid(volumes["raw_segmentation"])
        assert raw.same_grid(stripped)
        inside = stripped.data != 0
        assert np.array_equal(stripped.data[inside], raw.data[inside])
        assert 0.1 < inside.mean() < 0.6
        assert volumes["registered_volumes"].same_grid(volumes["registered_segmentation"])
        assert volumes["registered_volumes"].spacing_mm == pytest.approx((1.0, 1.0, 1.0))


def test_quality_stands_in_the_table_and_in_pictures(curated) -> None:
    cases = rows(curated.dataset / "cases.csv")
    for case in cases:
        assert 0.5 < float(case["ncc"]) <= 1
        assert float(case["jacobian_min"]) > 0
        assert 0 <= float(case["inverse_error_p99_mm"]) < 1
        assert (curated.dataset / "qc" / f"{case['case']}.png").stat().st_size > 10_000
    with_overlay = [case for case in cases if case["overlay_points"]]
    assert len(with_overlay) == 1
    assert float(with_overlay[0]["overlay_final_mm"]) <= float(with_overlay[0]["overlay_first_mm"]) < 3
    assert (curated.dataset / "qc" / "contact_sheet_001.png").exists()
    assert read_volume(curated.dataset / "mean_overlay" / "coverage.nii.gz").data.max() == 1


def test_no_byte_of_the_data_set_tells_who_the_patients_are(curated) -> None:
    import gzip

    import pydicom

    header = pydicom.dcmread(next((curated.medium / "DICOM" / "SE00001").iterdir()))
    secrets = [PATIENT_NAME, PATIENT_ID, *PATIENT_NAME.split("^"), header.StudyInstanceUID, header.SeriesInstanceUID]
    secrets += [
        "scout of",
        header.SOPInstanceUID,
        header.FrameOfReferenceUID,
        str(curated.medium),
        "SE00001",
        "IM00003",
    ]
    for path in (path for path in curated.dataset.rglob("*") if path.is_file()):
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        for secret in secrets:
            assert secret.encode() not in content, f"{path.name} holds {secret}"
            assert secret not in str(path.relative_to(curated.dataset))


def test_running_again_changes_no_byte_and_curates_nothing(
    curated, settings: CurationSettings, digests: Digests
) -> None:
    before = digests(curated.dataset)
    report = curate_media([curated.medium], curated.dataset, settings, workers=1, salt_file=curated.salt)
    assert digests(curated.dataset) == before
    assert report.seconds == {}
    assert report.cases == curated.report.cases == 2


def test_a_run_whose_worker_and_then_itself_is_killed_resumes_to_the_same_bytes(
    curated, digests: Digests, tmp_path: Path
) -> None:
    dataset = tmp_path / "dataset"
    command = [sys.executable, "-m", "deepstroke_training.cli", "curate", str(curated.medium), "-o", str(dataset)]
    command += ["--workers", "1", "--coarse", "--reserve-mb", "0", "--salt-file", str(curated.salt)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        journal = dataset / "journal.jsonl"
        wait_for(lambda: entries(journal, "series") == 4, run)
        workers = [
            child for child in psutil.Process(run.pid).children(recursive=True) if "spawn_main" in cmdline(child)
        ]
        assert workers
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        wait_for(lambda: entries(journal, "case") == 1, run)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    (dataset / "raw_volumes" / ".left-over-by-a-kill.nii.gz").write_bytes(b"half")
    with journal.open("ab") as stream:
        stream.write(b'{"stage": "case", "na')
    assert not (dataset / "cases.csv").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert digests(dataset) == digests(curated.dataset)


def entries(journal: Path, stage: str) -> int:
    if not journal.exists():
        return 0
    return sum(json.loads(line)["stage"] == stage for line in journal.read_text().splitlines() if line.endswith("}"))


def cmdline(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def wait_for(condition: Callable[[], bool], run: subprocess.Popen[bytes], most_s: float = 300.0) -> None:
    end = time.monotonic() + most_s
    while not condition():
        assert run.poll() is None, run.stdout.read().decode() if run.stdout else ""
        assert time.monotonic() < end
        time.sleep(0.05)


def test_only_the_best_series_of_a_study_is_chosen_if_asked(
    curated, settings: CurationSettings, tmp_path: Path
) -> None:
    best = CurationSettings(registration=settings.registration, selection="best-of-study", reserve_mb=0.0)
    report = curate_media([curated.medium], tmp_path / "set", best, workers=1, index_only=True)
    assert report.cases == 0
    index = rows(tmp_path / "set" / "index.csv")
    assert sum(bool(row["case"]) for row in index) == 2
    assert not (tmp_path / "set" / "cases.csv").exists()


def test_a_full_disk_stops_the_run_with_a_clear_error(curated, settings: CurationSettings, tmp_path: Path) -> None:
    greedy = CurationSettings(registration=settings.registration, reserve_mb=1e12)
    with pytest.raises(InputError, match=r"disk is full.*goes on from here"):
        curate_media([curated.medium], tmp_path / "set", greedy, workers=1)
    assert not list((tmp_path / "set").rglob("*.nii.gz"))


def test_another_salt_on_the_same_data_set_is_refused(curated, settings: CurationSettings, tmp_path: Path) -> None:
    other = tmp_path / "salt.txt"
    other.write_text("another salt, long enough")
    with pytest.raises(ConfigError, match="another salt"):
        curate_media([curated.medium], curated.dataset, settings, workers=1, salt_file=other)


def test_two_runs_on_one_data_set_are_refused(curated, settings: CurationSettings) -> None:
    from deepstroke_training.curation.file_index import FileIndex

    index = FileIndex(curated.dataset.with_name("dataset.private") / "files.sqlite")
    try:
        with pytest.raises(ConfigError, match="another run is working"):
            curate_media([curated.medium], curated.dataset, settings, workers=1, salt_file=curated.salt)
    finally:
        index.close()


def test_media_must_be_there_and_not_hold_the_data_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        curate_media([tmp_path / "absent"], tmp_path / "set")
    with pytest.raises(InputError, match="write the data set elsewhere"):
        curate_media([tmp_path], tmp_path / "set")
    with pytest.raises(InputError, match="no media"):
        curate_media([], tmp_path / "set")

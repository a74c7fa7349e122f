"""A cohort on disk agrees with itself, repeats, and its media are what their truth says."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pydicom
import pytest

from deepstroke.dicom import inspect, read_scan
from deepstroke.errors import ConfigError, InputError
from deepstroke.nifti import read_label_map, read_volume
from deepstroke_training.synthesis import SyntheticHead, synthesize
from deepstroke_training.synthesis.cohort import members, settings_of
from deepstroke_training.synthesis.media import HospitalMedia
from deepstroke_training.synthesis.variety import HELD_OUT


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cohort")
    synthesize(out, 3, seed=79, dicom=True, overlays=True, matrix=56)
    return out


def test_names_are_hashes_and_a_longer_cohort_begins_alike() -> None:
    assert list(members(5, 1))[:3] == list(members(3, 1))
    assert len({member.name for member in members(50, 1)}) == 50
    assert {member.name for member in members(3, 1)}.isdisjoint(member.name for member in members(3, 2))


def test_the_matrix_changes_pixels_and_not_the_field_of_view() -> None:
    member = next(members(1, 1))
    fine, coarse = settings_of(member).acquisition, settings_of(member, 128).acquisition
    assert coarse.matrix * coarse.pixel_mm == pytest.approx(fine.matrix * fine.pixel_mm)
    assert coarse.tilt_degrees == fine.tilt_degrees


def test_turned_heads_lie_anyhow_and_are_scanned_as_a_whole() -> None:
    turned = [settings_of(member, 128, turn_degrees=40.0).acquisition for member in members(40, 1)]
    poses = np.array([(one.pitch_degrees, one.roll_degrees, one.yaw_degrees) for one in turned])
    assert np.abs(poses).max() <= 40.0
    assert (np.abs(poses).max(axis=0) > 30.0).all()
    assert all(one.tilt_degrees == 0.0 for one in turned)
    assert max(one.bottom_mm for one in turned) <= -85.0
    assert min(one.top_mm for one in turned) >= 98.0
    straight = settings_of(next(members(1, 1)), 128)
    assert settings_of(next(members(1, 1)), 128, turn_degrees=40.0).anatomy == straight.anatomy


def test_heads_turn_only_so_far(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="0 to 45 degrees, found 60"):
        synthesize(tmp_path, 1, turn_degrees=60.0)


def test_members_of_a_held_out_cohort_fit_volumes() -> None:
    settings = [settings_of(member, 64, "held-out") for member in members(20, 1)]
    assert all(HELD_OUT.holds("tilt_degrees", s.acquisition.tilt_degrees) for s in settings)
    assert {s.acquisition.upper_step_mm for s in settings} == {None}


def test_every_case_has_its_files_on_one_straight_grid(cohort: Path) -> None:
    table = rows_of(cohort / "cases.csv")
    assert len(table) == 3
    for row in table:
        volume = read_volume(cohort / "raw_volumes" / f"{row['case']}.nii.gz")
        regions = read_label_map(cohort / "raw_segmentation" / f"{row['case']}.nii.gz")
        brain = read_label_map(cohort / "truth" / "brain" / f"{row['case']}.nii.gz")
        assert volume.is_orthogonal
        assert volume.same_grid(regions)
        assert volume.same_grid(brain)
        assert len(regions.present()) == int(row["regions_scanned"])
        assert brain.volume_ml() == pytest.approx(float(row["brain_ml"]), rel=0.02)
        assert 20 < np.median(volume.data[brain.mask]) < 42
        assert 0 <= int(row["aspects_left"]) <= 10


def test_the_series_of_a_case_is_its_volume(cohort: Path) -> None:
    for row in rows_of(cohort / "cases.csv"):
        files = sorted((cohort / "dicom" / row["case"]).iterdir())
        assert len(files) == int(row["slices"])
        assert pydicom.dcmread(files[0]).PatientID == row["case"]


def test_the_media_hold_what_their_truth_says(cohort: Path) -> None:
    truth = {row["series_uid"]: row for row in rows_of(cohort / "truth" / "media-series.csv")}
    found = inspect(cohort / "media")
    assert {series.uid for series in found.series} == set(truth)
    assert {"brain", "localizer"} <= {row["role"] for row in truth.values()}
    reasons = {"localizer": "localizer", "page": "secondary-capture", "contrast": "contrast", "coronal": "coronal"}
    for series in found.series:
        row = truth[series.uid]
        assert series.slices == int(row["images"])
        if row["role"] in reasons:
            assert reasons[row["role"]] in {reason.code for reason in series.reasons}
    assert pydicom.dcmread(cohort / "media" / "DICOMDIR").FileSetID == "SYNTHETIC"


def test_region_truth_and_media_share_the_patients_coordinates(cohort: Path) -> None:
    truth = {row["series_uid"]: row for row in rows_of(cohort / "truth" / "media-series.csv")}
    brains = [
        s for s in inspect(cohort / "media").series if truth[s.uid]["role"] == "brain" and not truth[s.uid]["fault"]
    ]
    assert brains
    volume = read_scan(brains[0]).volume
    brain = read_label_map(cohort / "truth" / "brain" / f"{truth[brains[0].uid]['case']}.nii.gz")
    centre = brain.ras_of(np.argwhere(brain.mask)).mean(0)
    i, j, k = np.rint(volume.ijk_of(centre)).astype(int)
    assert 0 < np.median(volume.data[i - 2 : i + 3, j - 2 : j + 3, k]) < 60


def test_a_cohort_repeats_to_the_byte(cohort: Path, tmp_path: Path) -> None:
    synthesize(tmp_path, 1, seed=79, matrix=56)
    first = rows_of(tmp_path / "cases.csv")[0]
    assert first == rows_of(cohort / "cases.csv")[0]
    for folder in ("raw_volumes", "raw_segmentation"):
        name = f"{folder}/{first['case']}.nii.gz"
        assert np.array_equal(read_volume(tmp_path / name).data, read_volume(cohort / name).data)


def test_faulty_series_are_broken_as_their_row_says(maker: SyntheticHead, tmp_path: Path) -> None:
    media = HospitalMedia(maker, overlays=False, faulty=1.0)
    for member in members(3, 79):
        media.add(maker.generate(member.seed, settings_of(member, 40)), member.name)
    media.write(tmp_path / "media", tmp_path / "truth.csv")
    faults = {row["series_uid"]: row["fault"] for row in rows_of(tmp_path / "truth.csv") if row["role"] == "brain"}
    assert all(faults.values())
    codes = {"gap": "gap-in-series", "no-rescale": "no-rescale"}
    for series in inspect(tmp_path / "media").series:
        if series.uid in faults:
            assert codes[faults[series.uid]] in {reason.code for reason in series.reasons}


def test_an_empty_cohort_and_media_in_the_way_are_refused(cohort: Path, maker: SyntheticHead, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one case, found 0"):
        synthesize(tmp_path, 0)
    with pytest.raises(InputError, match="holds a DICOMDIR already"):
        HospitalMedia(maker, overlays=False).write(cohort / "media", tmp_path / "truth.csv")

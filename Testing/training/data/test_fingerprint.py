"""Fingerprints: figures known by hand, cases that stand out, and files to read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepstroke.nifti import write_nifti
from deepstroke_training.data.fingerprint import LEAST_HU, Fingerprint, fingerprint, outliers, percentiles
from deepstroke_training.data.fingerprint_report import write_fingerprint
from phantoms_dataset import made_head, write_dataset


@pytest.fixture(scope="module")
def found(dataset: Path) -> Fingerprint:
    return fingerprint(dataset)


def test_counts_grids_and_densities_are_those_of_the_made_heads(found: Fingerprint) -> None:
    assert (found.cases, found.patients, found.patients_with_several, found.to_review) == (6, 5, 1, 1)
    assert list(found.stages) == ["raw", "stripped", "registered"]
    raw = found.stages["raw"]
    assert [spread.median for spread in raw.spacing_mm] == [4.0, 4.0, 7.0]
    assert [spread.most for spread in raw.shape] == [40, 46, 24]
    assert raw.hu_percentiles["50"] == 32
    assert raw.hu_percentiles["0.5"] == 12
    assert raw.hu_percentiles["99.5"] == 55
    assert found.stages["stripped"].hu_percentiles == raw.hu_percentiles


def test_volumes_are_those_of_the_made_regions(found: Fingerprint) -> None:
    volumes = {(one.region, one.side): one for one in found.stages["raw"].volumes}
    assert volumes["M2", "left"].median == pytest.approx(4 / 3 * np.pi * 1.8**3, rel=0.08)
    assert volumes["C", "right"].median == pytest.approx(4 / 3 * np.pi * 1.4**3, rel=0.08)
    assert volumes["M2", "right"].missing == 6
    shares = found.stages["raw"].class_shares
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-5)
    assert shares["M2"] > shares["C"] > shares["L"] == 0


def test_cases_that_stand_out_are_named(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "dataset", {f"c{n}": f"p{n}" for n in range(5)})
    _, labels, _ = made_head()
    write_nifti(labels.with_labels(np.where(labels.data == 6, 0, labels.data)), folder / "raw_segmentation/c3.nii.gz")
    (worst, *_) = fingerprint(folder, ["raw", "stripped"]).stages["raw"].outliers
    assert (worst.case, worst.region, worst.side, worst.volume_ml) == ("c3", "M2", "left", 0.0)
    assert worst.median_ml > 20


def test_outliers_are_far_in_deviations_and_in_share() -> None:
    volumes = np.full((9, 20), 10.0)
    volumes[:, 0] += np.linspace(-0.5, 0.5, 9)
    volumes[4, 2] = 11.5
    volumes[5, 3] = 13.0
    assert [(one.case, one.region) for one in outliers([str(n) for n in range(9)], volumes)] == [("5", "I")]
    assert outliers([], np.zeros((0, 20))) == ()


def test_percentiles_come_from_counts() -> None:
    counts = np.zeros(4096, np.int64)
    counts[30 - LEAST_HU], counts[40 - LEAST_HU] = 90, 10
    assert percentiles(counts)["75"] == 30
    assert percentiles(counts)["95"] == 40
    assert percentiles(np.zeros(4096, np.int64)) == {}


def test_it_is_written_for_programs_and_people(found: Fingerprint, tmp_path: Path) -> None:
    figures, text, picture = write_fingerprint(found, tmp_path / "out")
    content = json.loads(figures.read_text())
    assert content["stages"]["raw"]["hu_percentiles"]["50"] == 32
    assert len(content["stages"]["raw"]["volumes"]) == 20
    page = text.read_text()
    assert page.startswith(
        "# Data set dataset\n\n6 cases of 5 patients, 1 of them with more than one; 1 cases to be looked at."
    )
    assert "| voxel size, mm | 4 | 4 | 7 |" in page
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert picture.stat().st_size > 20_000

"""Routes on whole scans: a synthetic head that the atlas knows, and a block that is no head."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import ConfigError, InputError, WeightsError
from deepstroke.nifti import write_nifti
from deepstroke_training.assessment import Assessment, assess, read_reliability
from deepstroke_training.synthesis import AcquisitionSettings, HeadSettings, SyntheticHead
from phantoms_network import write_weights


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    acquisition = AcquisitionSettings(matrix=128, pixel_mm=1.9, render_mm=1.9, thickness_mm=5.0, step_mm=5.0)
    case = SyntheticHead().generate(3, HeadSettings(acquisition=acquisition))
    for name, volume in (
        ("a-head", case.volume),
        ("b-block", case.volume.with_data(np.full_like(case.volume.data, 40))),
    ):
        write_nifti(volume, folder / "raw_volumes" / f"{name}.nii.gz")
        write_nifti(case.regions, folder / "raw_segmentation" / f"{name}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def assessed(cohort: Path) -> Assessment:
    """By the atlas, and by a network that lays the atlas's regions onto the brain."""
    weights = write_weights(cohort / "weights", "laid", "phantom-atlas")
    return assess(cohort, cohort / "assessed", ["unet", "atlas", "atlas-from-network"], weights)


def test_the_head_is_compared_with_its_truth(assessed: Assessment) -> None:
    evaluation = assessed.routes["atlas"]
    assert evaluation is not None
    assert (evaluation.summary.cases, evaluation.summary.sided) == (1, True)
    dice = evaluation.summary.mean["dice"]
    assert dice is not None
    assert dice.mean > 0.85
    assert sum(region.side_errors for region in evaluation.summary.regions) == 0


def test_what_is_refused_counts_as_a_failure_with_its_cause(assessed: Assessment) -> None:
    assert (assessed.cases, assessed.failures) == (2, {"unet": 1, "atlas": 1, "atlas-from-network": 1})
    with (assessed.folder / "cases.csv").open(newline="") as stream:
        rows = {row["case"]: row for row in csv.DictReader(stream) if row["route"] == "atlas"}
    assert rows["a-head"]["failure"] == ""
    assert rows["b-block"]["failure"].startswith("brain: ")


def test_a_network_is_named_and_its_probabilities_are_counted(assessed: Assessment) -> None:
    content = json.loads((assessed.folder / "assessment.json").read_text())
    assert content["weights"]["name"] == "laid"
    assert content["residual_mm"] == assessed.residual_mm == pytest.approx(0.0, abs=0.01)
    evaluation = assessed.routes["unet"]
    assert evaluation is not None
    dice = evaluation.summary.mean["dice"]
    assert dice is not None
    assert content["dice"]["unet"] == dice.mean
    assert 0.3 < dice.mean < 0.85  # laid on by the brain's extent alone
    assert assessed.reliability is not None
    # It says e^6 : 1 whatever it sees, and is right in less than that.
    assert assessed.reliability.ece_at(1.0) > 0.1
    assert read_reliability(assessed.folder) == assessed.reliability


def test_the_table_names_route_and_regions(assessed: Assessment) -> None:
    header, *lines = assessed.table().splitlines()
    assert header.split()[-10:] == ["C", "L", "IC", "I", "M1", "M2", "M3", "M4", "M5", "M6"]
    assert [line.split()[:3] for line in lines[:3]] == [
        ["unet", "1", "1"],
        ["atlas", "1", "1"],
        ["atlas-from-network", "1", "1"],
    ]


def test_an_unknown_route_is_named(cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="routes are unet, atlas, atlas-from-network; found greedy"):
        assess(cohort, tmp_path, ["greedy"])  # type: ignore[list-item]


def test_a_cohort_without_truth_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="raw_volumes: no such folder"):
        assess(tmp_path, tmp_path / "out", ["atlas"])


def test_missing_weights_are_named(cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no network weights named 'nothing'"):
        assess(cohort, tmp_path, ["unet"], "nothing")

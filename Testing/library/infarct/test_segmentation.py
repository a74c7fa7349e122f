"""A scan to an infarct, by networks whose answer is set by hand: everything is lesion, or nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from deepstroke.cli import main
from deepstroke.errors import WeightsError
from deepstroke.infarct import segment_infarct
from deepstroke.networks import build
from deepstroke.nifti import read_label_map, write_nifti
from phantoms_head import HeadPhantom, head_grid
from phantoms_infarct import decided, written

MAPS = {"x", "a", "p", "q", "x-hat", "x-tilde"}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scan") / "head.nii.gz"
    volume, _ = HeadPhantom().sample(head_grid((2.0, 2.0, 4.0)))
    write_nifti(volume, path)
    return path


def test_where_all_is_lesion_the_infarct_is_the_brain(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status = main(["--quiet", "segment", str(scan), "--model", str(written(decided(9.0), tmp_path)), "-o", str(out)])
    assert status == 0
    infarct, brain = (read_label_map(out / f"{name}.nii.gz") for name in ("infarct", "brain"))
    np.testing.assert_array_equal(infarct.data, brain.data)
    told = json.loads((out / "infarct.json").read_text())
    assert told["infarct_ml"] == pytest.approx(brain.volume_ml())
    assert told["left_ml"] + told["right_ml"] == pytest.approx(told["infarct_ml"])
    assert told["left_ml"] == pytest.approx(told["right_ml"], rel=0.03), "the phantom is symmetrical"
    assert told["weights"]["licence"] == "Apache-2.0"
    assert "research-model" in {each["code"] for each in told["warnings"]}
    assert {path.name.removesuffix(".nii.gz") for path in (out / "maps").iterdir()} == MAPS
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"{brain.volume_ml():.1f} ml" in page
    assert told["weights"]["sha256"] in page


def test_where_nothing_is_there_is_no_infarct(scan: Path, tmp_path: Path) -> None:
    result = segment_infarct(scan, written(decided(-9.0), tmp_path))
    assert result.lesion.volume_ml() == 0
    assert float(result.probability.data.max()) < 1e-3
    assert result.lesion.same_grid(result.ct)


def test_weights_of_another_network_are_refused(scan: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cerebellum_m1, which finds no infarcts; adn is expected"):
        segment_infarct(scan, written(build("cerebellum_m1"), tmp_path, "cerebellum_m1"))


def test_a_refusal_is_recorded_and_no_earlier_result_stays(scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    segment_infarct(scan, written(decided(9.0), tmp_path)).save(out)
    assert main(["--quiet", "segment", str(scan), "--model", str(tmp_path / "absent"), "-o", str(out)]) == 1
    assert [path.name for path in out.rglob("*") if path.is_file()] == ["rejected.json"]
    assert json.loads((out / "rejected.json").read_text())["code"] == "no-weights"

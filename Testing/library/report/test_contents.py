"""``report.json``: the keys that scripts rely on, strict values, a stable order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deepstroke.nifti import write_json
from deepstroke.regions import SIDED_REGIONS
from deepstroke.report.contents import AspectsResult, OutputFile, Report, SeriesFacts, hash_outputs
from deepstroke.volume import LabelMap, Volume

Head = tuple[Volume, LabelMap]
ReportOf = Callable[..., Report]


def written(report: Report, folder: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    write_json(report.as_dict(), folder / "report.json")
    return json.loads((folder / "report.json").read_text(encoding="utf-8"), parse_constant=refuse)


def test_the_keys_that_scripts_rely_on(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    found = written(report_of(*head), tmp_path)
    promised = ("series", "warnings", "method", "versions", "atlas", "weights_sha256", "regions", "aspects")
    assert set(promised) | {"timings_s", "peak_memory_mb"} <= set(found)
    assert found["series"]["uid"] == "1.2.3"
    assert found["series"]["spacing_mm"] == [0.9, 1.2, 5.0]
    assert found["warnings"] == [{"code": "gantry-tilt", "message": "The gantry was tilted by 18.5 degrees."}]
    assert {found["aspects"][name] for name in ("side", "score", "left", "right")} == {None}
    assert found["weights_sha256"] is None
    assert found["timings_s"] == {"read": 0.812, "brain": 1.0}
    assert list(found["timings_s"]) == ["read", "brain"]
    assert list(found["versions"]) == ["deepstroke", "torch"]


def test_regions_come_in_the_order_of_their_labels(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    regions = written(report_of(*head), tmp_path)["regions"]
    assert [(r["region"], r["side"]) for r in regions] == [(r.abbreviation, side) for r, side in SIDED_REGIONS]
    m2 = regions[5]
    assert list(m2) == [
        "region", "side", "volume_ml", "mean_hu", "median_hu", "confidence", "probability", "involved", "assessable",
        "obstacle", "obstacles", "reasons", "excluded", "tissue",
    ]  # fmt: skip
    assert (m2["mean_hu"], m2["median_hu"], m2["assessable"], m2["confidence"]) == (24.0, 24.0, True, None)
    assert regions[15]["median_hu"] == 36.0
    # 18 by 35 by 27 mm, of which whole voxels of 0.9 x 1.2 x 5 mm are counted: 20 x 29 x 6 (z from -10 to 15).
    assert m2["volume_ml"] == pytest.approx(20 * 29 * 6 * 0.0054, rel=0.06)


def test_an_absent_region_is_not_assessable(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    volume, labels = head
    without = labels.with_labels(np.where(labels.data == 13, 0, labels.data))
    region = written(report_of(volume, without), tmp_path)["regions"][12]
    assert (region["region"], region["side"], region["assessable"], region["obstacle"]) == (
        "IC", "right", False, "absent",
    )  # fmt: skip
    assert region["mean_hu"] is None
    assert region["volume_ml"] == 0.0


def test_figures_that_are_not_finite_are_null(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    report = report_of(
        *head,
        registration={"mask_dice": float("nan"), "jacobian_min": np.float32(0.25)},
        peak_memory_mb=float("inf"),
        parameters={"limits": (np.int64(3), float("nan")), "atlas_path": Path("/home/someone/atlas")},
    )
    found = written(report, tmp_path)
    assert found["registration"] == {"mask_dice": None, "jacobian_min": 0.25}
    assert found["peak_memory_mb"] is None
    assert found["parameters"] == {"limits": [3, None], "atlas_path": "atlas"}


def test_the_same_report_gives_the_same_bytes(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    texts = []
    for versions in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}):
        write_json(report_of(*head, versions=versions).as_dict(), tmp_path / "report.json")
        texts.append((tmp_path / "report.json").read_bytes())
    assert texts[0] == texts[1]


def test_a_file_without_dicom_facts(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    report = report_of(
        *head,
        series=SeriesFacts(None, None, None, 24, (1.0, 1.0, 5.0), 0.0),
        atlas=None, registration=None, engine=None, regions=(), aspects=AspectsResult("left", 9, 9, 10),
    )  # fmt: skip
    found = written(report, tmp_path)
    assert found["series"]["uid"] is found["atlas"] is found["registration"] is None
    assert found["regions"] == []
    assert found["aspects"]["score"] == 9


def test_outputs_are_hashed(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    path = tmp_path / "labels.nii.gz"
    path.write_bytes(b"x" * 3_000_000)
    (output,) = hash_outputs([path])
    assert output == OutputFile("labels.nii.gz", 3_000_000, hashlib.sha256(b"x" * 3_000_000).hexdigest())
    found = written(replace(report_of(*head), outputs=(output,)), tmp_path)
    assert found["outputs"] == [{"name": "labels.nii.gz", "size_bytes": 3_000_000, "sha256": output.sha256}]

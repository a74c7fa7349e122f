"""The benchmark's medium is one that pydicom reads as well, and its estimates are what its figures give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deepstroke.regions import SIDED_REGIONS
from deepstroke_training.benchmarks.curation import CurationFigures, IndexFigures, ThroughputFigures, measure_indexing
from deepstroke_training.benchmarks.curation_truth import WAYS, TruthFigures, Verdict


def _truth_figures() -> TruthFigures:
    right = Verdict("bone", "", "a", frozenset({"bone-kernel", "derived"}), False)
    used = Verdict("localizer", "c1", "a", frozenset(), False)
    dices = {way: {"a": value} for way, value in zip(WAYS, (0.9, 0.8, 0.4), strict=True)}
    regions = {way: {f"{side} {r.abbreviation}": 0.5 for r, side in SIDED_REGIONS} for way in WAYS}
    return TruthFigures(1, [right, used], dices, regions, (0.5, 0.4, 1.2), 0.9, 0)


def test_a_verdict_is_right_for_the_right_reason_only() -> None:
    assert Verdict("brain", "c1", "a", frozenset(), True).right
    assert not Verdict("brain", "", "a", frozenset({"localizer"}), True).right
    assert Verdict("page", "", "a", frozenset({"secondary-capture"}), False).right
    assert not Verdict("page", "", "a", frozenset({"localizer"}), False).right
    assert not Verdict("gap", "c2", "a", frozenset(), False).right


def test_truth_figures_name_wrong_verdicts() -> None:
    figures = _truth_figures()
    assert figures.as_dict()["wrong_verdicts"] == ["a: localizer []"]
    assert "mean 0.50 mm" in figures.table()


def test_both_ways_find_every_file_of_a_made_dicomdir(tmp_path: Path) -> None:
    ours, peer = measure_indexing(tmp_path / "medium", 1_000)
    assert (ours.files, ours.series) == (peer.files, peer.series) == (1050, 50)
    assert ours.seconds > 0
    assert ours.peak_mb > 10


def test_estimates_scale_with_cores_and_efficiency() -> None:
    throughput = ThroughputFigures(4, False, {1: 100.0, 2: 50.0}, {1: 0.1, 2: 0.2})
    index = (IndexFigures("a", 10, 1, 1.0, 0.9, 50.0), IndexFigures("b", 10, 1, 9.0, 8.5, 500.0))
    figures = CurationFigures("a machine", index, throughput, {"read": 2.0, "register": 60.0}, 10.0, _truth_figures())
    assert throughput.speedup == 2.0
    assert figures.estimate_hours(1_700, 1) == pytest.approx(1_700 * 72 / 24 / 3600)
    assert figures.estimate_hours(50_000, 20) == pytest.approx(50_000 * 72 / 480 / 3600)
    text = figures.table()
    assert "2.00 times as fast" in text
    assert "85 minutes" in text
    assert json.loads(json.dumps(figures.as_dict()))["speedup"] == 2.0

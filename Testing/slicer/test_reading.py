"""`report.json` read tolerantly, ASPECTS under a reader's word, and the audit trail. No Slicer is needed."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from readings import report_content

from deepstroke.errors import InputError
from deepstroke.regions import BY_ABBREVIATION
from deepstroke.report.judgement import count_score
from deepstroke.report.review import read_review
from DeepStrokeASPECTSLib.audit import entry_of, review_file
from DeepStrokeASPECTSLib.reading import Status, affected_side, aspects, read_report, total


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def label(side: str, name: str) -> int:
    return BY_ABBREVIATION[name].label(side)


def test_measures_and_the_difference_to_the_other_side(path: Path) -> None:
    reading = read_report(write(path, report_content(left_M2={"mean_hu": 27.5})))
    by_label = {region.label: region for region in reading.regions}
    assert len(by_label) == 20
    assert by_label[label("left", "M2")].difference_hu == pytest.approx(-7.5)
    assert by_label[label("right", "M2")].difference_hu == pytest.approx(7.5)
    assert by_label[label("left", "C")].volume_ml == 2.5
    assert (reading.method, reading.device, reading.series_uid) == ("atlas (fast)", "a CPU", "1.2.3")


def test_a_stated_difference_is_taken(path: Path) -> None:
    reading = read_report(write(path, report_content(left_I={"tissue": {"difference_hu": -3.25}})))
    assert reading.regions[3].difference_hu == -3.25


def test_a_report_without_measures_or_score_leaves_everything_open(path: Path) -> None:
    reading = read_report(write(path, {"regions": []}))
    assert all(region.status == "not-scored" and region.volume_ml is None for region in reading.regions)
    assert {str(score) for score in aspects(reading, {}).values()} == {"-"}
    assert aspects(reading, {})["left"].unjudged == 10


def test_no_report_is_named(path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.json is no report"):
        read_report(path)
    with pytest.raises(InputError, match="no report"):
        read_report(write(path, {"regions": [{}]}))


def test_aspects_is_ten_less_the_involved(path: Path) -> None:
    content = report_content(left_M2={"involved": True}, left_I={"involved": True}, right_C={"involved": True})
    scores = aspects(read_report(write(path, content)), {})
    assert (scores["left"].score, scores["right"].score) == (8, 9)


def test_the_reader_overrules_the_score_both_ways(path: Path) -> None:
    reading = read_report(write(path, report_content(left_M2={"involved": True})))
    said = {label("left", "M2"): "not-involved", label("left", "M3"): "involved", label("left", "M4"): "involved"}
    assert aspects(reading, said)["left"].score == 8
    assert aspects(reading, said)["right"].score == 10


def test_what_can_not_be_judged_gives_a_range(path: Path) -> None:
    reading = read_report(write(path, report_content(left_M2={"involved": True}, left_M3={"assessable": False})))
    assert str(aspects(reading, {})["left"]) == "8-9"


def test_a_withheld_total_stays_withheld(path: Path) -> None:
    content = report_content()
    content["aspects"]["withheld"] = "a large haemorrhage"
    reading = read_report(write(path, content))
    assert str(aspects(reading, {1: "involved"})["left"]) == "-"
    assert reading.withheld == "a large haemorrhage"


def test_a_side_is_counted_as_the_library_counts(path: Path) -> None:
    reading = read_report(write(path, report_content()))
    choices: tuple[Status, ...] = ("involved", "not-involved", "not-assessable", "not-scored")
    for given in product(choices, repeat=3):
        said = dict(zip((1, 2, 3), given, strict=True))
        expected = count_score([*given, *["not-involved"] * 7])
        found = aspects(reading, said)["left"]
        assert (found.score, found.lowest) == (expected.score, expected.lowest)


def test_the_trail_says_who_what_when_and_why(path: Path) -> None:
    reading = read_report(write(path, report_content(left_M2={"involved": True})))
    region = next(r for r in reading.regions if r.label == label("left", "M2"))
    entry = entry_of(reading, region, {}, {region.label: "not-involved"}, "AB", "old infarct")
    line = json.loads(entry.line())
    assert (line["who"], line["subject"], line["why"]) == ("AB", "left M2", "old infarct")
    assert (line["before"], line["after"]) == ("involved", "not-involved")
    assert (line["score_before"], line["score_after"]) == (9, 10)
    assert line["when"].startswith("20")
    assert "+" in line["when"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_library_reads_the_review(path: Path, tmp_path: Path, side: str) -> None:
    content = report_content(**{f"{side}_M2": {"involved": True}})
    content["aspects"]["side"] = side
    reading = read_report(write(path, content))
    trail, said = [], {}
    for name, status in (("M3", "involved"), ("C", "not-assessable"), ("M2", "not-involved"), ("M3", "not-involved")):
        region = next(r for r in reading.regions if r.label == label(side, name))
        after = {**said, region.label: status}
        trail.append(entry_of(reading, region, said, after, "", ""))
        said = after
    saved = tmp_path / "aspects-review.json"
    saved.write_text(json.dumps(review_file(reading, said, trail)), encoding="utf-8")
    review = read_review(saved, content)
    assert review.score == total(reading, said)
    assert review.side == affected_side(reading, said)
    assert review.regions[side, "C"] == "not-assessable"
    assert [change.who for change in review.changes] == ["unnamed"] * 4

"""A reader's review in a real browser: change, reason, score, save, load, refuse, print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from deepstroke.report.contents import Report
from deepstroke.report.review import read_review
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Head = tuple[Volume, LabelMap]


def scores(page: Page) -> tuple[str, str, str]:
    """Affected side, right and left."""
    affected, right, left = (page.locator(f"#score-{name}").inner_text() for name in ("affected", "right", "left"))
    return affected, right, left


def change(page: Page, subject: str, value: str, why: str, who: str = "") -> None:
    page.locator(f"select[data-subject='{subject}']").select_option(value)
    if who:
        page.locator("#override-who").fill(who)
    page.locator("#override-why").fill(why)
    page.get_by_role("button", name="Change", exact=True).click()


def test_a_change_needs_a_reader_and_a_reason(
    browser: Browser, open_page: Callable[..., Page], report_file: Path
) -> None:
    page = open_page(browser, report_file)
    assert scores(page) == ("8", "9 to 10", "8")
    change(page, "left M5", "involved", why="")
    assert page.locator("#override").is_visible()
    page.get_by_role("button", name="Cancel").click()
    assert page.locator("select[data-subject='left M5']").input_value() == "not-involved"
    assert scores(page) == ("8", "9 to 10", "8")
    assert page.locator("#save-review").is_disabled()


def test_changes_are_counted_saved_and_loaded(
    browser: Browser, open_page: Callable[..., Page], report_file: Path,
    head: Head, scored_report_of: Callable[..., Report], tmp_path: Path,
) -> None:  # fmt: skip
    page = open_page(browser, report_file)
    change(page, "left M5", "involved", "sulci effaced", who="Dr. <b>Reader</b>")
    assert scores(page) == ("7", "9 to 10", "7")
    change(page, "right C", "not-involved", "tissue looks normal")
    assert scores(page) == ("7", "10", "7")
    assert page.locator("#review-state").inner_text() == "2 reader's changes, 2 not saved."
    with page.expect_download() as download:
        page.locator("#save-review").click()
    saved = tmp_path / "aspects-review.json"
    download.value.save_as(saved)
    assert page.locator("#review-state").inner_text() == "2 reader's changes, saved."

    content = json.loads(saved.read_text(encoding="utf-8"))
    assert [entry["subject"] for entry in content["audit"]] == ["left M5", "right C"]
    assert set(content["audit"][0]) == {"when", "who", "subject", "from", "to", "why"}
    review = read_review(saved, scored_report_of(*head).as_dict())
    assert (review.side, review.score, review.right) == ("left", 7, 10)
    assert review.changes[0].who == "Dr. <b>Reader</b>"

    again = open_page(browser, report_file)
    again.locator("#load-review").set_input_files(saved)
    again.locator("#audit tbody tr").first.wait_for()
    assert scores(again) == ("7", "10", "7")
    assert "Dr. <b>Reader</b>" in again.locator("#audit").inner_text()
    assert again.locator("#audit b").count() == 0
    assert again.locator("select[data-subject='left M5']").input_value() == "involved"


def test_an_altered_review_is_refused_whole(
    browser: Browser, open_page: Callable[..., Page], report_file: Path, tmp_path: Path
) -> None:
    page = open_page(browser, report_file)
    change(page, "left M5", "involved", "sulci effaced", who="R")
    with page.expect_download() as download:
        page.locator("#save-review").click()
    content = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    faulty = {
        "other": {**content, "report": {"id": "0" * 16}},
        "score": {**content, "aspects": {**content["aspects"], "score": 10}},
        "trail": {**content, "audit": [{**content["audit"][0], "from": "involved"}]},
    }
    words = {"other": "belongs to another result", "score": "score of this review", "trail": "Change 1 of this review"}
    fresh = open_page(browser, report_file)
    for name, changed in faulty.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(changed), encoding="utf-8")
        fresh.locator("#load-review").set_input_files(path)
        fresh.get_by_text(words[name]).wait_for()
        assert scores(fresh) == ("8", "9 to 10", "8")


def test_the_affected_side_can_be_named(browser: Browser, open_page: Callable[..., Page], report_file: Path) -> None:
    page = open_page(browser, report_file)
    change(page, "affected side", "right", "symptoms of the left arm", who="R")
    assert scores(page) == ("9 to 10", "9 to 10", "8")
    assert page.locator("#affected-words").inner_text() == "patient's right"


def test_print_shows_static_pictures_judgements_and_changes(
    browser: Browser, open_page: Callable[..., Page], report_file: Path, tmp_path: Path
) -> None:
    page = open_page(browser, report_file)
    change(page, "left M5", "involved", "sulci effaced", who="R")
    page.emulate_media(media="print")
    assert page.locator("#interactive").is_hidden()
    assert page.locator("figure.level").first.is_visible()
    assert page.locator("td[data-status] select").first.is_hidden()
    assert page.locator("td[data-status=involved] .said").first.is_visible()
    assert page.locator("#audit").is_visible()
    page.emulate_media(media="screen")
    page.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")

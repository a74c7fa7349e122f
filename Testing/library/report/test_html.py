"""``report.html``: self-contained, safe against what a series says, readable without and with its script."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from deepstroke.errors import InputError
from deepstroke.findings import Finding
from deepstroke.regions import REGIONS
from deepstroke.report import html
from deepstroke.report.contents import OutputFile, RegionResult, Report, SeriesFacts
from deepstroke.report.html import region_rows, render_html, total_words, write_html
from deepstroke.scoring import AspectsResult, RegionScore, totals_of
from deepstroke.scoring.measures import measure_regions
from deepstroke.volume import LabelMap, Volume
from page_parser import Page

Head = tuple[Volume, LabelMap]
ReportOf = Callable[..., Report]


def test_nothing_is_loaded_from_elsewhere(head: Head, report_of: ReportOf) -> None:
    text = render_html(report_of(*head), *head)
    page = Page(text)
    assert page.open == []
    links = [value for _tag, attributes in page.tags for key, value in attributes.items() if key in ("href", "src")]
    assert links
    assert all(str(link).startswith(("#", "data:image/webp;base64,")) for link in links)
    assert not page.all("link")
    own = "".join(part for part in re.split(r"<script>.*?</script>", text, flags=re.DOTALL))
    assert "@import" not in own
    assert "url(" not in own
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; img-src data:;")


def test_the_policy_allows_just_the_pages_own_script(head: Head, report_of: ReportOf) -> None:
    text = render_html(report_of(*head), *head)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    assert f"script-src {allowed}; base-uri 'none'" in text
    assert "unsafe-eval" not in text.split("<body>")[0]


def test_the_viewer_in_the_page_is_the_one_that_its_notice_names(head: Head, report_of: ReportOf) -> None:
    folder = Path(html.__file__).parent / "template" / "vendor"
    digest = hashlib.sha256((folder / "niivue-0.69.0.umd.js").read_bytes()).hexdigest()
    notice = (folder / "NOTICE.txt").read_text(encoding="utf-8")
    assert f"SHA-256:  {digest}" in notice
    assert "Copyright (c) 2021, Niivue" in Page(render_html(report_of(*head), *head)).text


def test_every_reference_within_the_page_has_its_target(head: Head, report_of: ReportOf) -> None:
    page = Page(render_html(report_of(*head), *head))
    ids = [attributes["id"] for _tag, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {str(use["href"])[1:] for use in page.all("use")}
    assert {"ct-10", "outlines-10", "ct-15", "outlines-15"} <= targets <= set(ids)


def test_text_of_the_series_cannot_become_markup(head: Head, report_of: ReportOf) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    report = report_of(
        *head,
        series=SeriesFacts("1.2.3", 2, evil, 24, (1.0, 1.0, 5.0), 0.0, kernel=evil, manufacturer=evil, why_chosen=evil),
        findings=(Finding("odd-name", evil),),
        parameters={evil: evil},
    )
    page, page_of_a_plain_name = (Page(render_html(one, *head)) for one in (report, report_of(*head)))
    assert len(page.all("script")) == len(page_of_a_plain_name.all("script"))
    assert not page.all("img")
    assert page.text.count("<script>alert(1)</script>") == 7


def test_warnings_stand_before_pictures_and_figures(head: Head, report_of: ReportOf) -> None:
    text = Page(render_html(report_of(*head), *head)).text
    order = ["Research use only", "The gantry was tilted by 18.5", "– affected side", "The two ASPECTS levels"]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    quiet = Page(render_html(report_of(*head, findings=()), *head)).text
    assert "No stage gave a warning." in quiet


def test_the_table_says_what_was_measured(head: Head, report_of: ReportOf) -> None:
    report = report_of(*head)
    rows = region_rows(report)
    assert [row.region for row in rows] == list(REGIONS)
    assert rows[5].difference_hu == 24.0 - 36.0
    assert rows[0].difference_hu == 0.0
    page = Page(render_html(report, *head))
    rows_shown = [row["data-region"] for row in page.all("tr") if "data-region" in row]
    assert rows_shown == 2 * [r.abbreviation for r in REGIONS]  # judgements, then measures
    assert "−12.0" in page.text  # a true minus sign
    assert page.text.index("Patient's right") < page.text.index("Patient's left")


def test_a_region_that_cannot_be_judged_says_why(head: Head, report_of: ReportOf) -> None:
    volume, labels = head
    without = labels.with_labels(np.where(labels.data == 12, 0, labels.data))
    report = report_of(volume, without)
    assert region_rows(report)[1].difference_hu is None
    text = Page(render_html(report, volume, without)).text
    assert text.count("Not assessable: no voxel was labelled") == 1


def test_quality_is_told_in_words(head: Head, report_of: ReportOf) -> None:
    text = Page(render_html(report_of(*head), *head)).text
    assert "Overlap of the two brains (Dice, 1 is best) 0.962" in text
    assert "something_new 4.000" in text


def test_a_report_with_little_in_it(head: Head, report_of: ReportOf) -> None:
    """NIfTI in, nothing measured, one level missing."""
    volume, labels = head
    lower = labels.with_labels(np.where(np.isin(labels.data % 10, [8, 9, 0]), 0, labels.data))
    report = report_of(
        volume, lower,
        series=SeriesFacts(None, None, None, 24, (1.0, 1.0, 5.0), 0.0),
        regions=(), registration=None, atlas=None, engine=None, peak_memory_mb=None,
    )  # fmt: skip
    page = Page(render_html(report, volume, lower))
    assert "without description" in page.text
    assert "This level isn't in the scan." in page.text
    assert not [row for row in page.all("tr") if "data-region" in row]


def test_files_are_listed_and_the_write_is_atomic(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    report = report_of(*head, outputs=(OutputFile("labels.nii.gz", 1_500_000, "ab" * 32),))
    write_html(report, *head, tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert f"labels.nii.gz 1.50 {'ab' * 32}" in text
    assert (tmp_path / "report.html").stat().st_size < 4e6
    volume, labels = head
    with pytest.raises(InputError, match="the label map is empty"):
        write_html(report, volume, labels.with_labels(np.zeros(labels.shape, np.uint8)), tmp_path / "none.html")


def test_the_script_runs_in_a_browser(head: Head, report_of: ReportOf, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    write_html(report_of(*head), *head, tmp_path / "report.html")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    result = subprocess.run(
        [browser, *options, profile, (tmp_path / "report.html").as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    page = Page(result.stdout)
    current = [button["data-slice"] for button in page.all("button") if button.get("aria-current") == "true"]
    assert current == ["10"]  # the ganglionic level is shown first, and marked in the overview
    slider = next(attributes for attributes in page.all("input") if attributes.get("id") == "slider")
    assert slider["aria-valuetext"] == "slice 10"


def test_judgements_are_computed_and_totals_are_theirs(head: Head, scored_report_of: ReportOf) -> None:
    page = Page(render_html(scored_report_of(*head), *head))
    assert "8 affected side: patient's left 9 to 10 patient's right 8 patient's left" in page.text
    assert "Left M2 : median 12.0 HU below the other side" in page.text
    assert "Right C : too little brain tissue is left in it" in page.text
    cells = [cell["data-status"] for cell in page.all("td") if "data-status" in cell]
    assert len(cells) == 20
    assert (cells.count("involved"), cells.count("not-assessable")) == (2, 1)


def test_without_a_score_nothing_passes_for_normal(head: Head, report_of: ReportOf) -> None:
    page = Page(render_html(report_of(*head), *head))
    assert "– affected side: neither side – patient's right – patient's left" in page.text
    assert {cell["data-status"] for cell in page.all("td") if "data-status" in cell} == {"not-scored"}
    assert "No score was computed for this result" in page.text


def test_a_withheld_total_is_not_shown(head: Head, scored_report_of: ReportOf) -> None:
    report = scored_report_of(*head, aspects=AspectsResult("left", withheld=("haemorrhage",)))
    text = Page(render_html(report, *head)).text
    assert "– affected side: patient's left – patient's right – patient's left" in text
    assert "No total is given: haemorrhage." in text


@pytest.mark.parametrize("unjudged", ["left", "right"])
def test_a_side_on_which_nothing_is_judged_leaves_the_total_to_the_other(
    head: Head, scored_report_of: ReportOf, unjudged: str
) -> None:
    regions = tuple(
        RegionResult(
            m, 0.9, RegionScore(m, obstacles=("little-tissue",)) if m.side == unjudged else RegionScore(m, 0.1, False)
        )
        for m in measure_regions(*head)
    )
    total = totals_of([region.score for region in regions if region.score])
    words = total_words(scored_report_of(*head, regions=regions, aspects=total))
    assert total.score == 10
    assert (words.affected, words.words) == ("10", "neither side")
    assert (words.left, words.right) == (("–", "10") if unjudged == "left" else ("10", "–"))

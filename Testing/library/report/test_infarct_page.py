"""The page of an infarct: self-contained, safe against what a series says, true to its figures."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deepstroke.asymmetry_maps import ASYMMETRY_MAPS
from deepstroke.errors import GeometryError
from deepstroke.findings import Finding
from deepstroke.inference.weights import WeightsInput, WeightsManifest, WeightsNetwork, WeightsOutput
from deepstroke.report.contents import SeriesFacts
from deepstroke.report.infarct_page import InfarctPage, render_infarct_page, write_infarct_page
from deepstroke.volume import LabelMap, Volume
from page_parser import Page

#: The infarct is largest in this slice, counted from 1.
LARGEST = 6


@pytest.fixture(scope="module")
def made() -> InfarctPage:
    """A made head of 2 x 2 x 5 mm with an infarct of 3.2 ml on the left and 0.4 ml on the right."""
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    hu = np.full((40, 48, 12), -1000.0, np.float32)
    hu[4:36, 4:44, 1:11] = 900.0
    hu[6:34, 6:42, 1:11] = 36.0
    brain, lesion = np.zeros(hu.shape, np.uint8), np.zeros(hu.shape, np.uint8)
    brain[6:34, 6:42, 1:11] = 1
    lesion[8:16, 20:30, 5] = 1
    lesion[8:16, 20:30, 6:7] = 1
    lesion[28:30, 20:30, 4] = 1
    ct = Volume(hu, affine)
    small = Volume(np.zeros((16, 18, 8), np.float32), np.diag([5.0, 5.0, 7.0, 1.0]))
    head = small.data.copy()
    head[3:13, 3:15, 1:7] = 0.45
    labels = ct.with_labels(lesion)
    return InfarctPage(
        created="2026-01-02T03:04:05+00:00",
        ct=ct,
        brain=ct.with_labels(brain),
        lesion=labels,
        left_ml=3.2,
        right_ml=0.4,
        maps={each.file: small.with_data(head) for each in ASYMMETRY_MAPS},
        lesion_on_maps=LabelMap((head > 0.4).astype(np.uint8), small.ijk_to_ras),
        weights=WeightsManifest(
            name="finder",
            sha256="ab" * 32,
            network=WeightsNetwork("adn", {"base_channels": 8}),
            input=WeightsInput(5.0, (16, 18, 8), (0.0, 80.0), ("stripped",), None, 0.0),
            output=WeightsOutput(("background", "infarct"), None),
            licence="CC-BY-4.0",
        ),
        series=SeriesFacts("1.2.3", 4, "Head <script>alert(1)</script>", 12, (2.0, 2.0, 5.0), 0.0, (5.0, 5.0)),
        findings=(Finding("research-model", "the infarct is that of finder, which no one validated"),),
    )


def test_nothing_is_loaded_from_elsewhere(made: InfarctPage) -> None:
    text = render_infarct_page(made)
    page = Page(text)
    assert page.open == []
    links = [value for _tag, attributes in page.tags for key, value in attributes.items() if key in ("href", "src")]
    assert links
    assert all(str(link).startswith(("#", "data:image/webp;base64,")) for link in links)
    assert not page.all("link")
    assert "url(" not in text
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; img-src data:;")
    known = {str(attributes["id"]) for _tag, attributes in page.tags if "id" in attributes}
    assert {str(link)[1:] for link in links if str(link).startswith("#")} <= known


def test_what_a_series_says_is_only_text(made: InfarctPage) -> None:
    text = render_infarct_page(made)
    assert "<script>alert" not in text
    assert "Head <script>alert(1)</script> no. 4" in Page(text).text


def test_volumes_weights_and_warnings_are_told(made: InfarctPage) -> None:
    words = Page(render_infarct_page(made)).text
    assert "3.6 ml in all Patient's right 0.4 ml Patient's left 3.2 ml" in words
    assert "Research use only. Not a medical device." in words
    assert "which no one validated research-model" in words
    assert f"SHA-256 of the weights {'ab' * 32}" in words
    assert "Licence of the weights CC-BY-4.0" in words
    assert "Weights finder" in words
    assert "patient's left (L) is on the right of the image" in words
    assert "Nothing was found" not in words


def test_every_map_has_its_legend(made: InfarctPage) -> None:
    page = Page(render_infarct_page(made))
    for each in ASYMMETRY_MAPS:
        assert f"{each.symbol} {each.title} {each.words} Values can be {each.limits}; here 0.00 to 0.45" in page.text
    assert page.text.count("0.25 = 20 HU 0.75 = 60 HU") == 3
    assert page.text.count("0.00 = 0 HU 0.20 = 16 HU") == 2
    assert page.text.count("−0.20 = −16 HU 0.20 = 16 HU") == 1


def test_slices_of_the_brain_are_shown_with_outlines_where_the_infarct_is(made: InfarctPage) -> None:
    page = Page(render_infarct_page(made))
    stack = next(attributes for attributes in page.all("div") if attributes.get("data-stack") == "scan")
    assert stack["data-slices"] == "2 3 4 5 6 7 8 9 10 11"
    assert stack["data-first"] == str(LARGEST)
    assert [button["data-slice"] for button in page.all("button")] == ["5", "6", "7"]


def test_without_an_infarct_the_page_says_what_that_means(made: InfarctPage) -> None:
    nothing = made.lesion.with_labels(np.zeros(made.lesion.shape, np.uint8))
    page = Page(render_infarct_page(replace(made, lesion=nothing, left_ml=0.0, right_ml=0.0)))
    assert "0.0 ml in all" in page.text
    assert "Nothing was found. That doesn't say that nothing is there." in page.text
    assert page.all("button") == []


def test_an_infarct_on_another_grid_is_refused(made: InfarctPage) -> None:
    with pytest.raises(GeometryError, match="the infarct lies on another grid"):
        render_infarct_page(replace(made, lesion=made.lesion_on_maps))


def test_a_large_scan_and_fine_maps_stay_below_15_mb(made: InfarctPage) -> None:
    random = np.random.default_rng(0)
    shape, maps_shape = (256, 256, 40), (256, 256, 40)
    fine = Volume(random.random(maps_shape, np.float32), np.diag([0.9, 0.9, 4.0, 1.0]))
    ct = Volume((36 + 8 * random.standard_normal(shape)).astype(np.float32), fine.ijk_to_ras)
    ones = ct.with_labels(np.ones(shape, np.uint8))
    page = replace(made, ct=ct, brain=ones, lesion=ones, lesion_on_maps=ones, maps=dict.fromkeys(made.maps, fine))
    assert len(render_infarct_page(page)) < 15e6, "of noise, which packs worse than any scan"


def test_the_script_runs_in_a_browser(made: InfarctPage, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    write_infarct_page(made, tmp_path / "report.html")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    result = subprocess.run(
        [browser, *options, profile, (tmp_path / "report.html").as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    page = Page(result.stdout)
    current = [button["data-slice"] for button in page.all("button") if button.get("aria-current") == "true"]
    assert current == [str(LARGEST)]
    assert next(slider["aria-valuetext"] for slider in page.all("input") if slider["type"] == "range") == "slice 6"
    assert "Slice 6 of 12" in page.text

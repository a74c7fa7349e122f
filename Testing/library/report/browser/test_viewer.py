"""The viewer in a real browser: slices, sides, regions on click, windows, overlay, the mirrored scan."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Of the made head: RAS mm inside the left M2 (24 HU) and the same place on the right (36 HU), on the slice at 5 mm.
LEFT_M2, RIGHT_M2 = (-50.0, 0.0, 5.0), (50.0, 0.0, 5.0)


def text_of(page: Page, selector: str) -> str:
    return page.locator(selector).inner_text()


def picture(page: Page, selector: str = "#viewer-canvas") -> NDArray[np.uint8]:
    """The pane as it is seen, grey, (rows, columns)."""
    shot = page.locator(f"figure:has({selector})").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("L"))


def place_of(page: Page, ras: tuple[float, float, float]) -> tuple[float, float]:
    """Where a place of the made head lies on the canvas, in a picture with the patient's left on the right."""
    shape = page.evaluate("deepstroke.facts.view.shape")
    spacing = page.evaluate("deepstroke.facts.view.spacing_mm")
    box = page.locator("#viewer-canvas").bounding_box()
    assert box is not None
    scale = min(box["width"] / (shape[0] * spacing[0]), box["height"] / (shape[1] * spacing[1]))
    # The head is centred at 0, 0 and cropped alike on all sides, to within a pixel.
    return box["width"] / 2 - ras[0] * scale, box["height"] / 2 - ras[1] * scale


def click(page: Page, ras: tuple[float, float, float]) -> None:
    x, y = place_of(page, ras)
    page.locator("#viewer-canvas").click(position={"x": x, "y": y})


def mean_around(page: Page, shown: NDArray[np.uint8], ras: tuple[float, float, float]) -> float:
    x, y = place_of(page, ras)
    return float(shown[round(y) - 6 : round(y) + 7, round(x) - 6 : round(x) + 7].mean())


def hide_overlay(page: Page) -> None:
    page.locator("#fill").fill("0")
    page.locator("#viewer-outlines").uncheck()


def test_it_starts_at_the_ganglionic_level_and_scrolls(
    browser: Browser, open_page: Callable[..., Page], report_file: Path
) -> None:
    page = open_page(browser, report_file)
    assert page.locator("html").get_attribute("data-viewer") == "ready"
    assert text_of(page, "#viewer-where") == "Slice 10 of 24, ganglionic level"
    before = picture(page)
    click(page, LEFT_M2)
    page.mouse.wheel(0, -120)
    assert text_of(page, "#viewer-where") == "Slice 11 of 24"
    page.keyboard.press("PageUp")
    assert text_of(page, "#viewer-where") == "Slice 16 of 24"
    assert np.abs(picture(page).astype(int) - before).mean() > 0.5
    page.get_by_role("button", name="Supraganglionic level").first.click()
    assert text_of(page, "#viewer-where").endswith(", supraganglionic level")
    page.locator("#viewer-slider").fill("2")
    assert text_of(page, "#viewer-where") == "Slice 3 of 24"


def test_the_patients_left_is_on_the_right_and_named_so(
    browser: Browser, open_page: Callable[..., Page], report_file: Path
) -> None:
    page = open_page(browser, report_file)
    hide_overlay(page)
    shown = picture(page)
    # The window shows 20 to 60 HU as 0 to 255: the lesion's 24 HU is 26, the other side's 36 HU is 102.
    assert abs(mean_around(page, shown, LEFT_M2) - 26) < 8
    assert abs(mean_around(page, shown, RIGHT_M2) - 102) < 8
    box = page.locator("#viewer-canvas").bounding_box()
    marks = [page.locator(f"figure:has(#viewer-canvas) .{side}").bounding_box() for side in ("r", "l")]
    assert box is not None
    assert marks[0] is not None
    assert marks[1] is not None
    assert marks[0]["x"] < box["x"] + box["width"] / 2 < marks[1]["x"]


def test_a_click_names_the_region_and_compares_it(
    browser: Browser, open_page: Callable[..., Page], report_file: Path
) -> None:
    page = open_page(browser, report_file)
    click(page, LEFT_M2)
    told = text_of(page, "#told")
    assert told.startswith("Left M2")
    assert "24.0 HU here, 36.0 HU at the mirrored place" in told
    assert "involved, probability 0.84" in told
    assert "median 12.0 HU below the other side" in told
    assert page.locator("#judgement tr.pointed").get_attribute("data-region") == "M2"
    click(page, RIGHT_M2)
    assert text_of(page, "#told").startswith("Right M2")
    click(page, (0.0, 60.0, 5.0))
    assert text_of(page, "#told").startswith("No region here")
    page.locator("button[data-show=M5]").click()
    assert "M5" in text_of(page, "#told b")


def test_windows_and_overlay_change_the_picture(
    browser: Browser, open_page: Callable[..., Page], report_file: Path
) -> None:
    page = open_page(browser, report_file)
    hide_overlay(page)
    page.get_by_role("button", name="Brain 80/40").click()
    assert abs(mean_around(page, picture(page), RIGHT_M2) - 36 / 80 * 255) < 8
    page.locator("#width").fill("20")
    page.locator("#width").blur()
    assert abs(mean_around(page, picture(page), RIGHT_M2) - 6 / 20 * 255) < 8  # 30 to 50 HU
    page.locator("#fill").fill("100")
    colour = np.asarray(Image.open(io.BytesIO(page.locator("figure:has(#viewer-canvas)").screenshot())).convert("RGB"))
    x, y = (round(value) for value in place_of(page, RIGHT_M2))
    assert np.abs(colour[y, x].astype(int) - (46, 160, 67)).max() < 12  # the colour of M2


def test_the_mirrored_scan_shows_the_lesion_on_the_other_side(
    browser: Browser, open_page: Callable[..., Page], report_file: Path
) -> None:
    page = open_page(browser, report_file)
    hide_overlay(page)
    page.locator("#mirror").check()
    page.locator("#panes[data-mirror=on]").wait_for()
    page.wait_for_timeout(500)
    mirrored = picture(page, "#mirror-canvas")
    assert abs(mean_around(page, mirrored, LEFT_M2) - 102) < 12
    assert abs(mean_around(page, mirrored, RIGHT_M2) - 26) < 12
    assert abs(mean_around(page, picture(page), LEFT_M2) - 26) < 12


def test_without_webgl_the_static_pictures_stay_and_it_says_so(
    chromium: Callable[..., Browser], open_page: Callable[..., Page], report_file: Path
) -> None:
    plain = chromium("--disable-gpu", "--disable-3d-apis")
    page = open_page(plain, report_file)
    assert page.locator("html").get_attribute("data-viewer") == "static"
    assert text_of(page, "#no-viewer").startswith("This browser offers no WebGL2. The static pictures below are shown")
    assert page.locator("#interactive").is_hidden()
    assert page.locator("#viewer").is_visible()
    page.close()
    plain.close()


def test_a_phone_shows_it_without_scrolling_sideways(
    browser: Browser, open_page: Callable[..., Page], report_file: Path
) -> None:
    page = open_page(browser, report_file, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    box = page.locator("#viewer-canvas").bounding_box()
    assert box is not None
    assert box["width"] > 300
    x, y = place_of(page, LEFT_M2)
    page.locator("#viewer-canvas").scroll_into_view_if_needed()
    page.locator("#viewer-canvas").tap(position={"x": x, "y": y})
    assert text_of(page, "#told").startswith("Left M2")

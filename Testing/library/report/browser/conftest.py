"""A real Chromium that opens real reports, once with WebGL2 and once without."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deepstroke.report.contents import Report
from deepstroke.report.html import write_html
from deepstroke.volume import LabelMap, Volume

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: WebGL2 without a graphics processor.
WEBGL = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
#: Machines that run tests may be busy; nothing here is timed.
PATIENCE_MS = 180_000


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[..., Browser]]:
    """A function that starts Chromium with more arguments; the test skips by name where it or Playwright is absent."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is absent")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("chromium is absent (Debian package chromium)")
    with sync_api.sync_playwright() as playwright:

        def start(*arguments: str) -> Browser:
            return playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", *arguments], timeout=PATIENCE_MS
            )

        yield start


@pytest.fixture(scope="session")
def browser(chromium: Callable[..., Browser]) -> Iterator[Browser]:
    started = chromium(*WEBGL)
    yield started
    started.close()


@pytest.fixture
def report_file(head: tuple[Volume, LabelMap], scored_report_of: Callable[..., Report], tmp_path: Path) -> Path:
    """A page of the made head: left I and M2 involved, the right C not assessable."""
    write_html(scored_report_of(*head), *head, tmp_path / "report.html")
    return tmp_path / "report.html"


@pytest.fixture
def open_page() -> Iterator[Callable[..., Page]]:
    """A function that opens a page offline and waits for its viewer; any error or request of the page is a failure."""
    opened: list[tuple[Page, list[str]]] = []

    def open_in(browser: Browser, path: Path, **options: Any) -> Page:
        page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, "offline": True, **options})
        page.set_default_timeout(PATIENCE_MS)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: _note_request(request.url, path, faults))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-viewer]", state="attached")
        opened.append((page, faults))
        return page

    yield open_in
    for page, faults in opened:
        page.close()
        assert faults == []


def _note_request(url: str, path: Path, faults: list[str]) -> None:
    if url != path.as_uri() and not url.startswith(("data:", "blob:")):
        faults.append(f"asked for {url}")

"""The documentation site, built and opened in a browser. Without its generator, these tests are skipped."""

from __future__ import annotations

import os
import subprocess
import tomllib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import CHROMIUM, launch_chromium
from tests.command_line import ROOT
from tests.integration.reports.test_dashboard_page import TIMEOUT_MS
from website.pages import Pages, address
from website.versions import add

PYTHON = ROOT / ".venv-site" / "bin" / "python"
OPENED = ("index", "tutorial", "why-not-the-api", "reports/revenue_by_week", "dictionary/suppliers/supply", "cli")
REPOSITORY = "https://git.example/f"
DARK = "rgb(19, 20, 22)"

pytestmark = pytest.mark.slow
in_a_browser = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, which is built without a warning and without a link that leads nowhere."""
    if not PYTHON.exists():
        pytest.skip("the generator of the site is not installed: run `make site` first")
    folder = tmp_path_factory.mktemp("site")
    command = (PYTHON, "-m", "website.build", folder / "html", folder / "source")
    variables = {**os.environ, "REPOSITORY_URL": REPOSITORY}
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, env=variables)
    assert ended.returncode == 0, ended.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The installed Chromium."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as driver, launch_chromium(driver) as chromium:
        yield chromium


def test_every_page_is_built(site: Path) -> None:
    """Each page is there as HTML and as Markdown, with the version, and there is an index for the search."""
    for page in map(address, Pages(ROOT).texts):
        assert (site / page).is_file()
        assert (site / page).with_suffix(".html").is_file()
    assert (site / "searchindex.js").stat().st_size > 100_000
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"version {version}" in (site / "index.html").read_text("utf-8")


def test_each_page_links_to_the_repository(site: Path) -> None:
    """The navigation has the repository and its issues, if their address is known."""
    for name in OPENED:
        text = (site / f"{name}.html").read_text("utf-8")
        assert f'<a href="{REPOSITORY}">Repository</a> · <a href="{REPOSITORY}/issues">Issues</a>' in text


@in_a_browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_use_no_network(
    width: int, scheme: Literal["light", "dark"], site: Path, browser: Browser
) -> None:
    """From a folder on a disk, pages fit the width of a phone and a laptop, follow its theme, and use no network."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.set_default_timeout(TIMEOUT_MS)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    for name in OPENED:
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == DARK) == (scheme == "dark"), name
    assert [url for url in requested if not url.startswith(("file:", "data:"))] == []
    page.close()


@in_a_browser
def test_the_search_works_without_a_server(site: Path, browser: Browser) -> None:
    """A search from a folder on a disk finds the page of a setting and that of a report."""
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    for text, title in (("FLORIDAY_PUBLISH_EVERY", "Settings"), ("revenue_by_week", "revenue_by_week")):
        page.goto(f"{(site / 'search.html').as_uri()}?q={text}")
        page.locator("#search-results li a", has_text=title).first.wait_for()
    page.close()


def choose_version(page: Page, version: str) -> None:
    """Choose a version, and wait for its first page."""
    page.get_by_label("version").select_option(version)
    page.wait_for_url(f"**/{version}/index.html")


@in_a_browser
def test_a_reader_chooses_among_versions(site: Path, browser: Browser, tmp_path: Path) -> None:
    """The start leads to the newest version; another one can be chosen, and says that it is older."""
    newest = add(site, "9.10.0", tmp_path)[0]
    add(site, "9.9.0", tmp_path)
    for version in ("9.10.0", "9.9.0"):
        index = tmp_path / version / "index.html"
        text = index.read_text("utf-8")
        index.write_text(text.replace('data-version="', f'data-version="{version}" data-built="'), "utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SilentHandler, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    page = browser.new_page()
    page.set_default_timeout(TIMEOUT_MS)

    page.goto(f"http://127.0.0.1:{server.server_port}/")
    page.wait_for_url(f"**/{newest}/index.html")
    choose_version(page, "9.9.0")
    hint = page.locator(".older")
    hint.wait_for()
    assert hint.inner_text() == "These pages are about version 9.9.0. The newest is version 9.10.0."
    choose_version(page, "9.10.0")
    page.get_by_label("version").wait_for()
    assert page.locator(".older").count() == 0

    page.close()
    server.shutdown()
    server.server_close()


class SilentHandler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

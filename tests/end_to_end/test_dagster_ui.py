"""A user can start and follow syncs on Dagster's pages in a browser."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

from pipelines.sandbox import Sandbox
from pipelines.sandbox.world.calendar import start_of_trade
from tests.chromium import CHROMIUM, launch_chromium
from tests.end_to_end.control_room import WEEKS, ControlRoom, control_room_of, this_week, week
from tests.moments import real_now

PICTURES = "PICTURES"
"""The environment variable with the folder of the screenshots."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium"),
]

WAIT, TWO_MINUTES = 60_000, 120_000
"""Milliseconds to wait for content of a page, and for a backfill, which Dagster polls every 30 seconds."""

MENU = ("Runs", "Catalog", "Automation", "Lineage")  # the entries of Dagster's menu that docs/ name
GROUPS = ("catalog", "fulfillment", "orders", "organizations", "reports", "supply")
FEEDS = "trade_items,batches,sales_orders,delivery_orders,organizations"
"""One feed of each group."""


@dataclass
class Tab:
    """A browser tab.

    Args:
        page: the page of the browser.
        address: the address of Dagster.
        screenshots: the folder of the screenshots.
        hosts: the hosts that the pages called.
        errors: errors of the scripts of the pages.
    """

    page: Page
    address: str
    screenshots: Path
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._add_host)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _add_host(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"}:
            self.hosts.add(parts.netloc)

    def open(self, path: str) -> None:
        """Go to a page of Dagster."""
        self.page.goto(f"{self.address}/{path}")

    def expect_texts(self, *texts: str | re.Pattern[str], within: float = WAIT) -> None:
        """Wait until the page shows each of the texts.

        Args:
            texts: parts of the text of an element.
            within: milliseconds to wait for each text.
        """
        for text in texts:
            expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible(timeout=within)

    def scroll_to(self, text: str) -> None:
        """Scroll to a text."""
        self.page.get_by_text(text).first.scroll_into_view_if_needed()

    def click(self, button: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Click a button."""
        (within or self.page).get_by_role("button", name=button).click()

    def choose(self, entry: str) -> None:
        """Click an entry of a list; the last one, because a graph above it may contain the same text."""
        self.page.get_by_text(entry, exact=True).locator("visible=true").last.click()

    def follow_link(self, link: str) -> None:
        """Click the link with this name."""
        self.page.get_by_role("link", name=link, exact=True).click()

    def screenshot(self, name: str) -> None:
        """Save a screenshot."""
        self.page.screenshot(path=self.screenshots / f"{name}.png")

    @property
    def dialog(self) -> Locator:
        """The open dialog."""
        return self.page.get_by_role("dialog")


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the screenshots."""
    folder = Path(os.environ.get(PICTURES) or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    expect.set_options(timeout=WAIT)
    with (
        sync_playwright() as driver,
        launch_chromium(driver) as browser,
    ):
        yield browser


@contextmanager
def open_tab(browser: Browser, room: ControlRoom, screenshots: Path) -> Iterator[Tab]:
    """Open a tab; at the end, assert that it called no other host and no script failed."""
    host = f"127.0.0.1:{room.dagster.port}"
    with browser.new_page(viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(WAIT)
        tab = Tab(page, f"http://{host}", screenshots)
        yield tab
    assert tab.hosts == {host}
    assert tab.errors == []


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """A small nursery with one feed of each group, each synced once."""
    settings = {"FLORIDAY_FEEDS": FEEDS, "FLORIDAY_HISTORY_START": week(WEEKS - 1)}
    with (
        Sandbox(now=start_of_trade(real_now()), scale=0.1) as sandbox,
        control_room_of(sandbox, tmp_path_factory.mktemp("ui"), **settings) as room,
    ):
        room.load()
        yield room


@pytest.fixture
def tab(browser: Browser, room: ControlRoom, screenshots: Path) -> Iterator[Tab]:
    """A tab of the small nursery's Dagster."""
    with open_tab(browser, room, screenshots) as tab:
        yield tab


def test_the_graph_shows_every_group(tab: Tab) -> None:
    """The graph shows every group of assets."""
    tab.open("asset-groups")

    tab.expect_texts("Materialize all…", *GROUPS)
    tab.screenshot("graph")


def test_a_group_shows_the_state_of_its_feeds(tab: Tab) -> None:
    """Each feed in a group has its weeks, checks and kinds."""
    tab.open("locations/floriday/asset-groups/orders")

    tab.expect_texts("sales_orders", "100% filled", re.compile(r"(\d+) / \1 Passed"), "DuckDB")
    tab.screenshot("group")


def test_the_page_of_a_feed_describes_it(tab: Tab) -> None:
    """The page has the table's description, freshness, columns and the counts of the last sync."""
    tab.open("assets/supply/batches")

    tab.expect_texts("Stock: one row for each batch", "A partition is a week of change", "Freshness policy")
    tab.expect_texts("tier: fast", "Floriday's identifier of the batch", "TIMESTAMPTZ", "in editor")
    tab.screenshot("feed")
    tab.scroll_to("GET /batches/sync/{sequenceNumber}")
    tab.expect_texts("records", "distance", "relations")
    tab.screenshot("feed_metadata")


def test_the_page_of_partitions_shows_each_week(tab: Tab) -> None:
    """All weeks are materialized, and each shows its run and counts."""
    tab.open("assets/supply/batches?view=partitions")
    tab.expect_texts(f"Materialized ({WEEKS})", "Missing (0)")

    tab.choose(week(1))
    tab.expect_texts("completed by")
    tab.choose(this_week())

    tab.expect_texts("records", "rejected")
    tab.screenshot("partitions")


def test_the_page_of_checks_explains_each_check(tab: Tab) -> None:
    """Each check has its result, its description and its figures."""
    tab.open("assets/supply/batches?view=checks")

    tab.expect_texts("raw_equals_current", "rejected_records", "schema_drift", "unique_key")
    tab.choose("retention")
    tab.expect_texts("No change was lost, or soon will be", "hours left")
    tab.screenshot("checks")


def test_a_run_can_be_launched_and_followed(tab: Tab, room: ControlRoom) -> None:
    """*Materialize…*, *Latest* and *Launch 1 run* start a run, whose page shows its steps and its success."""
    room.sandbox.advance(dt.timedelta(hours=6))
    tab.open("assets/supply/batches")

    tab.click("Materialize…")
    tab.click("Latest", tab.dialog)
    tab.click("Launch 1 run", tab.dialog)
    tab.follow_link("View")

    tab.expect_texts("Success", f"partition: {this_week()}", "supply__batches")
    tab.screenshot("run")
    room.syncing.assert_equal("supply.batches")


def test_schedules_and_sensors_are_listed(tab: Tab) -> None:
    """The page of automation lists schedules and sensors."""
    tab.open("automation")

    tab.expect_texts("changed_feeds", "hourly_sync", "daily_sync", "weekly_full_sync", "syncs_elsewhere")
    tab.screenshot("automation")


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """A nursery of usual size with all feeds, each synced once."""
    with (
        Sandbox(now=start_of_trade(real_now())) as sandbox,
        control_room_of(sandbox, tmp_path_factory.mktemp("nursery")) as room,
    ):
        room.load()
        yield room


def choose_weeks(tab: Tab) -> None:
    """Write three weeks into the open dialog."""
    weeks = tab.dialog.get_by_role("textbox").first
    weeks.fill(f"[{week(3)}...{week(1)}]")
    weeks.press("Enter")
    expect(tab.dialog.get_by_text("3 partitions", exact=True)).to_be_visible()


@pytest.mark.soak
def test_weeks_are_backfilled_by_mouse(browser: Browser, nursery: ControlRoom, screenshots: Path) -> None:
    """Three weeks of the feeds of orders are backfilled in one run; the README's screenshots are taken."""
    with open_tab(browser, nursery, screenshots) as tab:
        tab.open("asset-groups")
        tab.expect_texts(*MENU)
        tab.page.get_by_text("Hide navigation").click()
        tab.expect_texts("Materialize all…", *GROUPS)
        expect(tab.page.get_by_text("fetching statuses")).to_have_count(0)
        tab.screenshot("nursery_graph")
        tab.open("assets/orders/sales_orders")
        tab.expect_texts("What buyers ordered", "Row count", "Passing")
        tab.screenshot("nursery_feed")
        tab.click("Materialize…")
        choose_weeks(tab)
        tab.screenshot("nursery_dialog")

        tab.open("locations/floriday/asset-groups/orders")
        tab.expect_texts("100% filled")
        tab.click("Materialize all…")
        choose_weeks(tab)
        tab.click("Launch backfill", tab.dialog)
        tab.follow_link("View")

        tab.expect_texts("100% completed", within=TWO_MINUTES)
        tab.screenshot("nursery_backfill")
        tab.open("assets/orders/sales_orders?view=partitions")
        tab.expect_texts("Missing (0)")
        tab.screenshot("nursery_partitions")

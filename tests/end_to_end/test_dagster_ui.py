"""Dagster's pages in a browser, clicked through by mouse as a person does who starts a sync and sees it end."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

from pipelines.sandbox import Sandbox
from pipelines.sandbox.world.calendar import start_of_trade
from tests.end_to_end.control_room import WEEKS, ControlRoom, control_room_of, this_week, week
from tests.moments import real_now

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PICTURES = "PICTURES"
"""The variable that names the folder in which the pictures are kept."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: apt-get install chromium"),
]

PATIENCE, TWO_MINUTES = 60_000, 120_000
"""Milliseconds to wait for what a page is to show, and for a backfill, which Dagster looks at every 30 seconds."""

GROUPS = ("catalog", "fulfillment", "orders", "organizations", "reports", "supply")
FEEDS = "trade_items,batches,sales_orders,delivery_orders,organizations"
"""A feed of each group."""


@dataclass
class Visitor:
    """A person at the browser.

    Args:
        page: the tab.
        address: Dagster's.
        pictures: the folder in which pictures are kept.
        asked: the hosts that the pages called.
        wrong: what went wrong in the pages' own programs.
    """

    page: Page
    address: str
    pictures: Path
    asked: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _note(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"}:
            self.asked.add(parts.netloc)

    def opens(self, path: str) -> None:
        """Go to a page of Dagster's."""
        self.page.goto(f"{self.address}/{path}")

    def sees(self, *texts: str | re.Pattern[str], within: float = PATIENCE) -> None:
        """Wait until the page shows each of the texts.

        Args:
            texts: each a part of what an element shows.
            within: milliseconds for each.
        """
        for text in texts:
            expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible(timeout=within)

    def scrolls_to(self, text: str) -> None:
        """Bring a text into view."""
        self.page.get_by_text(text).first.scroll_into_view_if_needed()

    def clicks(self, button: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Click a button."""
        (within or self.page).get_by_role("button", name=button).click()

    def chooses(self, entry: str) -> None:
        """Click an entry of a list; the same text may stand in a picture above it."""
        self.page.get_by_text(entry, exact=True).locator("visible=true").last.click()

    def follows(self, link: str) -> None:
        """Click the link of that name."""
        self.page.get_by_role("link", name=link, exact=True).click()

    def takes_a_picture(self, name: str) -> None:
        """Keep how the page looks."""
        self.page.screenshot(path=self.pictures / f"{name}.png")

    @property
    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures are kept."""
    folder = Path(os.environ.get(PICTURES) or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, without a window."""
    expect.set_options(timeout=PATIENCE)
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []) as started,
    ):
        yield started


@contextmanager
def visiting(browser: Browser, room: ControlRoom, pictures: Path) -> Iterator[Visitor]:
    """A person with a fresh tab; in the end nothing has left the machine, and no page has failed."""
    host = f"127.0.0.1:{room.dagster.port}"
    with browser.new_page(viewport={"width": 1280, "height": 800}) as page:
        page.set_default_timeout(PATIENCE)
        visitor = Visitor(page, f"http://{host}", pictures)
        yield visitor
    assert visitor.asked == {host}
    assert visitor.wrong == []


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """A small nursery, of which a feed of each group was read once."""
    settings = {"FLORIDAY_FEEDS": FEEDS, "FLORIDAY_HISTORY_START": week(WEEKS - 1)}
    with (
        Sandbox(now=start_of_trade(real_now()), scale=0.1) as sandbox,
        control_room_of(sandbox, tmp_path_factory.mktemp("ui"), **settings) as room,
    ):
        room.load()
        yield room


@pytest.fixture
def visitor(browser: Browser, room: ControlRoom, pictures: Path) -> Iterator[Visitor]:
    """A person who visits it."""
    with visiting(browser, room, pictures) as visitor:
        yield visitor


def test_the_graph_leads_to_every_group(visitor: Visitor) -> None:
    """The feeds' groups stand before the reports."""
    visitor.opens("asset-groups")

    visitor.sees("Materialize all…", *GROUPS)
    visitor.takes_a_picture("graph")


def test_a_group_shows_how_its_feeds_are(visitor: Visitor) -> None:
    """Weeks, checks and what automates them stand on each card."""
    visitor.opens("locations/pipelines.definitions/asset-groups/orders")

    visitor.sees("sales_orders", "100% filled", re.compile(r"(\d+) / \1 Passed"), "DuckDB")
    visitor.takes_a_picture("group")


def test_a_feeds_page_describes_it(visitor: Visitor) -> None:
    """What its table holds, what materializing does, how fresh it is, its columns, and what the last sync came to."""
    visitor.opens("assets/supply/batches")

    visitor.sees("Stock: one row for each batch", "A partition is a week of change", "Freshness policy", "tier: fast")
    visitor.sees("Floriday's identifier of the batch", "TIMESTAMPTZ", "in editor")
    visitor.takes_a_picture("feed")
    visitor.scrolls_to("GET /batches/sync/{sequenceNumber}")
    visitor.sees("records", "distance", "relations")
    visitor.takes_a_picture("feed_metadata")


def test_its_weeks_can_be_looked_at(visitor: Visitor) -> None:
    """All of them are filled; each tells what brought it."""
    visitor.opens("assets/supply/batches?view=partitions")
    visitor.sees(f"Materialized ({WEEKS})", "Missing (0)")

    visitor.chooses(week(1))
    visitor.sees("completed by")
    visitor.chooses(this_week())

    visitor.sees("records", "rejected")
    visitor.takes_a_picture("partitions")


def test_its_checks_say_what_they_mean(visitor: Visitor) -> None:
    """Each with its result, its meaning and its figures."""
    visitor.opens("assets/supply/batches?view=checks")

    visitor.sees("raw_equals_current", "rejected_records", "schema_drift", "unique_key")
    visitor.chooses("retention")
    visitor.sees("Nothing that Floriday forgets was, or soon would be, missed", "hours left")
    visitor.takes_a_picture("checks")


def test_a_run_is_launched_and_seen_to_end(visitor: Visitor, room: ControlRoom) -> None:
    """*Materialize…*, the newest week, *Launch 1 run*; its page shows the steps and ends with success."""
    room.sandbox.advance(dt.timedelta(hours=6))
    visitor.opens("assets/supply/batches")

    visitor.clicks("Materialize…")
    visitor.clicks("Latest", visitor.dialog)
    visitor.clicks("Launch 1 run", visitor.dialog)
    visitor.follows("View")

    visitor.sees("Success", f"partition: {this_week()}", "supply__batches")
    visitor.takes_a_picture("run")
    room.syncing.assert_equal("supply.batches")


def test_what_runs_by_itself_is_listed(visitor: Visitor) -> None:
    """Schedules and sensors, each with its switch."""
    visitor.opens("automation")

    visitor.sees("changed_feeds", "hourly_sync", "daily_sync", "weekly_full_sync", "syncs_elsewhere")
    visitor.takes_a_picture("automation")


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    """A nursery of usual size, all of whose feeds were read once."""
    with (
        Sandbox(now=start_of_trade(real_now())) as sandbox,
        control_room_of(sandbox, tmp_path_factory.mktemp("nursery")) as room,
    ):
        room.load()
        yield room


@pytest.mark.soak
def test_weeks_are_backfilled_by_mouse(browser: Browser, nursery: ControlRoom, pictures: Path) -> None:
    """Three weeks of all orders' feeds: one run, whose end the backfill's page shows. Pictures are kept on the way."""
    with visiting(browser, nursery, pictures) as visitor:
        visitor.opens("asset-groups")
        visitor.page.get_by_text("Hide navigation").click()
        visitor.sees("Materialize all…", *GROUPS)
        expect(visitor.page.get_by_text("fetching statuses")).to_have_count(0)
        visitor.takes_a_picture("nursery_graph")
        visitor.opens("assets/orders/sales_orders")
        visitor.sees("What buyers ordered", "Row count", "Passing")
        visitor.takes_a_picture("nursery_feed")

        visitor.opens("locations/pipelines.definitions/asset-groups/orders")
        visitor.sees("100% filled")
        visitor.clicks("Materialize all…")
        weeks = visitor.dialog.get_by_role("textbox").first
        weeks.fill(f"[{week(3)}...{week(1)}]")
        weeks.press("Enter")
        expect(visitor.dialog.get_by_text("3 partitions", exact=True)).to_be_visible()
        visitor.takes_a_picture("nursery_dialog")
        visitor.clicks("Launch backfill", visitor.dialog)
        visitor.follows("View")

        visitor.sees("100% completed", within=TWO_MINUTES)
        visitor.takes_a_picture("nursery_backfill")
        visitor.opens("assets/orders/sales_orders?view=partitions")
        visitor.sees("Missing (0)")
        visitor.takes_a_picture("nursery_partitions")

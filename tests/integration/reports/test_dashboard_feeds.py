"""What the page says while feeds that its figures need were never read, or are not read any more."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipelines.catalogue.tables import tables_of
from pipelines.dashboard import Selection, write_dashboard
from pipelines.dashboard.facts import FACTS
from pipelines.dashboard.listed_reports import LISTS
from pipelines.dashboard.needs import needs_of
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import ORDERS, ReportWarehouse
from tests.integration.reports.test_dashboard_agreement import late_order
from tests.integration.reports.test_dashboard_claims import tile
from tests.integration.reports.test_dashboard_page import DashboardPage, open_page, pytestmark
from tests.moments import real_now

__all__ = ["pytestmark"]

FULFILLMENT = ("fulfillment.delivery_orders", "fulfillment.fulfillment_orders")
INVOICES = "orders.invoice_lines"


@pytest.fixture
def orders(warehouse: ReportWarehouse) -> ReportWarehouse:
    """Orders of a month ago and of last week, with all feeds read."""
    warehouse.store(ORDERS, [late_order(str(days), days) for days in (40, 30, 9, 8)])
    warehouse.mark_read()
    return warehouse


def change(warehouse: ReportWarehouse, sql: str, *names: str) -> None:
    """Change the cursors of some feeds."""
    with Warehouse(warehouse.path).writing() as connection:
        for name in names:
            connection.execute(f"{sql} WHERE feed = ?", [name])


def page_of(warehouse: ReportWarehouse, folder: Path, language: str = "en") -> Path:
    """Write the page as of now."""
    selection = Selection(language=language)
    return write_dashboard(Warehouse(warehouse.path), folder / "page.html", real_now(), selection=selection).path


def tasks(dashboard: DashboardPage) -> str:
    """Return the texts of the tasks."""
    return " ".join(dashboard.page.locator("#tasks li").all_text_contents())


def test_what_needs_a_feed_that_was_never_read_is_not_known(
    orders: ReportWarehouse, browser: Browser, tmp_path: Path
) -> None:
    """Its figures are dashes without a light, its sections say why, and nobody is told to act on them."""
    change(orders, "DELETE FROM sync.cursors", *FULFILLMENT, INVOICES)

    with open_page(browser, page_of(orders, tmp_path), at=real_now()) as dashboard:
        dashboard.page.locator("#last-all").click()
        notice = dashboard.page.locator("main > .notice").first
        expect(notice).to_contain_text("Never read, so that what needs them is not known: fulfillment.delivery_orders")
        for section in ("fill", "punctuality", "invoices"):
            link = dashboard.page.locator(f".tile[href='#{section}']")
            expect(link.locator("strong")).to_have_text("\u2013")
            expect(link.locator(".light, .limits")).to_have_count(0)
            assert "not known: the feed" in tile(dashboard, section)
            expect(dashboard.page.locator(f"#{section} .empty")).to_contain_text("Not known: the feed")
        assert "overdue" not in tasks(dashboard)
        assert "invoiced" not in tasks(dashboard)
        assert "4" in tile(dashboard, "partners")


def test_a_feed_that_is_not_read_any_more_is_behind(orders: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """While others are read, it makes the page amber, its figures are not judged, and no customer seems silent."""
    days = "to_days(9)"
    change(
        orders,
        f"UPDATE sync.cursors SET current_at = now() - {days}, committed_at = now() - {days} - INTERVAL 1 HOUR",
        ORDERS,
    )

    with open_page(browser, page_of(orders, tmp_path), at=real_now()) as dashboard:
        expect(dashboard.page.locator("main > .notice").first).to_contain_text(
            "Not read to the end lately, so that changes are missing: orders.sales_orders ("
        )
        expect(dashboard.page.locator("#facts .light")).to_have_attribute("aria-label", "watch")
        expect(dashboard.page.locator("#health > .note")).to_contain_text(
            f"{len(health_of(orders)) - 1} of {len(health_of(orders))} feeds are current"
        )
        assert "orders.sales_orders was last read" in tile(dashboard, "revenue")
        expect(dashboard.page.locator(".tile[href='#revenue'] .light")).to_have_count(0)
        expect(dashboard.page.locator("#revenue .note")).to_contain_text("Orders.sales_orders was last read")
        assert "silent" not in tasks(dashboard)


def health_of(warehouse: ReportWarehouse) -> list[object]:
    """Return the feeds of the report ``sync_health``."""
    return list(warehouse.report("sync_health"))


def test_a_feed_of_a_slow_tier_is_not_behind(orders: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """What is read once a day is as good as what is read all the time."""
    day = dt.timedelta(hours=25)
    change(orders, f"UPDATE sync.cursors SET current_at = current_at - to_seconds({day.total_seconds()})", INVOICES)
    change(orders, f"UPDATE sync.cursors SET committed_at = current_at - to_seconds({60})", INVOICES)

    with open_page(browser, page_of(orders, tmp_path), at=real_now()) as dashboard:
        expect(dashboard.page.locator("#facts .light")).to_have_attribute("aria-label", "good")
        expect(dashboard.page.locator("main > .notice")).to_have_count(0)


def test_a_page_in_dutch_names_them_too(orders: ReportWarehouse, browser: Browser, tmp_path: Path) -> None:
    """All texts on feeds that are missing are translated."""
    change(orders, "DELETE FROM sync.cursors", INVOICES)

    with open_page(browser, page_of(orders, tmp_path, "nl"), at=real_now()) as dashboard:
        expect(dashboard.page.locator("main > .notice").first).to_contain_text("Nooit gelezen, zodat niet bekend is")
        assert "niet bekend: de feed orders.invoice_lines is nooit gelezen" in tile(dashboard, "invoices")


@pytest.mark.parametrize("api", ["suppliers", "customers"])
def test_each_figure_needs_feeds(api: str, warehouse: ReportWarehouse) -> None:
    """Every fact and list needs at least one feed of an API in which its report exists."""
    own = ReportWarehouse(warehouse.path.with_name(f"{api}.duckdb"), api=api)
    with Warehouse(own.path).reading() as connection:
        views = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'reports'"
        reports = {name for (name,) in connection.execute(views).fetchall()}
    wanted = {each.name: each.report for each in (*FACTS, *LISTS) if each.report in reports}

    needs = needs_of(wanted, api, reports)

    assert wanted.keys() <= needs.keys()
    assert all(needs.values())
    feeds = {tables_of(own.feed(name)).qualified_name for name in needs["sales"]}
    assert feeds == {ORDERS}

"""Labels of the dashboard's charts are text only, also when they are names of JavaScript properties."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from pipelines.dashboard import write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.chromium import launch_chromium
from tests.integration.report_warehouse import ReportWarehouse, make_record
from tests.integration.reports import handmade_deliveries
from tests.integration.reports.test_dashboard_page import open_page, pytestmark
from tests.moments import NOW

__all__ = ["pytestmark"]

NAMES = ("__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "__defineGetter__")
"""Names of properties that every JavaScript object inherits."""

PROPERTIES = """
() => [Object.prototype, Object, Function.prototype, ...Object.getOwnPropertyNames(Object.prototype)
  .map(name => Object.prototype[name]).filter(each => typeof each === "function")]
  .map(each => Object.getOwnPropertyNames(each).sort())
"""
CHOSEN = ("partner", "item")
"""The filters whose entries are names."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    with sync_playwright() as driver, launch_chromium(driver) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dashboard on which customers, trade items, carriers, sales channels and accounts have such names."""
    folder = tmp_path_factory.mktemp("labels")
    warehouse = ReportWarehouse(folder / "w.duckdb")
    handmade_deliveries.store_all(warehouse)
    for feed, field in (("organizations.organizations", "name"), ("catalog.trade_items", "tradeItemName")):
        for name, (account, record) in zip(cycle(NAMES), warehouse.newest_records(feed), strict=False):
            warehouse.store(feed, [{**record, field: name if field == "name" else {"nl": name}}], account)
    carriers = (handmade_deliveries.CARRIER, handmade_deliveries.HAULIER, handmade_deliveries.STRANGER)
    for index, (carrier, name) in enumerate(zip(carriers, NAMES, strict=False)):
        organization = make_record(
            "suppliers", "organizations.organizations", 90 + index, organizationId=carrier, name=name
        )
        warehouse.store("organizations", [organization], "north")
    for account in NAMES[:2]:
        warehouse.store(
            "organizations", [make_record("suppliers", "organizations.organizations", 1, name="constructor")], account
        )
        orders = [record for _, record in warehouse.newest_records("orders.sales_orders")]
        warehouse.store("orders.sales_orders", [{**order, "salesChannel": account} for order in orders[:40]], account)
    write_dashboard(Warehouse(warehouse.path), folder / "page.html", NOW)
    return folder / "page.html"


@pytest.mark.slow
@pytest.mark.parametrize("account", ["north", NAMES[0], pytest.param(NAMES[1], marks=pytest.mark.slow)])
def test_no_label_changes_the_objects_of_the_page(account: str, page: Path, browser: Browser) -> None:
    """Drawing, hovering and filtering do not change the properties of any built-in object."""
    with browser.new_page() as blank:
        before = blank.evaluate(PROPERTIES)
    with open_page(browser, page) as dashboard:
        dashboard.choose("account", account)
        dashboard.page.locator("#last-all").click()
        labels_of_charts = [
            each for each in dashboard.page.locator(".chart text").all_text_contents() if each.split(" (")[0] in NAMES
        ]
        for chart in dashboard.page.locator(".chart").all():
            chart.hover()
        for field in CHOSEN:
            for label in [each for each in dashboard.options(field) if each.split(" (")[0] in NAMES]:
                dashboard.choose(field, label)
                assert dashboard.page.locator(".chart svg").count() > 3
                dashboard.choose_all(field)
        after = dashboard.page.evaluate(PROPERTIES)

    assert after == before
    assert set(labels_of_charts) >= ({"__proto__", "constructor"} if account == "north" else set())


@pytest.mark.slow
def test_the_names_are_shown_unchanged(page: Path, browser: Browser) -> None:
    """Charts, tables and filters show the names unchanged."""
    with open_page(browser, page) as dashboard:
        dashboard.choose("account", "north")
        dashboard.page.locator("#last-all").click()
        for section, column in (("partners", 1), ("items", 0), ("punctuality", 0)):
            shown = {row[column] for row in dashboard.rows(section)}
            assert shown & {"__proto__", "constructor"}, section
            assert not any("[native code]" in each for each in shown)
            assert set(dashboard.page.locator(f"#{section}-chart text").all_text_contents()) & set(NAMES)

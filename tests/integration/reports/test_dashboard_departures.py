"""The open orders of the dashboard: what must leave when, from where, and until when it can be cancelled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from pipelines.dashboard import lists, write_dashboard
from pipelines.warehouse.file.connection import Warehouse
from tests.integration.report_warehouse import AMSTERDAM, ORDERS, Json, ReportWarehouse, id_of, make_record
from tests.integration.reports.handmade_deliveries import REQUESTS, SHIPMENTS
from tests.integration.reports.test_dashboard_page import LAPTOP, DashboardPage, open_page, pytestmark
from tests.integration.reports.test_open_orders import WAREHOUSES, delivery, order, shipment
from tests.moments import real_now

__all__ = ["pytestmark"]

_TODAY = real_now().astimezone(AMSTERDAM).date()
TUESDAY = dt.datetime.combine(_TODAY + dt.timedelta(days=8 - _TODAY.weekday()), dt.time(10), AMSTERDAM)
"""Ten o'clock on the Tuesday after this week: all orders are due after it, or shortly before."""
SHED = id_of("shed")


def due(number: int, **after: float) -> Json:
    """Return an order from the shed that is due some time after Tuesday."""
    time = {"latestDeliveryDateTime": (TUESDAY + dt.timedelta(**after)).isoformat()}
    return order(number, salesChannelOrderId=f"order {number}", despatchWarehouseId=SHED, delivery=time)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with an open order of each kind."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("departures") / "w.duckdb")
    deadline = (TUESDAY + dt.timedelta(hours=5)).isoformat()
    orders = [
        due(1, hours=-3),
        due(2, hours=-2),
        due(3, hours=4),
        due(4, days=1),
        {**due(5, days=1), "status": "ACCEPTED", "cancellationDeadline": deadline},
        due(6, days=3),
        due(7, days=6),
        due(8, hours=-4),
    ]
    warehouse.store(ORDERS, orders)
    left = {"fulfillmentOrderId": id_of("left"), "claimedNumberOfPackages": 10}
    request = {"fulfillmentRequestId": id_of("other"), "salesOrderId": id_of("order 8")}
    warehouse.store(
        REQUESTS,
        [
            {**delivery(1, 10), "despatchWarehouseId": SHED},
            {**delivery(2, 10, {**request, "fulfillmentOrderClaims": [left]}), "despatchWarehouseId": SHED},
        ],
    )
    departed = {**shipment("ACCEPTED"), "fulfillmentOrderId": id_of("left")}
    warehouse.store(SHIPMENTS, [shipment("DRAFT"), departed])
    warehouse.store(WAREHOUSES, [make_record("suppliers", WAREHOUSES, 1, warehouseId=SHED, name="Shed")])
    return warehouse


@pytest.fixture(scope="module")
def page(stored: ReportWarehouse, browser: Browser) -> Iterator[DashboardPage]:
    """The page on Tuesday."""
    file = write_dashboard(Warehouse(stored.path), stored.path.with_suffix(".html"), TUESDAY).path
    with open_page(browser, file, at=TUESDAY, locale="en-GB", **LAPTOP) as dashboard:
        yield dashboard


def chips(page: DashboardPage) -> list[str]:
    """Return the choices of when orders are due, with their numbers of orders."""
    return page.page.locator(".dues button[id^=due-]").all_text_contents()


def test_orders_by_when_they_are_due(page: DashboardPage) -> None:
    """What must leave tomorrow is one click away, from its warehouse, firm orders apart from cancellable ones."""
    assert chips(page) == [
        "All 8",
        "Overdue 2",
        "Today 1",
        "Tomorrow 2",
        "Later this week 1",
        "After this week 1",
        "Left, not reported as delivered 1",
    ]
    page.page.locator("#due-tomorrow").click()
    assert page.page.url.endswith("#due=tomorrow")
    expect(page.page.locator("#due-tomorrow")).to_be_focused()
    assert page.figures("departures") == ["1", "1", "200", "20"]
    assert [(row[1], row[6], row[8]) for row in page.rows("departures")] == [
        ("order 4", "Shed", "100"),
        ("order 5", "Shed", "100"),
    ]
    assert [row[3] != "\u2013" for row in page.rows("departures")] == [False, True]
    assert "15:00" in page.rows("departures")[1][3]
    groups = page.cells("#departures tbody tr.group")
    assert [[group[0], *group[9:11]] for group in groups] == [
        ["Firm orders: 1 order", "100", "10"],
        ["Can still be cancelled: 1 order", "100", "10"],
    ]
    (total,) = page.cells("#departures tfoot tr")
    assert (total[0], *total[9:11]) == ("Total: 2 orders", "200", "20")


def test_overdue_orders_begin_with_what_must_be_picked(page: DashboardPage) -> None:
    """Among the overdue orders, those without open pieces come last, and those that have left are not overdue."""
    page.page.locator("#due-late").click()
    assert [(row[1], row[9]) for row in page.rows("departures")] == [("order 2", "100"), ("order 1", "0")]
    page.page.locator("#due-all").click()
    assert [row[1] for row in page.rows("departures")] == [f"order {number}" for number in (2, 1, 3, 4, 6, 7, 5, 8)]
    assert "due=" not in page.page.url


@pytest.mark.slow
def test_the_address_keeps_when_orders_are_due(page: DashboardPage) -> None:
    """The address with a filter shows the same orders, and an unknown one is ignored."""
    for address, rows in (("#due=week", ["order 6"]), ("#due=never", 8)):
        page.page.evaluate("address => { location.hash = address; }", address)
        shown = len(rows) if isinstance(rows, list) else rows
        expect(page.page.locator("#departures tbody tr:not(.group)")).to_have_count(shown)


@pytest.mark.slow
def test_a_list_names_its_limit(stored: ReportWarehouse, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more orders than a list has, each kind has some, and the numbers are those of all."""
    monkeypatch.setattr(lists, "LISTED", 1)
    file = write_dashboard(Warehouse(stored.path), stored.path.with_name("few.html"), TUESDAY).path

    with open_page(browser, file, at=TUESDAY, locale="en-GB", **LAPTOP) as dashboard:
        note = dashboard.page.locator("#departures .note").first.text_content() or ""
        assert "The list has 2 of 8 rows." in note
        assert chips(dashboard)[0] == "All 8"
        assert chips(dashboard)[-1].endswith("1")
        assert dashboard.figures("departures")[2] == "600"
